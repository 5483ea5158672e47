// A task manager: its slots and memory, and its metrics, logs and threads.
import { Link } from '@tanstack/react-router';
import { t } from '../i18n';
import { Refused } from './api';
import { formatBytes } from './format';
import { Moment } from './Moment';
import { Pending } from './Pending';
import { Log, ProcessMetrics, Threads } from './Process';
import { useJobs, usePolled } from './queries';
import { type ProcessTab, taskManagerRoute } from './router';
import { Sentence } from './Sentence';
import { Table } from './Table';
import { useTitle } from './title';
import type { TaskManager } from './types';

const TABS: [ProcessTab, string][] = [
  ['metrics', t('Metrics')],
  ['log', t('Log')],
  ['stdout', t('Stdout')],
  ['threads', t('Threads')],
];

export function TaskManagerPage() {
  const { id } = taskManagerRoute.useParams();
  const { tab = 'metrics' } = taskManagerRoute.useSearch();
  const path = `taskmanagers/${encodeURIComponent(id)}`;
  const { data, error } = usePolled<TaskManager>(path);
  useTitle(id);

  if (error instanceof Refused && !data) {
    return (
      <div className="jobs-note" role="alert">
        <h1>{t('There is no such task manager')}</h1>
        <p>
          <Sentence
            text={t('The job manager says: {{refusal}} {{link}}')}
            values={{
              refusal: error.message,
              link: <Link to="/task-managers">{t('All task managers')}</Link>,
            }}
          />
        </p>
      </div>
    );
  }
  if (!data) return <Pending what={t('Task manager')} error={error} />;
  return (
    <>
      <div className="jobs-title">
        <h1>{data.id}</h1>
        <code>{data.path}</code>
      </div>
      <Facts of={data} />
      <nav className="jobs-tabs" aria-label={t('Parts of the task manager')}>
        {TABS.map(([value, name]) => (
          <Link
            key={value}
            to="/task-managers/$id"
            params={{ id }}
            search={{ tab: value }}
            aria-current={value === tab ? 'page' : undefined}
            activeProps={{}}
          >
            {name}
          </Link>
        ))}
      </nav>
      {tab === 'metrics' && (
        <>
          <Slots of={data} />
          <ProcessMetrics path={path} />
        </>
      )}
      {tab === 'log' && <Log title={t('Log')} path={`${path}/log`} empty={t('The log is empty.')} />}
      {tab === 'stdout' && (
        <Log
          title={t('Stdout')}
          path={`${path}/stdout`}
          empty={t('Nothing was written to the standard output.')}
        />
      )}
      {tab === 'threads' && <Threads path={path} />}
    </>
  );
}

function Facts({ of }: { of: TaskManager }) {
  return (
    <dl className="jobs-totals">
      <div>
        <dt>{t('Slots free')}</dt>
        <dd>
          {of.freeSlots} <small>{t('of {{total}}', { total: of.slotsNumber })}</small>
        </dd>
      </div>
      <div>
        <dt>{t('Memory used')}</dt>
        <dd>
          {formatBytes(of.metrics?.heapUsed)}{' '}
          <small>{t('of {{total}}', { total: formatBytes(of.metrics?.heapMax) })}</small>
        </dd>
      </div>
      <div>
        <dt>{t('CPU cores')}</dt>
        <dd>{of.hardware.cpuCores}</dd>
      </div>
      <div>
        <dt>{t('Last heartbeat')}</dt>
        <dd>
          <Moment at={of.timeSinceLastHeartbeat} />
        </dd>
      </div>
    </dl>
  );
}

function Slots({ of }: { of: TaskManager }) {
  const { data } = useJobs();
  const slots = of.allocatedSlots ?? [];
  if (slots.length === 0) return <p className="jobs-note">{t('No slot is in use.')}</p>;
  const nameOf = (job: string) => data?.jobs.find(({ jid }) => jid === job)?.name ?? job;
  return (
    <section className="jobs-section" aria-labelledby="slots">
      <h2 id="slots">{t('Slots in use')}</h2>
      <Table
        caption={t('Slots in use')}
        keyOf={({ key }) => key}
        rows={slots.map((slot, index) => ({ ...slot, key: `${index}`, number: index + 1 }))}
        columns={[
          { name: t('Slot'), cell: ({ number }) => number },
          {
            name: t('Job'),
            cell: ({ jobId }) => (
              <Link to="/job/$job/graph" params={{ job: jobId }} className="jobs-name">
                {nameOf(jobId)}
              </Link>
            ),
          },
          { name: t('CPU cores'), isNumber: true, cell: ({ resource }) => resource.cpuCores },
          { name: t('Subtasks'), isNumber: true, cell: ({ assignedTasks }) => assignedTasks ?? '–' },
        ]}
      />
    </section>
  );
}
