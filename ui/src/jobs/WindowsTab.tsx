// The queries of a job over windows: the next window to close, why it is still open, state and late rows.
import { Link } from '@tanstack/react-router';
import { formatCount } from '../format/number';
import { t } from '../i18n';
import { formatBytes } from './format';
import { useJob } from './JobPage';
import { Moment } from './Moment';
import { Pending } from './Pending';
import { isOver, useObserved } from './queries';
import { Table } from './Table';
import { whyOpen } from './why';

export function WindowsTab() {
  const job = useJob();
  const { data, error } = useObserved(job);
  if (isOver(job.state)) return <p className="jobs-note">{t('A job that has ended has no open windows.')}</p>;
  if (!data) return <Pending what={t('Windows')} error={error} />;
  if (data.queries.length === 0) {
    return <p className="jobs-note">{t('The job has no query with windows over a table.')}</p>;
  }

  return (
    <section className="jobs-section" aria-labelledby="queries">
      <h2 id="queries">{t('Queries with windows')}</h2>
      <Table
        caption={t('Queries of the job')}
        keyOf={({ name }) => name}
        rows={data.queries}
        columns={[
          {
            name: t('Query'),
            cell: ({ name, description }) => (
              <>
                <span className="jobs-name">{name}</span>
                <p className="jobs-quiet">{description}</p>
              </>
            ),
          },
          {
            name: t('Next window to close'),
            cell: ({ open_until_ms: end }) =>
              end === null ? (
                '–'
              ) : (
                <>
                  {t('until')} {<Moment at={end} />}
                </>
              ),
          },
          {
            name: t('Why it is open'),
            cell: (query) => whyOpen(query, data.memory.held_back, Date.now()),
          },
          { name: t('State size'), isNumber: true, cell: (query) => formatBytes(query.state_bytes) },
          {
            name: t('Late'),
            isNumber: true,
            cell: ({ late }) =>
              late === 0 ? (
                formatCount(late)
              ) : (
                <Link to="/dead-letters" search={{ job: job.jid, reason: 'late' }}>
                  {formatCount(late)}
                </Link>
              ),
          },
        ]}
      />
    </section>
  );
}
