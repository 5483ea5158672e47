// Times, all on the server's wall clock: what its figures are about, and what happens in the page.
import { locale } from '../i18n';

/** Formats of points in time, by the zone in which they are shown. */
const clocks = new Map<string, Intl.DateTimeFormat>();

/** Formats in a zone; in the reader's own where the server has not named one, or the browser does not know it. */
function clockOf(timeZone: string | null, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${timeZone} ${JSON.stringify(options)}`;
  const known = clocks.get(key);
  if (known) return known;
  const made = isZone(timeZone)
    ? new Intl.DateTimeFormat(locale, { ...options, timeZone })
    : new Intl.DateTimeFormat(locale, options);
  clocks.set(key, made);
  return made;
}

function isZone(timeZone: string | null): timeZone is string {
  try {
    return timeZone !== null && Boolean(new Intl.DateTimeFormat(locale, { timeZone }));
  } catch {
    return false;
  }
}

/** The zone in which points in time are shown, as a name. */
export function zoneName(timeZone: string | null): string {
  return isZone(timeZone) ? timeZone : new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

const wallMinute = new Intl.DateTimeFormat(locale, {
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
  timeZone: 'UTC',
});
const wallDay = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', timeZone: 'UTC' });
const wallFull = new Intl.DateTimeFormat(locale, {
  weekday: 'short',
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
  timeZone: 'UTC',
});

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** A point in time, in milliseconds since the epoch. */
export function formatClock(at: number, timeZone: string | null): string {
  return clockOf(timeZone, { timeStyle: 'medium' }).format(at);
}

/** The same to the minute, with its day where that is another than that of `now`. */
export function formatSince(at: number, now: number, timeZone: string | null): string {
  const day = clockOf(timeZone, { dateStyle: 'short' });
  const isToday = day.format(at) === day.format(now);
  const options: Intl.DateTimeFormatOptions = isToday
    ? { timeStyle: 'short' }
    : { dateStyle: 'medium', timeStyle: 'short' };
  return clockOf(timeZone, options).format(at);
}

// The three below take a wall clock time as api/series.ts gives it.

export function formatWallMinute(at: number): string {
  return wallMinute.format(at);
}

export function formatWallDay(at: number): string {
  return wallDay.format(at);
}

export function formatWallFull(at: number): string {
  return wallFull.format(at);
}

/** 9 → 09:00. */
export function formatHour(hour: number): string {
  return `${String(hour).padStart(2, '0')}:00`;
}

/** As wide as a time of the clock, for before there is one. */
export const NO_TIME = '––:––:––';
