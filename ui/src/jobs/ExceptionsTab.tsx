// Why attempts of a job failed: the newest cause at the top, and those before it.
import { formatCount } from '../format/number';
import { useJob } from './JobPage';
import { Moment } from './Moment';
import { Pending } from './Pending';
import { usePolled } from './queries';
import type { Exceptions } from './types';
import { plainWords } from './words';

type Entry = Exceptions['exceptionHistory']['entries'][number];

export function ExceptionsTab() {
  const job = useJob();
  const { data, error } = usePolled<Exceptions>(`jobs/${job.jid}/exceptions`);
  if (!data) return <Pending what="Exceptions" error={error} />;
  const { entries, truncated } = data.exceptionHistory;
  const [newest, ...older] = entries;

  if (!newest) return <p className="jobs-note">No attempt of this job has failed.</p>;
  return (
    <>
      <section className="jobs-section" aria-labelledby="root">
        <h2 id="root">{job.state === 'FAILED' ? 'Cause of the failure' : 'Latest failure'}</h2>
        <Cause entry={newest} />
      </section>
      {older.length > 0 && (
        <section className="jobs-section" aria-labelledby="older">
          <h2 id="older">
            {formatCount(older.length)} earlier {older.length === 1 ? 'failure' : 'failures'}
            {truncated && ', and more that are not listed'}
          </h2>
          {older.map((entry) => (
            <details key={`${entry.timestamp} ${entry.stacktrace}`} className="jobs-failure">
              <summary>
                <Moment at={entry.timestamp} /> {plainWords(entry.stacktrace).split('\n')[0]}
              </summary>
              <Cause entry={entry} />
            </details>
          ))}
        </section>
      )}
    </>
  );
}

function Cause({ entry }: { entry: Entry }) {
  const place = [entry.taskName, entry.endpoint].filter(Boolean).join(' on ');
  return (
    <>
      <p className="jobs-quiet">
        <Moment at={entry.timestamp} />
        {place && ` in ${place}`}
      </p>
      <pre className="jobs-log">{plainWords(entry.stacktrace) || entry.exceptionName}</pre>
    </>
  );
}
