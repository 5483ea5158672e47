// The colours of thresholds. A document names a meaning, and the theme has its colour.
import type { Theme } from '../theme';
import { labelOf, type Threshold } from './document';
import { reachedOf } from './figures';

export const COLORS = ['good', 'warn', 'bad'] as const;

/** The class of a number that has reached a threshold. */
export function classOf(value: unknown, thresholds: readonly Threshold[] | undefined): string | undefined {
  const color = typeof value === 'number' ? reachedOf(value, thresholds ?? [])?.color : undefined;
  return color ? `reached-${color}` : undefined;
}

/** The colour of a number that has reached a threshold, for pictures. */
export function colorOf(
  value: number,
  thresholds: readonly Threshold[] | undefined,
  theme: Theme,
): string | undefined {
  const color = reachedOf(value, thresholds ?? [])?.color;
  return color ? theme[color] : undefined;
}

/** The limits that a picture shows as lines. */
export function limitsOf(
  thresholds: readonly Threshold[] | undefined,
  theme: Theme,
): { at: number; label: string; color: string }[] {
  return (thresholds ?? []).map((threshold) => ({
    at: threshold.above ?? threshold.below ?? 0,
    label: labelOf(threshold) ?? '',
    color: threshold.color ? theme[threshold.color] : theme.muted,
  }));
}
