import { expect, test } from 'vitest';
import { fillSeries, firstWindow, mergeSeries, wallTime } from './series';
import type { TimePoint } from './types';

const MINUTE = 60_000;

/** A minute of an hour, as the API has it: named by its end. */
function point(minute: number, query_count: number, is_final = true): TimePoint {
  const at = (n: number) => `2025-12-09T11:${String(n).padStart(2, '0')}:00`;
  const [window_start, window_end] = [at(minute), at(minute + 1)];
  return { timestamp: window_end, window_start, window_end, query_count, is_final };
}

test('wall clock times are read without regard to any time zone', () => {
  expect(wallTime('2025-12-09T11:30:00')).toBe(Date.UTC(2025, 11, 9, 11, 30));
  expect(wallTime('2025-12-09T11:30:00.123456')).toBe(Date.UTC(2025, 11, 9, 11, 30));
  expect(wallTime('2025-12-09')).toBe(Date.UTC(2025, 11, 9));
  expect(wallTime('soon')).toBeNull();
  expect(wallTime(null)).toBeNull();
});

test('newer points come behind, and in the place of those of the same time', () => {
  const known = [point(1, 1), point(2, 2), point(3, 3)];
  const counts = (newer: TimePoint[]) => mergeSeries(known, newer, 10).map((p) => p.query_count);
  expect(counts([point(4, 4)])).toEqual([1, 2, 3, 4]);
  expect(counts([point(3, 30), point(4, 4)])).toEqual([1, 2, 30, 4]);
  // A late event corrects an old minute: what lies between stays.
  expect(counts([point(1, 10), point(4, 4)])).toEqual([10, 2, 3, 4]);
  expect(mergeSeries([], known, 10)).toEqual(known);
});

test('of a merged series the newest points are kept', () => {
  expect(mergeSeries([point(1, 1)], [point(2, 2), point(3, 3)], 2).map((p) => p.query_count)).toEqual([2, 3]);
});

test('nothing newer leaves a series as it is', () => {
  const older = [point(1, 1)];
  expect(mergeSeries(older, [], 10)).toBe(older);
});

test('a minute without queries is a zero, but before the first event there is nothing', () => {
  const points = [point(10, 5), point(13, 7)];
  const counts = (first: number | null) => fillSeries(points, MINUTE, 5, first).map((slot) => slot.count);
  expect(counts(null)).toEqual([null, 5, 0, 0, 7]);
  expect(counts(Date.UTC(2025, 11, 8))).toEqual([0, 5, 0, 0, 7]);
  expect(fillSeries(points, MINUTE, 5, null).at(-1)?.at).toBe(Date.UTC(2025, 11, 9, 11, 13));
});

test('the first window is told as exactly as the series allow', () => {
  const at = (hour: number, minute = 0) => Date.UTC(2025, 11, 9, hour, minute);
  const day = [{ ...point(0, 9), window_start: '2025-12-09T00:00:00', window_end: '2025-12-10T00:00:00' }];
  const hours = (hour: string, next: string) => [
    { ...point(0, 9), window_start: `2025-12-09T${hour}:00:00`, window_end: `2025-12-09T${next}:00:00` },
  ];
  const minute = [point(7, 1), point(8, 1)];
  expect(firstWindow({ day, hour: hours('11', '12'), minute })).toBe(at(11, 7));
  // Minutes are not known as far back as hours are: there were events before them.
  expect(firstWindow({ day, hour: hours('09', '10'), minute })).toBe(at(9));
  expect(firstWindow({ day, hour: [], minute: undefined })).toBe(at(0));
  expect(firstWindow({ day: undefined, hour: undefined, minute })).toBe(at(11, 7));
  expect(firstWindow({ day: [], hour: [], minute: [] })).toBeNull();
});

test('a window that is open is told from one that is closed', () => {
  const slots = fillSeries([point(10, 5), point(11, 2, false)], MINUTE, 2, null);
  expect(slots.map((slot) => slot.isOpen)).toEqual([false, true]);
});

test('a point without a window start is placed by its end', () => {
  const { window_start: _, ...old } = point(10, 5);
  expect(fillSeries([{ ...old, window_start: null }], MINUTE, 1, null)).toEqual([
    { at: Date.UTC(2025, 11, 9, 11, 10), count: 5, isOpen: false },
  ]);
});

test('no points make no slots', () => {
  expect(fillSeries([], MINUTE, 5, null)).toEqual([]);
});
