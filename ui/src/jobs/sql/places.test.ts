import { expect, test } from 'vitest';
import { positionsOf, visible } from './places';

test('bytes are found in a text of any characters', () => {
  const script = "SELECT 'Học 😀' FROM t";
  const byte = (text: string) => new TextEncoder().encode(script.slice(0, script.indexOf(text))).length;
  expect(positionsOf(script, [0])).toEqual([0]);
  expect(positionsOf(script, [byte('FROM'), 9_999])).toEqual([script.indexOf('FROM'), script.length]);
});

test('a place without characters is widened', () => {
  expect(visible(3, 7, 10)).toEqual({ from: 3, to: 7 });
  expect(visible(3, 3, 10)).toEqual({ from: 3, to: 4 });
  expect(visible(10, 10, 10)).toEqual({ from: 9, to: 10 });
  expect(visible(0, 0, 0)).toEqual({ from: 0, to: 0 });
});
