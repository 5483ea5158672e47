// The job manager: its settings, metrics, logs and threads.
import { Link } from '@tanstack/react-router';
import { Pending } from './Pending';
import { Log, ProcessMetrics, Threads } from './Process';
import { usePolled } from './queries';
import { jobManagerRoute, type ProcessTab } from './router';
import { Settings } from './Settings';
import { useTitle } from './title';
import type { Cluster, Setting } from './types';

const PATH = 'jobmanager';

const TABS: [ProcessTab, string][] = [
  ['configuration', 'Configuration'],
  ['metrics', 'Metrics'],
  ['log', 'Log'],
  ['stdout', 'Stdout'],
  ['threads', 'Threads'],
];

export function JobManager() {
  useTitle('Job manager');
  const { tab = 'configuration' } = jobManagerRoute.useSearch();
  const { data: cluster } = usePolled<Cluster>('overview');
  return (
    <>
      <div className="jobs-title">
        <h1>Job manager</h1>
        {cluster && (
          <span className="jobs-quiet">
            {cluster['flink-commit'].replace('-', ' ')}, with the REST API of Flink {cluster['flink-version']}
          </span>
        )}
      </div>
      <nav className="jobs-tabs" aria-label="Parts of the job manager">
        {TABS.map(([value, name]) => (
          <Link
            key={value}
            to="/job-manager"
            search={{ tab: value }}
            aria-current={value === tab ? 'page' : undefined}
            activeProps={{}}
          >
            {name}
          </Link>
        ))}
      </nav>
      {tab === 'configuration' && <Configuration />}
      {tab === 'metrics' && <ProcessMetrics path={PATH} />}
      {tab === 'log' && <Log title="Log" path={`${PATH}/log`} empty="The log is empty." />}
      {tab === 'stdout' && (
        <Log title="Stdout" path={`${PATH}/stdout`} empty="Nothing was written to the standard output." />
      )}
      {tab === 'threads' && <Threads path={PATH} />}
    </>
  );
}

function Configuration() {
  const { data, error } = usePolled<Setting[]>(`${PATH}/config`, { everyMs: 30_000 });
  if (!data) return <Pending what="Configuration" error={error} />;
  return <Settings title="Effective settings" settings={data} />;
}
