// Checkpoints and savepoints of a job: how many, the latest of each kind, and the history with the parts of each.
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { formatCount } from '../format/number';
import { t } from '../i18n';
import { CheckpointDetails } from './CheckpointDetails';
import { Copy } from './Copy';
import { formatBytes, formatPart, formatSpan } from './format';
import { useJob } from './JobPage';
import { Moment } from './Moment';
import { Pending } from './Pending';
import { isOver, usePolled } from './queries';
import { checkpointsRoute } from './router';
import { Sentence } from './Sentence';
import { State } from './State';
import { Table } from './Table';
import type { Checkpoint, Checkpoints, Spread } from './types';

interface Config {
  mode: string;
  interval: number;
  timeout: number;
  min_pause: number;
}

export function CheckpointsTab() {
  const job = useJob();
  const { checkpoint: selected } = checkpointsRoute.useSearch();
  const { data, error } = usePolled<Checkpoints>(`jobs/${job.jid}/checkpoints`, {
    everyMs: isOver(job.state) ? false : 2_000,
  });
  const { data: config } = usePolled<Config>(`jobs/${job.jid}/checkpoints/config`, { everyMs: false });

  if (!data) return <Pending what={t('Checkpoints')} error={error} />;
  const { counts, latest, history, summary } = data;
  return (
    <>
      <dl className="jobs-totals">
        <Count name={t('Completed')} count={counts.completed} />
        <Count name={t('Failed')} count={counts.failed} isBad />
        <Count name={t('In progress')} count={counts.in_progress} />
        <Count name={t('Restored')} count={counts.restored} />
        <div>
          <dt>{t('Interval')}</dt>
          <dd>{config ? formatSpan(config.interval) : '–'}</dd>
        </div>
      </dl>
      <section className="jobs-section" aria-labelledby="latest">
        <h2 id="latest">{t('Latest')}</h2>
        <dl className="jobs-latest">
          <Latest name={t('Completed checkpoint')} of={latest.completed} />
          <Latest name={t('Savepoint')} of={latest.savepoint} />
          <Latest name={t('Failed')} of={latest.failed} />
          {latest.restored && (
            <div>
              <dt>{t('Restored from')}</dt>
              <dd>
                <Sentence
                  text={
                    latest.restored.is_savepoint
                      ? t('Savepoint {{id}} at {{time}}', { id: latest.restored.id })
                      : t('Checkpoint {{id}} at {{time}}', { id: latest.restored.id })
                  }
                  values={{ time: <Moment at={latest.restored.restore_timestamp} /> }}
                />
                {latest.restored.external_path && (
                  <Copy
                    text={latest.restored.external_path}
                    label={t('Copy the path of the restored state')}
                  />
                )}
              </dd>
            </div>
          )}
        </dl>
      </section>
      <section className="jobs-section" aria-labelledby="history">
        <h2 id="history">{t('History')}</h2>
        {history.length === 0 ? (
          <p className="jobs-note">{t('No checkpoint has been taken yet.')}</p>
        ) : (
          <History history={history} selected={selected} />
        )}
      </section>
      {selected !== undefined && <CheckpointDetails key={selected} job={job} id={selected} />}
      {counts.completed > 0 && <Summary summary={summary} />}
    </>
  );
}

function Count({ name, count, isBad = false }: { name: string; count: number; isBad?: boolean }) {
  return (
    <div>
      <dt className={isBad && count > 0 ? 'jobs-state-bad' : undefined}>{name}</dt>
      <dd>{formatCount(count)}</dd>
    </div>
  );
}

function Latest({ name, of }: { name: string; of: Checkpoint | null }) {
  let text: ReactNode = t('none');
  if (of) {
    text = (
      <>
        <Sentence
          text={t('{{id}}, started {{time}}, took {{duration}}, {{size}}', {
            id: of.id,
            duration: formatSpan(of.end_to_end_duration),
            size: formatBytes(of.state_size),
          })}
          values={{ time: <Moment at={of.trigger_timestamp} /> }}
        />
        {of.failure_message && <span className="jobs-error"> {of.failure_message}</span>}
        {of.external_path && (
          <>
            <Copy text={of.external_path} label={t('Copy the path of the latest {{kind}}', { kind: name })} />{' '}
            <Link to="/sql" search={{ from: of.external_path }}>
              {t('Start a script from it')}
            </Link>
          </>
        )}
      </>
    );
  }
  return (
    <div>
      <dt>{name}</dt>
      <dd>{text}</dd>
    </div>
  );
}

function History({ history, selected }: { history: Checkpoint[]; selected: string | undefined }) {
  return (
    <Table
      caption={t('Checkpoints, the newest first')}
      keyOf={({ id }) => String(id)}
      rows={history}
      classOf={({ id }) => (String(id) === selected ? 'jobs-selected' : undefined)}
      columns={[
        {
          name: t('Id'),
          cell: ({ id }) => (
            <Link
              to="."
              search={String(id) === selected ? {} : { checkpoint: String(id) }}
              resetScroll={false}
              className="jobs-name"
              aria-label={t('Checkpoint {{id}}, by vertex', { id })}
              activeProps={{}}
            >
              {id}
            </Link>
          ),
        },
        { name: t('Kind'), cell: (row) => (row.is_savepoint ? t('Savepoint') : t('Checkpoint')) },
        { name: t('State'), cell: ({ status }) => <State state={status} /> },
        {
          name: t('Acknowledged'),
          isNumber: true,
          cell: (row) => formatPart(row.num_acknowledged_subtasks, row.num_subtasks),
        },
        { name: t('Started'), cell: (row) => <Moment at={row.trigger_timestamp} /> },
        { name: t('Duration'), isNumber: true, cell: (row) => formatSpan(row.end_to_end_duration) },
        { name: t('Written'), isNumber: true, cell: (row) => formatBytes(row.checkpointed_size) },
        { name: t('Full state'), isNumber: true, cell: (row) => formatBytes(row.state_size) },
        {
          name: t('Place or failure'),
          cell: (row) =>
            row.failure_message ? (
              <span className="jobs-error">{row.failure_message}</span>
            ) : (
              <code>{row.discarded ? t('removed') : (row.external_path ?? '–')}</code>
            ),
        },
      ]}
    />
  );
}

function Summary({ summary }: { summary: Checkpoints['summary'] }) {
  const rows: { name: string; spread: Spread; format: (value: number) => string }[] = [
    { name: t('Duration'), spread: summary.end_to_end_duration, format: formatSpan },
    { name: t('Written'), spread: summary.checkpointed_size, format: formatBytes },
    { name: t('Full state'), spread: summary.state_size, format: formatBytes },
  ];
  return (
    <section className="jobs-section" aria-labelledby="summary">
      <h2 id="summary">{t('Completed checkpoints in numbers')}</h2>
      <Table
        caption={t('Durations and sizes of completed checkpoints')}
        keyOf={({ name }) => name}
        rows={rows}
        columns={[
          { name: t('Figure'), cell: ({ name }) => name },
          { name: t('Least'), isNumber: true, cell: ({ spread, format }) => format(spread.min) },
          { name: t('Average'), isNumber: true, cell: ({ spread, format }) => format(spread.avg) },
          {
            name: t('95 of 100 below'),
            isNumber: true,
            cell: ({ spread, format }) => format(Number(spread.p95)),
          },
          { name: t('Most'), isNumber: true, cell: ({ spread, format }) => format(spread.max) },
        ]}
      />
    </section>
  );
}
