// The first page: slots, counts of jobs, the running jobs, and those that ended last.
import { Link } from '@tanstack/react-router';
import { formatCount } from '../format/number';
import { t } from '../i18n';
import { JobTable } from './JobTable';
import { Pending } from './Pending';
import { isOver, useFigures, useJobs, usePolled } from './queries';
import { Sentence } from './Sentence';
import { useTitle } from './title';
import type { Cluster, JobLine } from './types';

/** Jobs that have ended, of which the overview shows the newest. */
const RECENT = 5;

export function Overview() {
  useTitle(t('Jobs'));
  const cluster = usePolled<Cluster>('overview');
  const { data, error } = useJobs();
  const jobs = newestFirst(data?.jobs ?? []);
  const running = jobs.filter(({ state }) => !isOver(state));
  const ended = lastEndedFirst(jobs.filter(({ state }) => isOver(state)));
  const recent = ended.slice(0, RECENT);
  const figures = useFigures([...running, ...recent]);

  return (
    <>
      <h1 className="visually-hidden">{t('Overview')}</h1>
      <Totals cluster={cluster.data} />
      <section className="jobs-section" aria-labelledby="running">
        <h2 id="running">{t('Running jobs')}</h2>
        {!data && <Pending what={t('Jobs')} error={error} />}
        {data && running.length === 0 && (
          <p className="jobs-note">
            <Sentence
              text={t('No job is running. {{command}} starts one.')}
              values={{ command: <code>weir run JOB.sql</code> }}
            />
          </p>
        )}
        {running.length > 0 && <JobTable caption={t('Running jobs')} jobs={running} figures={figures} />}
      </section>
      {data && (
        <section className="jobs-section" aria-labelledby="recent">
          <h2 id="recent">{t('Recently completed jobs')}</h2>
          {recent.length === 0 && <p className="jobs-note">{t('No job has ended yet.')}</p>}
          {recent.length > 0 && (
            <JobTable caption={t('Recently completed jobs')} jobs={recent} figures={figures} />
          )}
          {ended.length > RECENT && (
            <p>
              <Link to="/completed">{t('All {{jobs}} completed jobs', { jobs: ended.length })}</Link>
            </p>
          )}
        </section>
      )}
    </>
  );
}

export function newestFirst(jobs: JobLine[]): JobLine[] {
  return jobs.toSorted((a, b) => b['start-time'] - a['start-time']);
}

export function lastEndedFirst(jobs: JobLine[]): JobLine[] {
  return jobs.toSorted((a, b) => b['end-time'] - a['end-time']);
}

function Totals({ cluster }: { cluster: Cluster | undefined }) {
  const slots = cluster?.['slots-total'];
  return (
    <dl className="jobs-totals">
      <div>
        <dt>{t('Task managers')}</dt>
        <dd>{formatCount(cluster?.taskmanagers)}</dd>
      </div>
      <div>
        <dt>{t('Slots free')}</dt>
        <dd>
          {formatCount(cluster?.['slots-available'])}{' '}
          <small>{t('of {{total}}', { total: formatCount(slots) })}</small>
        </dd>
      </div>
      <Total name={t('Running')} tone="good" count={cluster?.['jobs-running']} />
      <Total name={t('Finished')} tone="done" count={cluster?.['jobs-finished']} />
      <Total name={t('Canceled')} tone="quiet" count={cluster?.['jobs-cancelled']} />
      <Total name={t('Failed')} tone="bad" count={cluster?.['jobs-failed']} />
    </dl>
  );
}

function Total({ name, tone, count }: { name: string; tone: string; count: number | undefined }) {
  return (
    <div>
      <dt className={`jobs-state-${count ? tone : 'quiet'}`}>{name}</dt>
      <dd>{formatCount(count)}</dd>
    </div>
  );
}
