import { expect, test } from 'vitest';
import { fillSeries, mergeSeries, wallTime } from './series';
import type { TimePoint } from './types';

const MINUTE = 60_000;

/** A minute of an hour, as the API has it: named by its end. */
function point(minute: number, query_count: number): TimePoint {
  const at = (n: number) => `2025-12-09T11:${String(n).padStart(2, '0')}:00`;
  return { timestamp: at(minute + 1), window_start: at(minute), window_end: at(minute + 1), query_count };
}

test('wall clock times are read without regard to any time zone', () => {
  expect(wallTime('2025-12-09T11:30:00')).toBe(Date.UTC(2025, 11, 9, 11, 30));
  expect(wallTime('2025-12-09T11:30:00.123456')).toBe(Date.UTC(2025, 11, 9, 11, 30));
  expect(wallTime('2025-12-09')).toBe(Date.UTC(2025, 11, 9));
  expect(wallTime('soon')).toBeNull();
  expect(wallTime(null)).toBeNull();
});

test('newer points replace older ones and keep what lies before them', () => {
  const merged = mergeSeries([point(1, 1), point(2, 2), point(3, 3)], [point(3, 30), point(4, 4)], 10);
  expect(merged.map((p) => p.query_count)).toEqual([1, 2, 30, 4]);
});

test('of a merged series the newest points are kept', () => {
  expect(mergeSeries([point(1, 1)], [point(2, 2), point(3, 3)], 2).map((p) => p.query_count)).toEqual([2, 3]);
});

test('nothing newer leaves a series as it is', () => {
  const older = [point(1, 1)];
  expect(mergeSeries(older, [], 10)).toBe(older);
});

test('a minute without queries is a zero', () => {
  const slots = fillSeries([point(10, 5), point(13, 7)], MINUTE, 5);
  expect(slots.map((slot) => slot.count)).toEqual([0, 5, 0, 0, 7]);
  expect(slots.at(-1)?.at).toBe(Date.UTC(2025, 11, 9, 11, 13));
});

test('a point without a window start is placed by its end', () => {
  const { window_start: _, ...old } = point(10, 5);
  expect(fillSeries([{ ...old, window_start: null }], MINUTE, 1)).toEqual([
    { at: Date.UTC(2025, 11, 9, 11, 10), count: 5 },
  ]);
});

test('no points make no slots', () => {
  expect(fillSeries([], MINUTE, 5)).toEqual([]);
});
