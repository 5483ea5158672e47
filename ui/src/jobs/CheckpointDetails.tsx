// A checkpoint by vertex, and on demand by subtask.
import { useState } from 'react';
import { formatBytes, formatSpan } from './format';
import { Moment } from './Moment';
import { Pending } from './Pending';
import { shortName } from './plan';
import { usePolled } from './queries';
import { State } from './State';
import { Table } from './Table';
import type { Checkpoint, CheckpointSubtasks, Job } from './types';

export function CheckpointDetails({ job, id }: { job: Job; id: string }) {
  const path = `jobs/${job.jid}/checkpoints/details/${encodeURIComponent(id)}`;
  const { data, error } = usePolled<Checkpoint>(path);
  const [opened, setOpened] = useState<string | null>(null);
  const rows = job.vertices.flatMap(({ id, name }) => {
    const part = data?.tasks?.[id];
    return part ? [{ id, name: shortName(name), ...part }] : [];
  });

  return (
    <section className="jobs-section jobs-details" aria-labelledby="checkpoint">
      <h2 id="checkpoint">Checkpoint {id} by vertex</h2>
      {!data && <Pending what={`Checkpoint ${id}`} error={error} />}
      {data && (
        <Table
          caption={`Checkpoint ${id} by vertex`}
          keyOf={({ id }) => id}
          rows={rows}
          columns={[
            { name: 'Vertex', cell: ({ name }) => name },
            { name: 'State', cell: ({ status }) => <State state={status} /> },
            {
              name: 'Acknowledged',
              isNumber: true,
              cell: (row) => `${row.num_acknowledged_subtasks} of ${row.num_subtasks}`,
            },
            { name: 'Last acknowledged', cell: (row) => <Moment at={row.latest_ack_timestamp} /> },
            { name: 'Duration', isNumber: true, cell: (row) => formatSpan(row.end_to_end_duration) },
            { name: 'Written', isNumber: true, cell: (row) => formatBytes(row.checkpointed_size) },
            { name: 'Full state', isNumber: true, cell: (row) => formatBytes(row.state_size) },
            {
              name: 'Subtasks',
              isAction: true,
              cell: (row) => (
                <button
                  type="button"
                  className="jobs-button jobs-button-small"
                  aria-label={`Subtasks of ${row.name}`}
                  aria-expanded={opened === row.id}
                  onClick={() => setOpened(opened === row.id ? null : row.id)}
                >
                  Subtasks
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
  if (!data) return <Pending what="Subtasks" error={error} />;
  return (
    <Table
      caption="The checkpoint by subtask"
      keyOf={({ index }) => String(index)}
      rows={data.subtasks}
      columns={[
        { name: 'Subtask', cell: ({ index }) => index + 1 },
        { name: 'State', cell: ({ status }) => status.replaceAll('_', ' ') },
        { name: 'Acknowledged', cell: (row) => <Moment at={row.ack_timestamp} /> },
        { name: 'Duration', isNumber: true, cell: (row) => formatSpan(row.end_to_end_duration) },
        { name: 'Start delay', isNumber: true, cell: (row) => formatSpan(row.start_delay) },
        { name: 'Alignment', isNumber: true, cell: (row) => formatSpan(row.alignment?.duration) },
        {
          name: 'Sync, async',
          isNumber: true,
          cell: ({ checkpoint }) => `${formatSpan(checkpoint?.sync)}, ${formatSpan(checkpoint?.async)}`,
        },
        { name: 'Written', isNumber: true, cell: (row) => formatBytes(row.checkpointed_size) },
        { name: 'Full state', isNumber: true, cell: (row) => formatBytes(row.state_size) },
      ]}
    />
  );
}
