// A metric of a vertex over the last minutes, with a line for each subtask.
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useEffect, useState } from 'react';
import { Boundary } from '../components/Boundary';
import type { Switching } from '../components/series/switches';
import { t } from '../i18n';
import { get } from './api';
import { formatMetric } from './format';
import { useJob } from './JobPage';
import { Pending } from './Pending';
import { shortName } from './plan';
import { isOver, usePolled } from './queries';
import { metricsRoute } from './router';
import { addSample, type Sample } from './samples';
import { Table } from './Table';
import type { Aggregated, Metric } from './types';

const MetricLines = lazy(() => import('./MetricLines'));

const DEFAULT = 'numRecordsInPerSecond';
const REFRESH_MS = 1_000;

export function MetricsTab() {
  const job = useJob();
  const search = metricsRoute.useSearch();
  const navigate = metricsRoute.useNavigate();
  const vertex = job.vertices.find(({ id }) => id === search.vertex) ?? job.vertices[0];
  const path = `jobs/${job.jid}/vertices/${vertex?.id}`;
  const { data: names, error } = usePolled<Metric[]>(`${path}/subtasks/metrics`, {
    everyMs: 10_000,
    enabled: vertex !== undefined,
  });

  if (isOver(job.state)) {
    return <p className="jobs-note">{t('The job has ended, so its metrics do not change any more.')}</p>;
  }
  if (!vertex) return <p className="jobs-note">{t('The job has no vertices yet.')}</p>;
  if (!names) return <Pending what={t('Metrics')} error={error} />;
  if (names.length === 0) return <p className="jobs-note">{t('The vertex has no metrics yet.')}</p>;

  const wanted = search.metric ?? DEFAULT;
  const metric = names.some(({ id }) => id === wanted) ? wanted : (names[0]?.id ?? wanted);
  const choose = (changed: { vertex?: string; metric?: string }) =>
    void navigate({ search: { vertex: vertex.id, metric, ...changed }, replace: true });

  return (
    <>
      <div className="jobs-choices">
        <label>
          <span>{t('Vertex')}</span>
          <select value={vertex.id} onChange={(event) => choose({ vertex: event.target.value })}>
            {job.vertices.map(({ id, name }) => (
              <option key={id} value={id}>
                {shortName(name)}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span>{t('Metric')}</span>
          <select value={metric} onChange={(event) => choose({ metric: event.target.value })}>
            {names.map(({ id }) => (
              <option key={id}>{id}</option>
            ))}
          </select>
        </label>
      </div>
      <Followed
        key={`${vertex.id} ${metric}`}
        path={path}
        metric={metric}
        subtasks={vertex.parallelism}
        vertex={shortName(vertex.name)}
        hidden={search.hidden}
        onHidden={(hidden) => void navigate({ search: (before) => ({ ...before, hidden }), replace: true })}
      />
    </>
  );
}

interface FollowedProps extends Switching {
  path: string;
  metric: string;
  subtasks: number;
  vertex: string;
}

function Followed({ path, metric, subtasks, vertex, ...switching }: FollowedProps) {
  const [samples, setSamples] = useState<Sample[]>([]);
  const { data, error } = useQuery({
    queryKey: ['followed', path, metric],
    queryFn: async ({ signal }) => {
      const asked = Array.from({ length: subtasks }, (_, index) => `${index}.${metric}`).join(',');
      const [values, aggregated] = await Promise.all([
        get<Metric[]>(`${path}/metrics?get=${encodeURIComponent(asked)}`, signal),
        get<Aggregated[]>(`${path}/subtasks/metrics?get=${encodeURIComponent(metric)}`, signal),
      ]);
      return { values, aggregated, at: Date.now() };
    },
    refetchInterval: REFRESH_MS,
    gcTime: 0,
  });

  useEffect(() => {
    if (data) setSamples((before) => addSample(before, data.at, data.values));
  }, [data]);

  if (!data) return <Pending what={metric} error={error} />;
  const format = (value: number) => formatMetric(metric, value);
  const [all] = data.aggregated;
  return (
    <>
      <section className="jobs-section" aria-labelledby="metric">
        <h2 id="metric">{metric}</h2>
        <p className="jobs-quiet">{t('{{vertex}}, by subtask, since this page was opened', { vertex })}</p>
        <div className="jobs-chart">
          <Boundary
            fallback={<p className="jobs-note">{t('The lines cannot be drawn; the values are below.')}</p>}
          >
            <Suspense>
              <MetricLines metric={metric} subtasks={subtasks} samples={samples} {...switching} />
            </Suspense>
          </Boundary>
        </div>
      </section>
      {all && (
        <Table
          caption={t('{{metric}} over all subtasks', { metric })}
          keyOf={({ id }) => id}
          rows={[all]}
          columns={[
            { name: t('Now'), cell: () => t('All subtasks') },
            { name: t('Least'), isNumber: true, cell: ({ min }) => format(min) },
            { name: t('Average'), isNumber: true, cell: ({ avg }) => format(avg) },
            { name: t('Most'), isNumber: true, cell: ({ max }) => format(max) },
            ...(isSummable(metric)
              ? [{ name: t('Sum'), isNumber: true, cell: ({ sum }: Aggregated) => format(sum) }]
              : []),
          ]}
        />
      )}
    </>
  );
}

/** Points in time and delays of subtasks have no sum. */
function isSummable(metric: string): boolean {
  return !/(watermark|lag|lag-max|Timestamp)$/i.test(metric);
}
