// The figures of the last minute, the newest closed window, and what was not counted.
import { useQuery } from '@tanstack/react-query';
import { fetchRows, type Table } from '../explore/api';
import { formatTime } from '../explore/cells';
import { formatCompact, formatCount, formatDuration } from '../format/number';
import { t } from '../i18n';
import { jobManagerUrl } from './jobManager';
import type { Pulse } from './pulse';

/** The table whose windows close most often: each event is in one of them. */
const TOTALS = 'overall';
const REFRESH_MS = 5_000;

interface FiguresProps {
  pulse: Pulse;
  tables: Table[] | undefined;
}

export function Figures({ pulse, tables }: FiguresProps) {
  const { events_per_second: rate, latency, late, dead_lettered: dead } = pulse;
  const closed = useNewestWindow(tables);
  return (
    <dl className="explore-pulse">
      <div title={t('Events that the busiest job has read, per second, in the last minute')}>
        <dt>{t('events/s')}</dt>
        <dd>{rate < 10 ? rate.toFixed(1) : formatCompact(rate)}</dd>
      </div>
      {latency && (
        <div
          title={t(
            'From the arrival of an event until its results can be read, in the last minute: half of them, and 99 of 100',
          )}
        >
          <dt>{t('shown after')}</dt>
          <dd>
            {formatDuration(latency.p50_ms)} / {formatDuration(latency.p99_ms)}
          </dd>
        </div>
      )}
      {closed && (
        <div title={t('End of the newest window whose results are final: {{time}}', { time: closed })}>
          <dt>{t('final until')}</dt>
          <dd>{closed.slice(11)}</dd>
        </div>
      )}
      <NotCounted
        count={late}
        label={t('late')}
        about={t('Events that came too late for every query, since the jobs started')}
        href={jobManagerUrl(pulse, '/dead-letters?reason=late')?.href}
      />
      <NotCounted
        count={dead}
        label={t('dead letters')}
        about={t('Events that could not be read and became dead letters, since the jobs started')}
        href={jobManagerUrl(pulse, '/dead-letters')?.href}
      />
    </dl>
  );
}

interface NotCountedProps {
  count: number;
  label: string;
  about: string;
  /** The page with these events. */
  href: string | undefined;
}

function NotCounted({ count, label, about, href }: NotCountedProps) {
  if (count === 0) return null;
  return (
    <div title={about}>
      <dt>{label}</dt>
      <dd>
        {href ? (
          <a href={href} aria-label={t('{{count}} {{what}}: show these events', { count, what: label })}>
            {formatCount(count)}
          </a>
        ) : (
          formatCount(count)
        )}
      </dd>
    </div>
  );
}

/** The end of the newest closed window of the built-in analytics, in the shown zone. */
function useNewestWindow(tables: Table[] | undefined): string | null {
  const table = tables?.find(({ name, time_column }) => name === TOTALS && time_column !== null);
  const time = table?.time_column ?? '';
  const { data } = useQuery({
    queryKey: ['newest-window', table?.name],
    queryFn: ({ signal }) =>
      fetchRows(TOTALS, new URLSearchParams({ where: '_is_final = TRUE', limit: '1' }), signal),
    enabled: table !== undefined && table.rows > 0,
    refetchInterval: REFRESH_MS,
    retry: false,
  });
  const newest = data?.rows[0]?.[time];
  return typeof newest === 'string' ? formatTime(newest) : null;
}
