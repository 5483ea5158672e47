// A job: what it is, what can be done to it, and its tabs.
import { Link, Outlet } from '@tanstack/react-router';
import { createContext, useContext } from 'react';
import { formatCount } from '../format/number';
import { t } from '../i18n';
import { CancelButton, StopButton } from './Actions';
import { Refused } from './api';
import { Copy } from './Copy';
import { formatAge, formatBytes, formatRate } from './format';
import { Notes } from './JobTable';
import { Moment } from './Moment';
import { Pending } from './Pending';
import { isOver, type Observed, useObserved, usePolled } from './queries';
import { jobRoute } from './router';
import { Sentence } from './Sentence';
import { State } from './State';
import { useTitle } from './title';
import type { Job } from './types';

const JobContext = createContext<Job | null>(null);

/** The job of the page; tabs are drawn only when it is known. */
export function useJob(): Job {
  const job = useContext(JobContext);
  if (!job) throw new Error('a tab stands below the page of its job');
  return job;
}

export function JobPage() {
  const { job: id } = jobRoute.useParams();
  const { data: job, error } = usePolled<Job>(`jobs/${encodeURIComponent(id)}`);
  const { data: observed } = useObserved(job);
  useTitle(job?.name ?? t('Job'));

  if (error instanceof Refused && (error.status === 404 || error.status === 400)) {
    return (
      <div className="jobs-note" role="alert">
        <h1>{t('There is no such job')}</h1>
        <p>
          <Sentence
            text={t(
              'The job manager says: {{refusal}} Weir keeps the last 50 jobs that have ended. {{link}}',
            )}
            values={{ refusal: error.message, link: <Link to="/">{t('All jobs')}</Link> }}
          />
        </p>
      </div>
    );
  }
  if (!job) return <Pending what={t('Job')} error={error} />;

  return (
    <JobContext value={job}>
      <header className="jobs-job">
        <div className="jobs-title">
          <h1>{job.name}</h1>
          <State state={job.state} />
          <div className="jobs-actions">
            {!isOver(job.state) && (
              <Link to="/sql" search={{ replace: job.jid }} className="jobs-button">
                {t('Replace script…')}
              </Link>
            )}
            <StopButton job={job.jid} name={job.name} isOver={isOver(job.state)} />
            {(!isOver(job.state) || observed?.not_started) && <CancelButton job={job.jid} name={job.name} />}
          </div>
        </div>
        <Copy text={job.jid} label={t('Copy the id of the job')} />
        <Facts job={job} observed={observed} />
        <Notes figures={observed} />
      </header>
      <nav className="jobs-tabs" aria-label={t('Parts of the job')}>
        <Tab to="/job/$job/graph" name={t('Graph')} job={id} />
        <Tab to="/job/$job/windows" name={t('Windows')} job={id} />
        <Tab to="/job/$job/checkpoints" name={t('Checkpoints')} job={id} />
        <Tab to="/job/$job/exceptions" name={t('Exceptions')} job={id} />
        <Tab to="/job/$job/configuration" name={t('Configuration')} job={id} />
        <Tab to="/job/$job/metrics" name={t('Metrics')} job={id} />
        <Tab to="/job/$job/flame-graph" name={t('Flame graph')} job={id} />
      </nav>
      <Outlet />
    </JobContext>
  );
}

type TabAddress =
  | '/job/$job/graph'
  | '/job/$job/windows'
  | '/job/$job/checkpoints'
  | '/job/$job/exceptions'
  | '/job/$job/configuration'
  | '/job/$job/metrics'
  | '/job/$job/flame-graph';

function Tab({ to, name, job }: { to: TabAddress; name: string; job: string }) {
  return (
    <Link to={to} params={{ job }} activeOptions={{ includeSearch: false }}>
      {name}
    </Link>
  );
}

function Facts({ job, observed }: { job: Job; observed: Observed | undefined }) {
  const ledger = observed?.ledger;
  const facts = [
    [t('Started'), <Moment key="started" at={job['start-time']} />],
    ...(job['end-time'] > 0 ? [[t('Ended'), <Moment key="ended" at={job['end-time']} />]] : []),
    [t('Duration'), formatAge(job.duration)],
    [t('Restarts'), formatCount(observed?.restarts)],
    ...(isOver(job.state) ? [] : [[t('Records in'), formatRate(observed?.rate)]]),
    [t('Records read'), formatCount(ledger?.accepted)],
    ...(ledger?.late
      ? [[t('Late'), <Letters key="late" job={job.jid} count={ledger.late} reason="late" />]]
      : []),
    ...(ledger?.dead_lettered
      ? [[t('Dead letters'), <Letters key="letters" job={job.jid} count={ledger.dead_lettered} />]]
      : []),
    ...(ledger?.lost ? [[t('Lost to retention'), formatCount(ledger.lost)]] : []),
    [t('State size'), formatBytes(observed?.memory.held_bytes)],
  ] as [string, React.ReactNode][];
  return (
    <dl className="jobs-facts">
      {facts.map(([name, fact]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{fact}</dd>
        </div>
      ))}
    </dl>
  );
}

function Letters({ job, count, reason }: { job: string; count: number; reason?: string }) {
  return (
    <Link to="/dead-letters" search={{ job, reason }}>
      {formatCount(count)}
    </Link>
  );
}
