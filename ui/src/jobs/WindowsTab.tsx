// The queries of a job: what each has written and holds; of windows, the next one to close and why it is still open.
import { Link } from '@tanstack/react-router';
import { formatCount } from '../format/number';
import { t } from '../i18n';
import { formatBytes } from './format';
import { useJob } from './JobPage';
import { Moment } from './Moment';
import { Pending } from './Pending';
import { isOver, useObserved } from './queries';
import { type Column, Table } from './Table';
import type { QueryFigures } from './types';
import { whyOpen } from './why';

export function WindowsTab() {
  const job = useJob();
  const { data, error } = useObserved(job);
  if (isOver(job.state)) return <p className="jobs-note">{t('A job that has ended has no open windows.')}</p>;
  if (!data) return <Pending what={t('Windows')} error={error} />;

  const windowed = data.queries.filter(({ is_windowed }) => is_windowed);
  const others = data.queries.filter(({ is_windowed }) => !is_windowed);
  const written = [lastResult(), rows(), stateSize(), late(job.jid)];
  return (
    <>
      <section className="jobs-section" aria-labelledby="queries">
        <h2 id="queries">{t('Queries with windows')}</h2>
        {windowed.length === 0 ? (
          <p className="jobs-note">{t('The job has no query with windows over a table.')}</p>
        ) : (
          <Table
            caption={t('Queries with windows')}
            keyOf={({ name }) => name}
            rows={windowed}
            columns={[query(), nextToClose(data.memory.held_back), openWindows(), groups(), ...written]}
          />
        )}
      </section>
      {others.length > 0 && (
        <section className="jobs-section" aria-labelledby="others">
          <h2 id="others">{t('Other queries')}</h2>
          <Table
            caption={t('Other queries')}
            keyOf={({ name, description }) => `${name}: ${description}`}
            rows={others}
            columns={[query(), ...written]}
          />
        </section>
      )}
    </>
  );
}

type QueryColumn = Column<QueryFigures>;

const query = (): QueryColumn => ({
  name: t('Query'),
  cell: ({ name, description }) => (
    <>
      <span className="jobs-name">{name}</span>
      <p className="jobs-quiet">{description}</p>
    </>
  ),
});

const nextToClose = (heldBack: string | null): QueryColumn => ({
  name: t('Next window to close'),
  cell: (figures) => (
    <div>
      {figures.open_until_ms === null ? (
        '–'
      ) : (
        <>
          {t('until')} <Moment at={figures.open_until_ms} />
        </>
      )}
      <p className="jobs-quiet">{whyOpen(figures, heldBack, Date.now())}</p>
    </div>
  ),
});

const openWindows = (): QueryColumn => ({
  name: t('Open windows'),
  isNumber: true,
  cell: ({ open_windows }) => count(open_windows),
});

const groups = (): QueryColumn => ({
  name: t('Groups in them'),
  isNumber: true,
  cell: ({ groups }) => count(groups),
});

const lastResult = (): QueryColumn => ({
  name: t('Last result'),
  cell: ({ last_written_ms, last_window_end_ms }) => (
    <div>
      <Moment at={last_written_ms} />
      {last_window_end_ms !== null && (
        <p className="jobs-quiet">
          {t('closed up to')} <Moment at={last_window_end_ms} />
        </p>
      )}
    </div>
  ),
});

const rows = (): QueryColumn => ({
  name: t('Rows written'),
  isNumber: true,
  cell: ({ rows_written }) => formatCount(rows_written),
});

const stateSize = (): QueryColumn => ({
  name: t('State size'),
  isNumber: true,
  cell: ({ state_bytes }) => formatBytes(state_bytes),
});

const late = (jid: string): QueryColumn => ({
  name: t('Late'),
  isNumber: true,
  cell: ({ late }) =>
    late === 0 ? (
      formatCount(late)
    ) : (
      <Link to="/dead-letters" search={{ job: jid, reason: 'late' }}>
        {formatCount(late)}
      </Link>
    ),
});

const count = (figure: number | null) => (figure === null ? '–' : formatCount(figure));
