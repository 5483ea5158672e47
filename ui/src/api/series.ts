// Time series: joining what is known with what comes, and making gaps visible.
//
// The API's times have no offset; they are wall clock times of the server's time zone. They are read as if they were
// UTC and shown as if they were UTC, so that everyone sees the server's clock.
import type { TimePoint } from './types';

/** One slot of a series on a regular grid; `at` is a wall clock time in milliseconds. */
export interface Slot {
  at: number;
  count: number;
}

const ISO = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?)?/;

/** Milliseconds of a wall clock time, or null where the text is none. Fractions of a second are dropped. */
export function wallTime(text: string | null | undefined): number | null {
  const parts = text?.match(ISO);
  if (!parts) return null;
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = parts
    .slice(1)
    .map((part) => Number(part ?? 0));
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** `newer`, and before it those points of `older` that lie before its first; the last `kept` of them. */
export function mergeSeries(older: TimePoint[], newer: TimePoint[], kept: number): TimePoint[] {
  const first = newer[0];
  if (!first) return older;
  const earlier = older.filter((point) => point.timestamp < first.timestamp);
  return (earlier.length === 0 ? newer : [...earlier, ...newer]).slice(-kept);
}

/**
 * The last `count` slots of `step` ms up to the newest point. A window without queries has no row, so a missing slot
 * is a zero, not a gap to be drawn across.
 */
export function fillSeries(points: TimePoint[], step: number, count: number): Slot[] {
  const counts = new Map<number, number>();
  for (const point of points) {
    const start = wallTime(point.window_start) ?? endToStart(point.timestamp, step);
    if (start === null) continue;
    const slot = Math.floor(start / step) * step;
    counts.set(slot, (counts.get(slot) ?? 0) + point.query_count);
  }
  if (counts.size === 0) return [];
  const last = Math.max(...counts.keys());
  return Array.from({ length: count }, (_, index) => {
    const at = last - (count - 1 - index) * step;
    return { at, count: counts.get(at) ?? 0 };
  });
}

function endToStart(end: string, step: number): number | null {
  const at = wallTime(end);
  return at === null ? null : at - step;
}
