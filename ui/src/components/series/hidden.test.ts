import { expect, test } from 'vitest';
import { alone, hiddenAmong, readHidden, toggled } from './hidden';

test('a series is hidden and shown again, and an address without hidden series is short', () => {
  expect(toggled(undefined, 'a')).toEqual(['a']);
  expect(toggled(['a'], 'b')).toEqual(['a', 'b']);
  expect(toggled(['a', 'b'], 'a')).toEqual(['b']);
  expect(toggled(['a'], 'a')).toBeUndefined();
});

test('one series alone, and then all of them', () => {
  const ids = ['a', 'b', 'c'];
  expect(alone(ids, undefined, 'b')).toEqual(['a', 'c']);
  expect(alone(ids, ['b'], 'b')).toEqual(['a', 'c']);
  expect(alone(ids, ['a', 'c'], 'b')).toBeUndefined();
  expect(alone(ids, ['a', 'b', 'c'], 'b')).toEqual(['a', 'c']);
});

test('a series that is away at the moment stays hidden', () => {
  expect(alone(['a', 'b'], ['away'], 'a')).toEqual(['away', 'b']);
  expect(alone(['a', 'b'], ['away', 'b'], 'a')).toEqual(['away']);
  expect([...hiddenAmong(['a', 'b'], ['away', 'b'])]).toEqual(['b']);
});

test('the only series of a picture is shown, since it has no legend', () => {
  expect(hiddenAmong(['a'], ['a']).size).toBe(0);
});

test('an address that makes no sense hides nothing', () => {
  for (const raw of [undefined, 'a', 7, {}, [], [7, null]]) expect(readHidden(raw)).toBeUndefined();
  expect(readHidden(['a', 7])).toEqual(['a']);
});
