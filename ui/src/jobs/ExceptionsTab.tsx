// Why attempts of a job failed: the newest cause at the top, and those before it.
import { formatCount } from '../format/number';
import { t } from '../i18n';
import { useJob } from './JobPage';
import { Moment } from './Moment';
import { Pending } from './Pending';
import { usePolled } from './queries';
import { Sentence } from './Sentence';
import type { Exceptions } from './types';
import { plainWords } from './words';

type Entry = Exceptions['exceptionHistory']['entries'][number];

export function ExceptionsTab() {
  const job = useJob();
  const { data, error } = usePolled<Exceptions>(`jobs/${job.jid}/exceptions`);
  if (!data) return <Pending what={t('Exceptions')} error={error} />;
  const { entries, truncated } = data.exceptionHistory;
  const [newest, ...older] = entries;

  if (!newest) return <p className="jobs-note">{t('No attempt of this job has failed.')}</p>;
  return (
    <>
      <section className="jobs-section" aria-labelledby="root">
        <h2 id="root">{job.state === 'FAILED' ? t('Cause of the failure') : t('Latest failure')}</h2>
        <Cause entry={newest} />
      </section>
      {older.length > 0 && (
        <section className="jobs-section" aria-labelledby="older">
          <h2 id="older">{sayEarlier(older.length, truncated)}</h2>
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

function sayEarlier(count: number, isTruncated: boolean): string {
  const failures = formatCount(count);
  if (count === 1)
    return isTruncated ? t('1 earlier failure, and more that are not listed') : t('1 earlier failure');
  return isTruncated
    ? t('{{failures}} earlier failures, and more that are not listed', { failures })
    : t('{{failures}} earlier failures', { failures });
}

function sayPlace({ taskName: task, endpoint }: Entry): string {
  if (task && endpoint) return t('{{time}} in {{task}} on {{endpoint}}', { task, endpoint });
  const place = task || endpoint;
  return place ? t('{{time}} in {{place}}', { place }) : '{{time}}';
}

function Cause({ entry }: { entry: Entry }) {
  return (
    <>
      <p className="jobs-quiet">
        <Sentence text={sayPlace(entry)} values={{ time: <Moment at={entry.timestamp} /> }} />
      </p>
      <pre className="jobs-log">{plainWords(entry.stacktrace) || entry.exceptionName}</pre>
    </>
  );
}
