// Time series: joining what is known with what comes, and making gaps visible.
//
// The API's times have no offset; they are wall clock times of the server's time zone. They are read as if they were
// UTC and shown as if they were UTC, so that everyone sees the server's clock.
import type { TimePoint } from './types';

/** One slot of a series on a regular grid; `at` is a wall clock time in milliseconds. */
export interface Slot {
  at: number;
  /** Null before the first event: nobody knows of anything there. */
  count: number | null;
  /** Whether the window is still open, so that the count still grows. */
  isOpen: boolean;
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

/**
 * The points of both, by time, `newer` in the place of what `older` has at the same time; the last `kept` of them. An
 * update holds only the points that changed, and these may be old ones that a late event has corrected.
 */
export function mergeSeries(older: TimePoint[], newer: TimePoint[], kept: number): TimePoint[] {
  const [first] = newer;
  if (!first) return older;
  const last = older.at(-1);
  // Nearly always: what is new comes behind what is known.
  if (!last || last.timestamp < first.timestamp) return [...older, ...newer].slice(-kept);

  const points = new Map(older.map((point) => [point.timestamp, point]));
  for (const point of newer) points.set(point.timestamp, point);
  return [...points.values()].sort((a, b) => (a.timestamp < b.timestamp ? -1 : 1)).slice(-kept);
}

/** The series of all widths, the coarsest first: each is known further back than the next. */
export interface AllSeries {
  day: TimePoint[] | undefined;
  hour: TimePoint[] | undefined;
  minute: TimePoint[] | undefined;
}

/**
 * When the first window known began, as exactly as the series tell: the first event came on the first day, in the first
 * hour of that day, and in the first minute of that hour, as far as these are known.
 */
export function firstWindow({ day, hour, minute }: AllSeries): number | null {
  let first: number | null = null;
  let end = Number.POSITIVE_INFINITY;
  for (const points of [day, hour, minute]) {
    const start = wallTime(points?.[0]?.window_start);
    if (start === null || start >= end) continue;
    first = start;
    end = wallTime(points?.[0]?.window_end) ?? end;
  }
  return first;
}

/**
 * The last `count` slots of `step` ms up to the newest point. A window without queries has no row, so a missing slot is a
 * zero, not a gap to be drawn across; before `first`, when the oldest window known began, there is nothing to draw.
 */
export function fillSeries(points: TimePoint[], step: number, count: number, first: number | null): Slot[] {
  const known = new Map<number, Slot>();
  for (const point of points) {
    const start = wallTime(point.window_start) ?? endToStart(point.timestamp, step);
    if (start === null) continue;
    const at = Math.floor(start / step) * step;
    const before = known.get(at);
    known.set(at, {
      at,
      count: (before?.count ?? 0) + point.query_count,
      isOpen: (before?.isOpen ?? false) || point.is_final === false,
    });
  }
  if (known.size === 0) return [];

  const last = Math.max(...known.keys());
  const oldest = Math.floor((first ?? Math.min(...known.keys())) / step) * step;
  return Array.from({ length: count }, (_, index) => {
    const at = last - (count - 1 - index) * step;
    return known.get(at) ?? { at, count: at < oldest ? null : 0, isOpen: false };
  });
}

function endToStart(end: string, step: number): number | null {
  const at = wallTime(end);
  return at === null ? null : at - step;
}
