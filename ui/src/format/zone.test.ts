import { expect, test } from 'vitest';
import { isZone, shifted } from './zone';

const at = (text: string) => Date.parse(`${text}Z`);

test('a time of one zone is shown in another, and comes back', () => {
  const [utc, vietnam] = ['UTC', 'Asia/Ho_Chi_Minh'];
  expect(shifted(at('2025-12-09T11:30:00'), utc, vietnam)).toBe(at('2025-12-09T18:30:00'));
  expect(shifted(at('2025-12-09T18:30:00'), vietnam, utc)).toBe(at('2025-12-09T11:30:00'));
  expect(shifted(at('2025-12-09T22:00:00'), utc, vietnam)).toBe(at('2025-12-10T05:00:00'));
});

test('the offset is that of the day, also around a change of the clocks', () => {
  const [utc, berlin] = ['UTC', 'Europe/Berlin'];
  expect(shifted(at('2025-07-01T10:00:00'), utc, berlin)).toBe(at('2025-07-01T12:00:00'));
  expect(shifted(at('2025-12-01T10:00:00'), utc, berlin)).toBe(at('2025-12-01T11:00:00'));
  expect(shifted(at('2025-03-30T03:30:00'), berlin, utc)).toBe(at('2025-03-30T01:30:00'));
  expect(shifted(at('2025-03-30T00:59:00'), utc, berlin)).toBe(at('2025-03-30T01:59:00'));
});

test('without a choice, and without a time, nothing is moved', () => {
  expect(shifted(5, 'UTC', null)).toBe(5);
  expect(shifted(Number.NaN, 'UTC', 'Asia/Tokyo')).toBeNaN();
});

test('what is no zone is refused', () => {
  expect([isZone('Asia/Ho_Chi_Minh'), isZone('Mars/Olympus')]).toEqual([true, false]);
});
