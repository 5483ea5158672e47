// The task managers: slots, memory and processors of each.
import { Link } from '@tanstack/react-router';
import { formatBytes } from './format';
import { Moment } from './Moment';
import { Pending } from './Pending';
import { usePolled } from './queries';
import { Table } from './Table';
import { useTitle } from './title';
import type { TaskManager } from './types';

export function TaskManagers() {
  useTitle('Task managers');
  const { data, error } = usePolled<{ taskmanagers: TaskManager[] }>('taskmanagers');
  return (
    <section className="jobs-section">
      <div className="jobs-title">
        <h1>Task managers</h1>
      </div>
      {!data && <Pending what="Task managers" error={error} />}
      {data && (
        <Table
          caption="Task managers"
          keyOf={({ id }) => id}
          rows={data.taskmanagers}
          columns={[
            {
              name: 'Task manager',
              cell: ({ id }) => (
                <Link to="/task-managers/$id" params={{ id }} className="jobs-name">
                  {id}
                </Link>
              ),
            },
            { name: 'Address', cell: ({ path }) => <code>{path}</code> },
            { name: 'Slots free', isNumber: true, cell: (row) => `${row.freeSlots} of ${row.slotsNumber}` },
            { name: 'CPU cores', isNumber: true, cell: ({ hardware }) => hardware.cpuCores },
            { name: 'Memory', isNumber: true, cell: ({ hardware }) => formatBytes(hardware.physicalMemory) },
            { name: 'Last heartbeat', cell: (row) => <Moment at={row.timeSinceLastHeartbeat} /> },
          ]}
        />
      )}
    </section>
  );
}
