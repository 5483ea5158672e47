import { expect, test } from 'vitest';
import { nearest, timeScale, valueScale } from './scale';

const MINUTE = 60_000;

test('values have round labels from zero to above the greatest', () => {
  expect(valueScale([3, 87], 4).ticks).toEqual([0, 50, 100]);
  expect(valueScale([0.02, 0.31], 4).ticks).toEqual([0, 0.1, 0.2, 0.30000000000000004, 0.4]);
  expect(valueScale([-20, 30], 5)).toEqual({ from: -20, to: 30, ticks: [-20, -10, 0, 10, 20, 30] });
});

test('no values, or only zeros, have an axis too', () => {
  for (const values of [[], [0, 0]]) {
    const { from, to } = valueScale(values, 4);
    expect(to).toBeGreaterThan(from);
  }
});

test('times have labels at round times, as many as there is room for', () => {
  const day = 24 * 60 * MINUTE;
  expect(timeScale([0, day], 4, 0).ticks).toEqual([0, day / 4, day / 2, (day * 3) / 4, day]);
  expect(timeScale([7 * MINUTE, 52 * MINUTE], 5, 0).ticks).toEqual(
    [10, 20, 30, 40, 50].map((m) => m * MINUTE),
  );
  expect(timeScale([5 * MINUTE], 5, 0)).toMatchObject({ from: 4 * MINUTE, to: 6 * MINUTE });
});

test('the nearest time is found', () => {
  expect([-5, 4, 6, 14, 100].map((at) => nearest([0, 10, 20], at))).toEqual([0, 0, 1, 1, 2]);
  expect(nearest([7], 0)).toBe(0);
});
