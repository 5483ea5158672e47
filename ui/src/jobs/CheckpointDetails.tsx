// A checkpoint by vertex, and on demand by subtask.
import { useState } from 'react';
import { t } from '../i18n';
import { formatBytes, formatPart, formatSpan } from './format';
import { Moment } from './Moment';
import { Pending } from './Pending';
import { shortName } from './plan';
import { usePolled } from './queries';
import { State } from './State';
import { Table } from './Table';
import type { Checkpoint, CheckpointSubtasks, Job } from './types';

export function CheckpointDetails({ job, id }: { job: Job; id: string }) {
  const title = t('Checkpoint {{id}} by vertex', { id });
  const path = `jobs/${job.jid}/checkpoints/details/${encodeURIComponent(id)}`;
  const { data, error } = usePolled<Checkpoint>(path);
  const [opened, setOpened] = useState<string | null>(null);
  const rows = job.vertices.flatMap(({ id, name }) => {
    const part = data?.tasks?.[id];
    return part ? [{ id, name: shortName(name), ...part }] : [];
  });

  return (
    <section className="jobs-section jobs-details" aria-labelledby="checkpoint">
      <h2 id="checkpoint">{title}</h2>
      {!data && <Pending what={t('Checkpoint {{id}}', { id })} error={error} />}
      {data && (
        <Table
          caption={title}
          keyOf={({ id }) => id}
          rows={rows}
          columns={[
            { name: t('Vertex'), cell: ({ name }) => name },
            { name: t('State'), cell: ({ status }) => <State state={status} /> },
            {
              name: t('Acknowledged'),
              isNumber: true,
              cell: (row) => formatPart(row.num_acknowledged_subtasks, row.num_subtasks),
            },
            { name: t('Last acknowledged'), cell: (row) => <Moment at={row.latest_ack_timestamp} /> },
            { name: t('Duration'), isNumber: true, cell: (row) => formatSpan(row.end_to_end_duration) },
            { name: t('Written'), isNumber: true, cell: (row) => formatBytes(row.checkpointed_size) },
            { name: t('Full state'), isNumber: true, cell: (row) => formatBytes(row.state_size) },
            {
              name: t('Subtasks'),
              isAction: true,
              cell: (row) => (
                <button
                  type="button"
                  className="jobs-button jobs-button-small"
                  aria-label={t('Subtasks of {{vertex}}', { vertex: row.name })}
                  aria-expanded={opened === row.id}
                  onClick={() => setOpened(opened === row.id ? null : row.id)}
                >
                  {t('Subtasks')}
                </button>
              ),
            },
          ]}
        />
      )}
      {opened !== null && <Subtasks path={`${path}/subtasks/${opened}`} />}
    </section>
  );
}

function Subtasks({ path }: { path: string }) {
  const { data, error } = usePolled<CheckpointSubtasks>(path);
  if (!data) return <Pending what={t('Subtasks')} error={error} />;
  return (
    <Table
      caption={t('The checkpoint by subtask')}
      keyOf={({ index }) => String(index)}
      rows={data.subtasks}
      columns={[
        { name: t('Subtask'), cell: ({ index }) => index + 1 },
        { name: t('State'), cell: ({ status }) => status.replaceAll('_', ' ') },
        { name: t('Acknowledged'), cell: (row) => <Moment at={row.ack_timestamp} /> },
        { name: t('Duration'), isNumber: true, cell: (row) => formatSpan(row.end_to_end_duration) },
        { name: t('Start delay'), isNumber: true, cell: (row) => formatSpan(row.start_delay) },
        { name: t('Alignment'), isNumber: true, cell: (row) => formatSpan(row.alignment?.duration) },
        {
          name: t('Sync, async'),
          isNumber: true,
          cell: ({ checkpoint }) => `${formatSpan(checkpoint?.sync)}, ${formatSpan(checkpoint?.async)}`,
        },
        { name: t('Written'), isNumber: true, cell: (row) => formatBytes(row.checkpointed_size) },
        { name: t('Full state'), isNumber: true, cell: (row) => formatBytes(row.state_size) },
      ]}
    />
  );
}
