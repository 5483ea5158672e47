// How the figures of jobs are written.
import { NONE } from '../format/number';
import { locale, t } from '../i18n';

const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
const moments = new Map<boolean, Intl.DateTimeFormat>();

/** 4 ms, 12.5 s, 3 min 20 s, 5 h 2 min, 2 d 3 h. */
export function formatSpan(ms: number | null | undefined): string {
  if (typeof ms !== 'number' || !Number.isFinite(ms) || ms < 0) return NONE;
  if (ms < 1_000) return t('{{milliseconds}} ms', { milliseconds: Math.round(ms) });
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 60) return t('{{seconds}} s', { seconds: ms < 10_000 ? short.format(ms / 1_000) : seconds });
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return t('{{minutes}} min {{seconds}} s', { minutes, seconds: seconds % 60 });
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return t('{{hours}} h {{minutes}} min', { hours, minutes: minutes % 60 });
  return t('{{days}} d {{hours}} h', { days: Math.floor(hours / 24), hours: hours % 24 });
}

/** The same in whole seconds, for figures that count up. */
export function formatAge(ms: number): string {
  return ms >= 0 && ms < 60_000 ? t('{{seconds}} s', { seconds: Math.floor(ms / 1_000) }) : formatSpan(ms);
}

/** Binary units, as Flink writes them. */
export function formatBytes(bytes: number | null | undefined): string {
  if (typeof bytes !== 'number' || !Number.isFinite(bytes)) return NONE;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, Math.abs(bytes))) / 10));
  return `${short.format(bytes / 1_024 ** power)} ${units[power]}`;
}

/** Records per second. */
export function formatRate(perSecond: number | null | undefined): string {
  if (typeof perSecond !== 'number' || !Number.isFinite(perSecond)) return NONE;
  return t('{{amount}}/s', { amount: (perSecond < 10 ? short : whole).format(perSecond) });
}

/** A share from 0 to 1. */
export function formatShare(share: number | null | undefined): string {
  if (typeof share !== 'number' || !Number.isFinite(share)) return NONE;
  return t('{{percent}} %', { percent: Math.round(share * 100) });
}

/** How many of all. */
export function formatPart(part: number, total: number): string {
  return t('{{part}} of {{total}}', { part, total });
}

/** A moment in the reader's zone: with its day, or only the time if it is of today. */
export function formatMoment(at: number | null | undefined, now = Date.now()): string {
  if (typeof at !== 'number' || at <= 0) return NONE;
  const isToday = new Date(at).toDateString() === new Date(now).toDateString();
  let format = moments.get(isToday);
  if (!format) {
    format = new Intl.DateTimeFormat(locale, {
      ...(isToday ? {} : { dateStyle: 'medium' }),
      timeStyle: 'medium',
    });
    moments.set(isToday, format);
  }
  return format.format(at);
}

/** A moment with day and zone, for titles. */
export function formatFull(at: number): string | undefined {
  return at > 0 ? new Date(at).toLocaleString(locale, { dateStyle: 'full', timeStyle: 'long' }) : undefined;
}

/** A value of a metric, by what its name says about its unit. */
export function formatMetric(name: string, value: number): string {
  if (/watermark$|emittedEventTime|Timestamp$/i.test(name)) return formatMoment(value);
  if (/bytes|memory|size$|heap/i.test(name) && !/PerSecond/.test(name)) return formatBytes(value);
  if (/bytes.*PerSecond/i.test(name)) return t('{{amount}}/s', { amount: formatBytes(value) });
  if (/MsPerSecond$/.test(name)) return formatShare(value / 1_000);
  if (/lag$|duration$|time(ms)?$/i.test(name)) return formatSpan(value);
  if (/PerSecond$/.test(name)) return formatRate(value);
  return Number.isInteger(value) ? whole.format(value) : short.format(value);
}

/** A watermark of Flink's range: before the first, and after the last event. */
export function watermarkOf(value: string | number | undefined): number | 'none' | 'end' {
  const at = Number(value);
  if (!Number.isFinite(at) || at <= -9e18) return 'none';
  return at >= 9e18 ? 'end' : at;
}

/** How far a watermark is behind the clock, in words. */
export function formatWatermark(watermark: number | 'none' | 'end', now: number): string {
  if (watermark === 'none') return t('none yet');
  if (watermark === 'end') return t('at the end');
  const behind = now - watermark;
  const span = formatSpan(Math.abs(behind));
  return behind < 0 ? t('{{span}} ahead', { span }) : t('{{span}} behind', { span });
}
