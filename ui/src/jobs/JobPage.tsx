// A job: what it is, what can be done to it, and its tabs.
import { Link, Outlet } from '@tanstack/react-router';
import { createContext, useContext } from 'react';
import { formatCount } from '../format/number';
import { CancelButton, StopButton } from './Actions';
import { Refused } from './api';
import { Copy } from './Copy';
import { formatAge, formatBytes, formatRate } from './format';
import { Notes } from './JobTable';
import { Moment } from './Moment';
import { Pending } from './Pending';
import { isOver, type Observed, useObserved, usePolled } from './queries';
import { jobRoute } from './router';
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
  useTitle(job?.name ?? 'Job');

  if (error instanceof Refused && (error.status === 404 || error.status === 400)) {
    return (
      <div className="jobs-note" role="alert">
        <h1>There is no such job</h1>
        <p>
          The job manager says: {error.message} Weir keeps the last 50 jobs that have ended.{' '}
          <Link to="/">All jobs</Link>
        </p>
      </div>
    );
  }
  if (!job) return <Pending what="Job" error={error} />;

  return (
    <JobContext value={job}>
      <header className="jobs-job">
        <div className="jobs-title">
          <h1>{job.name}</h1>
          <State state={job.state} />
          <div className="jobs-actions">
            <StopButton job={job.jid} name={job.name} isOver={isOver(job.state)} />
            {(!isOver(job.state) || observed?.not_started) && <CancelButton job={job.jid} name={job.name} />}
          </div>
        </div>
        <Copy text={job.jid} what="the id of the job" />
        <Facts job={job} observed={observed} />
        <Notes figures={observed} />
      </header>
      <nav className="jobs-tabs" aria-label="Parts of the job">
        <Tab to="/job/$job/graph" name="Graph" job={id} />
        <Tab to="/job/$job/checkpoints" name="Checkpoints" job={id} />
        <Tab to="/job/$job/exceptions" name="Exceptions" job={id} />
        <Tab to="/job/$job/configuration" name="Configuration" job={id} />
        <Tab to="/job/$job/metrics" name="Metrics" job={id} />
      </nav>
      <Outlet />
    </JobContext>
  );
}

type TabAddress =
  | '/job/$job/graph'
  | '/job/$job/checkpoints'
  | '/job/$job/exceptions'
  | '/job/$job/configuration'
  | '/job/$job/metrics';

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
    ['Started', <Moment key="started" at={job['start-time']} />],
    ...(job['end-time'] > 0 ? [['Ended', <Moment key="ended" at={job['end-time']} />]] : []),
    ['Duration', formatAge(job.duration)],
    ['Restarts', formatCount(observed?.restarts)],
    ...(isOver(job.state) ? [] : [['Records in', formatRate(observed?.rate)]]),
    ['Records read', formatCount(ledger?.accepted)],
    ...(ledger?.late ? [['Late', formatCount(ledger.late)]] : []),
    ...(ledger?.dead_lettered ? [['Dead letters', formatCount(ledger.dead_lettered)]] : []),
    ...(ledger?.lost ? [['Lost to retention', formatCount(ledger.lost)]] : []),
    ['State size', formatBytes(observed?.memory.held_bytes)],
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
