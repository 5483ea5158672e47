// Response times of one minute: the only ones that are exactly what they are called. Percentiles of several minutes cannot be
// had from percentiles of each.
import { wallTime } from '../api/series';
import type { Analytics } from '../api/types';
import { formatWallMinute, MINUTE_MS } from '../format/time';
import { t } from '../i18n';

type ResponseTime = Analytics['responseTime'][number];
export type MinuteTimes = NonNullable<ResponseTime['newest']> & Pick<ResponseTime, 'user_type'>;

/** The times of the newest closed minute, by user type, and which minute that is. */
export function newestTimes(rows: Analytics['responseTime']): { rows: MinuteTimes[]; range: string } {
  const known = rows.flatMap(({ user_type, newest }) => (newest ? [{ ...newest, user_type }] : []));
  if (known.length === 0) return { rows: [], range: '' };

  const minuteOf = (row: MinuteTimes) => Math.floor((wallTime(row.timestamp) ?? 0) / MINUTE_MS);
  const newest = Math.max(...known.map(minuteOf));
  const start = formatWallMinute((newest - 1) * MINUTE_MS);
  return {
    rows: known.filter((row) => minuteOf(row) === newest),
    range: t('minute {{time}}', { time: start }),
  };
}
