// The task managers: slots, memory and processors of each.
import { Link } from '@tanstack/react-router';
import { t } from '../i18n';
import { formatBytes, formatPart } from './format';
import { Moment } from './Moment';
import { Pending } from './Pending';
import { usePolled } from './queries';
import { Table } from './Table';
import { useTitle } from './title';
import type { TaskManager } from './types';

export function TaskManagers() {
  useTitle(t('Task managers'));
  const { data, error } = usePolled<{ taskmanagers: TaskManager[] }>('taskmanagers');
  return (
    <section className="jobs-section">
      <div className="jobs-title">
        <h1>{t('Task managers')}</h1>
      </div>
      {!data && <Pending what={t('Task managers')} error={error} />}
      {data && (
        <Table
          caption={t('Task managers')}
          keyOf={({ id }) => id}
          rows={data.taskmanagers}
          columns={[
            {
              name: t('Task manager'),
              cell: ({ id }) => (
                <Link to="/task-managers/$id" params={{ id }} className="jobs-name">
                  {id}
                </Link>
              ),
            },
            { name: t('Address'), cell: ({ path }) => <code>{path}</code> },
            {
              name: t('Slots free'),
              isNumber: true,
              cell: (row) => formatPart(row.freeSlots, row.slotsNumber),
            },
            { name: t('CPU cores'), isNumber: true, cell: ({ hardware }) => hardware.cpuCores },
            {
              name: t('Memory'),
              isNumber: true,
              cell: ({ hardware }) => formatBytes(hardware.physicalMemory),
            },
            { name: t('Last heartbeat'), cell: (row) => <Moment at={row.timeSinceLastHeartbeat} /> },
          ]}
        />
      )}
    </section>
  );
}
