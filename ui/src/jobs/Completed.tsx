// All jobs that have ended, by state and name.
import { useState } from 'react';
import { t } from '../i18n';
import { JobTable } from './JobTable';
import { lastEndedFirst } from './Overview';
import { Pending } from './Pending';
import { isOver, useFigures, useJobs } from './queries';
import { useTitle } from './title';

export function Completed() {
  useTitle(t('Completed jobs'));
  const { data, error } = useJobs();
  const [sought, setSought] = useState('');
  const ended = lastEndedFirst((data?.jobs ?? []).filter(({ state }) => isOver(state)));
  const words = sought.trim().toLowerCase();
  const jobs = ended.filter(({ jid, name, state }) =>
    `${jid} ${name} ${state}`.toLowerCase().includes(words),
  );
  const figures = useFigures(jobs);

  return (
    <section className="jobs-section">
      <div className="jobs-title">
        <h1>{t('Completed jobs')}</h1>
        {ended.length > 0 && (
          <input
            type="search"
            aria-label={t('Search names, states and ids')}
            placeholder={t('Search names, states and ids')}
            value={sought}
            onChange={(event) => setSought(event.target.value)}
          />
        )}
      </div>
      {!data && <Pending what={t('Jobs')} error={error} />}
      {data && ended.length === 0 && <p className="jobs-note">{t('No job has ended yet.')}</p>}
      {ended.length > 0 && jobs.length === 0 && (
        <p className="jobs-note">
          {t('No completed job has “{{sought}}” in its name, state or id.', { sought })}
        </p>
      )}
      {jobs.length > 0 && <JobTable caption={t('Completed jobs')} jobs={jobs} figures={figures} />}
    </section>
  );
}
