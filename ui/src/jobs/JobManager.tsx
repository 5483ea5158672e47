// The job manager: its settings, metrics, logs and threads.
import { Link } from '@tanstack/react-router';
import { t } from '../i18n';
import { Pending } from './Pending';
import { Log, ProcessMetrics, Threads } from './Process';
import { usePolled } from './queries';
import { jobManagerRoute, type ProcessTab } from './router';
import { Settings } from './Settings';
import { useTitle } from './title';
import type { Cluster, Setting } from './types';

const PATH = 'jobmanager';

const TABS: [ProcessTab, string][] = [
  ['configuration', t('Configuration')],
  ['metrics', t('Metrics')],
  ['log', t('Log')],
  ['stdout', t('Stdout')],
  ['threads', t('Threads')],
];

export function JobManager() {
  useTitle(t('Job manager'));
  const { tab = 'configuration' } = jobManagerRoute.useSearch();
  const { data: cluster } = usePolled<Cluster>('overview');
  return (
    <>
      <div className="jobs-title">
        <h1>{t('Job manager')}</h1>
        {cluster && (
          <span className="jobs-quiet">
            {t('{{version}}, with the REST API of Flink {{flink}}', {
              version: cluster['flink-commit'].replace('-', ' '),
              flink: cluster['flink-version'],
            })}
          </span>
        )}
      </div>
      <nav className="jobs-tabs" aria-label={t('Parts of the job manager')}>
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
      {tab === 'log' && <Log title={t('Log')} path={`${PATH}/log`} empty={t('The log is empty.')} />}
      {tab === 'stdout' && (
        <Log
          title={t('Stdout')}
          path={`${PATH}/stdout`}
          empty={t('Nothing was written to the standard output.')}
        />
      )}
      {tab === 'threads' && <Threads path={PATH} />}
    </>
  );
}

function Configuration() {
  const { data, error } = usePolled<Setting[]>(`${PATH}/config`, { everyMs: 30_000 });
  if (!data) return <Pending what={t('Configuration')} error={error} />;
  return <Settings title={t('Effective settings')} settings={data} />;
}
