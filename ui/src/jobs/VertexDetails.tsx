// A vertex: what its operators do, and its subtasks.
import { Link } from '@tanstack/react-router';
import { formatCount } from '../format/number';
import { t } from '../i18n';
import { formatAge, formatBytes, formatShare, formatWatermark, watermarkOf } from './format';
import { Pending } from './Pending';
import { descriptionLines, shortName } from './plan';
import { isOver, usePolled } from './queries';
import { State } from './State';
import { Table } from './Table';
import type { Backpressure, VertexDetails as Details, Job, Metric, Subtask, Vertex } from './types';

export function VertexDetails({ job, vertex }: { job: Job; vertex: Vertex }) {
  const title = t('{{vertex}}: operators and subtasks', { vertex: shortName(vertex.name) });
  const path = `jobs/${job.jid}/vertices/${vertex.id}`;
  const isRunning = !isOver(job.state);
  const { data, error } = usePolled<Details>(path);
  const { data: pressure } = usePolled<Backpressure>(`${path}/backpressure`, { enabled: isRunning });
  const asked = Array.from({ length: vertex.parallelism }, (_, index) => `${index}.currentInputWatermark`);
  const { data: watermarks } = usePolled<Metric[]>(`${path}/metrics?get=${asked.join(',')}`, {
    enabled: isRunning,
  });
  const node = job.plan.nodes.find(({ id }) => id === vertex.id);

  const pressureOf = (subtask: Subtask) =>
    isRunning ? pressure?.subtasks?.find((of) => of.subtask === subtask.subtask) : undefined;
  const watermarkText = (subtask: Subtask) => {
    const found = watermarks?.find(({ id }) => id.startsWith(`${subtask.subtask}.`));
    return isRunning && found ? formatWatermark(watermarkOf(found.value), Date.now()) : '–';
  };
  const count = (name: string, format: (value: number) => string) => (subtask: Subtask) =>
    format(Number(subtask.metrics[name]));

  return (
    <section className="jobs-section jobs-details" aria-labelledby="vertex">
      <div className="jobs-title">
        <h2 id="vertex">{title}</h2>
        <Link to="/job/$job/metrics" params={{ job: job.jid }} search={{ vertex: vertex.id }}>
          {t('Metrics')}
        </Link>
        <Link to="." search={{}} resetScroll={false}>
          {t('Close')}
        </Link>
      </div>
      <ol className="jobs-operators">
        {descriptionLines(node?.description ?? vertex.name).map((line) => (
          <li key={line}>
            <code>{line}</code>
          </li>
        ))}
      </ol>
      {!data && <Pending what={t('Subtasks')} error={error} />}
      {data && (
        <Table
          caption={t('Subtasks of the vertex')}
          keyOf={({ subtask }) => String(subtask)}
          rows={data.subtasks}
          columns={[
            { name: t('Subtask'), cell: ({ subtask }) => subtask + 1 },
            { name: t('State'), cell: ({ status }) => <State state={status} /> },
            { name: t('Attempt'), isNumber: true, cell: ({ attempt }) => attempt + 1 },
            { name: t('Duration'), isNumber: true, cell: ({ duration }) => formatAge(duration) },
            { name: t('Records in'), isNumber: true, cell: count('read-records', formatCount) },
            { name: t('Records out'), isNumber: true, cell: count('write-records', formatCount) },
            { name: t('Bytes in'), isNumber: true, cell: count('read-bytes', formatBytes) },
            { name: t('Bytes out'), isNumber: true, cell: count('write-bytes', formatBytes) },
            { name: t('Busy'), isNumber: true, cell: (row) => formatShare(pressureOf(row)?.busyRatio) },
            { name: t('Backpressured'), isNumber: true, cell: (row) => formatShare(pressureOf(row)?.ratio) },
            { name: t('Watermark'), isNumber: true, cell: watermarkText },
          ]}
        />
      )}
    </section>
  );
}
