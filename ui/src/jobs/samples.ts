// The values of a metric that a page has seen, for its lines.
import type { Metric } from './types';

/** Ten minutes, at a sample a second. */
const SAMPLES = 600;

export interface Sample {
  at: number;
  /** By subtask; null where there is no figure. */
  values: (number | null)[];
}

/** Adds an answer whose metrics are named `{subtask}.{name}`. */
export function addSample(before: Sample[], at: number, metrics: Metric[]): Sample[] {
  if (before.at(-1)?.at === at) return before;
  const values: (number | null)[] = [];
  for (const { id, value } of metrics) {
    const number = Number(value);
    // Before the first watermark its metric is far in the past, and would hide all other values.
    const isFigure = value !== undefined && Number.isFinite(number) && Math.abs(number) < 9e18;
    values[Number.parseInt(id, 10)] = isFigure ? number : null;
  }
  return [...before.slice(1 - SAMPLES), { at, values: Array.from(values, (value) => value ?? null) }];
}
