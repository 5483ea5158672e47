// How the figures of jobs are written.
import { NONE } from '../format/number';
import { locale } from '../i18n';

const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
const moments = new Map<boolean, Intl.DateTimeFormat>();

/** 4 ms, 12.5 s, 3 min 20 s, 5 h 2 min, 2 d 3 h. */
export function formatSpan(ms: number | null | undefined): string {
  if (typeof ms !== 'number' || !Number.isFinite(ms) || ms < 0) return NONE;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 60) return ms < 10_000 ? `${short.format(ms / 1_000)} s` : `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** The same in whole seconds, for figures that count up. */
export function formatAge(ms: number): string {
  return ms >= 0 && ms < 60_000 ? `${Math.floor(ms / 1_000)} s` : formatSpan(ms);
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
  return `${perSecond < 10 ? short.format(perSecond) : whole.format(perSecond)}/s`;
}

/** A share from 0 to 1. */
export function formatShare(share: number | null | undefined): string {
  return typeof share === 'number' && Number.isFinite(share) ? `${Math.round(share * 100)} %` : NONE;
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
  return at > 0
    ? new Date(at).toLocaleString(undefined, { dateStyle: 'full', timeStyle: 'long' })
    : undefined;
}

/** A value of a metric, by what its name says about its unit. */
export function formatMetric(name: string, value: number): string {
  if (/watermark$|emittedEventTime|Timestamp$/i.test(name)) return formatMoment(value);
  if (/bytes|memory|size$|heap/i.test(name) && !/PerSecond/.test(name)) return formatBytes(value);
  if (/bytes.*PerSecond/i.test(name)) return `${formatBytes(value)}/s`;
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
  if (watermark === 'none') return 'none yet';
  if (watermark === 'end') return 'at the end';
  const behind = now - watermark;
  return behind < 0 ? `${formatSpan(-behind)} ahead` : `${formatSpan(behind)} behind`;
}
