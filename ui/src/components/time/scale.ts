// The axes of pictures over time: where values and times stand, and which of them have a label.
//
// Times are wall-clock times in milliseconds as if they were UTC, so midnight is a multiple of a day.
import { DAY_MS, formatWallDay, formatWallMinute, HOUR_MS, MINUTE_MS } from '../../format/time';

export interface Scale {
  from: number;
  to: number;
  /** Values that have a label. */
  ticks: number[];
}

/** Steps between labels of times. */
const STEPS = [
  1_000,
  5_000,
  15_000,
  30_000,
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE_MS),
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR_MS),
  ...[1, 2, 7, 14, 30, 90, 365].map((days) => days * DAY_MS),
];

/** The axis of times; with `pad`, half a bar of space at both ends. */
export function timeScale(times: readonly number[], labels: number, pad: number): Scale {
  const [first = 0, last = first] = [times[0], times.at(-1)];
  const [from, to] = first === last ? [first - MINUTE_MS, last + MINUTE_MS] : [first - pad, last + pad];
  const step = STEPS.find((step) => (to - from) / step <= Math.max(1, labels)) ?? 365 * DAY_MS;
  const ticks: number[] = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) ticks.push(at);
  return { from, to, ticks };
}

/** The axis of values: from zero, or below it, to a round number. */
export function valueScale(values: readonly number[], labels: number): Scale {
  const least = Math.min(0, ...values);
  const most = Math.max(least + 1e-9, ...values);
  const step = roundStep((most - least) / Math.max(1, labels));
  const [from, to] = [Math.floor(least / step) * step, Math.ceil(most / step) * step];
  const count = Math.round((to - from) / step);
  // Multiples, not sums: a sum of tenths is not round.
  const ticks = Array.from({ length: count + 1 }, (_, place) => (Math.round(from / step) + place) * step);
  return { from, to, ticks };
}

/** The next of 1, 2 and 5, times a power of ten. */
function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  const times = [1, 2, 5, 10].find((times) => times * power >= step * 0.999) ?? 10;
  return times * power;
}

export function timeLabel(at: number): string {
  if (at % DAY_MS === 0) return formatWallDay(at);
  return at % MINUTE_MS === 0 ? formatWallMinute(at) : `:${String((at / 1_000) % 60).padStart(2, '0')}`;
}

/** The place of the time that is nearest to another one; the times ascend. */
export function nearest(times: readonly number[], at: number): number {
  let [low, high] = [0, times.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? 0) <= at) low = middle;
    else high = middle;
  }
  return Math.abs((times[high] ?? 0) - at) < Math.abs((times[low] ?? 0) - at) ? high : low;
}
