// The figures one looks for first.
import type { ReactNode } from 'react';
import { fillSeries, firstWindow } from '../api/series';
import { useAnalytics } from '../api/store';
import { Sparkline } from '../components/Sparkline';
import { groupLabel } from '../format/label';
import { formatCount, formatDuration, formatPercent } from '../format/number';
import { formatWallMinute, MINUTE_MS } from '../format/time';
import { t } from '../i18n';
import { closedRates, ratesByMinute } from './records';
import { newestTimes } from './times';

const TREND_MINUTES = 30;

export function Totals() {
  const overall = useAnalytics('overall');
  const minutes = useAnalytics('timeseriesMinute') ?? [];
  const [hour, day] = [useAnalytics('timeseriesHour'), useAnalytics('timeseriesDay')];
  const first = firstWindow({ day, hour, minute: minutes });
  const records = useAnalytics('successRate')?.records ?? [];
  const times = newestTimes(useAnalytics('responseTime') ?? []);
  const total = overall?.total_queries;
  // The count of an open minute still grows: beside closed ones it would look like a fall.
  const trend = fillSeries(minutes, MINUTE_MS, TREND_MINUTES + 1, first).filter((slot) => !slot.isOpen);
  const newest = trend.at(-1);
  const slowest = times.rows.reduce<(typeof times.rows)[number] | undefined>(
    (worst, row) => (worst && worst.p95_time >= row.p95_time ? worst : row),
    undefined,
  );

  return (
    <section className="totals" aria-label={t('Totals')}>
      <Total
        name={t('Queries')}
        value={formatCount(total)}
        note={
          newest
            ? t('{{queries}} in minute {{minute}}', {
                queries: formatCount(newest.count),
                minute: formatWallMinute(newest.at),
              })
            : ''
        }
      >
        <Sparkline values={trend.map((slot) => slot.count)} floor={0} />
      </Total>
      <Total name={t('Success rate')} value={formatPercent(overall?.success_rate)} note={t('last 30 days')}>
        <Sparkline values={ratesByMinute(closedRates(records), TREND_MINUTES)} />
      </Total>
      <Total
        name={t('Failures')}
        value={formatCount(overall?.failure_count)}
        note={
          total && overall
            ? t('{{share}} of all queries', { share: formatPercent((overall.failure_count / total) * 100) })
            : ''
        }
      />
      <Total
        name={t('Average response')}
        value={formatDuration(overall?.avg_response_time)}
        note={t('last 30 days')}
      />
      <Total
        name={t('95th percentile')}
        value={formatDuration(slowest?.p95_time)}
        note={
          slowest
            ? t('{{range}}, slowest: {{group}}', { range: times.range, group: groupLabel(slowest.user_type) })
            : ''
        }
      />
    </section>
  );
}

interface TotalProps {
  name: string;
  value: string;
  note: string;
  children?: ReactNode;
}

function Total({ name, value, note, children }: TotalProps) {
  return (
    <div className="total">
      <h2>{name}</h2>
      <p className="total-value">{value}</p>
      <p className="total-note">{note}</p>
      {children}
    </div>
  );
}
