// Times: the reader's own clock for what happens in the page, the server's wall clock for what its figures are about.
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const clockMinute = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });
const clockDay = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const wallMinute = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
  timeZone: 'UTC',
});
const wallDay = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', timeZone: 'UTC' });
const wallFull = new Intl.DateTimeFormat(undefined, {
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

/** A time of the reader's clock, in milliseconds since the epoch. */
export function formatClock(at: number): string {
  return clock.format(at);
}

/** The same to the minute, with its day where that is another than that of `now`. */
export function formatSince(at: number, now: number): string {
  const isToday = new Date(at).toDateString() === new Date(now).toDateString();
  return (isToday ? clockMinute : clockDay).format(at);
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
