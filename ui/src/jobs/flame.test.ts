import { expect, test } from 'vitest';
import { framesOf } from './flame';

test('a frame is as wide as its share, and stands over its caller', () => {
  const leaf = (name: string, value: number) => ({ name, value, children: [] });
  const root = {
    name: 'all',
    value: 100,
    children: [{ name: 'a', value: 75, children: [leaf('b', 50)] }, leaf('c', 25)],
  };
  expect(framesOf(root).map(({ path, depth, left, share }) => [path, depth, left, share])).toEqual([
    ['/all', 0, 0, 1],
    ['/all/a', 1, 0, 0.75],
    ['/all/a/b', 2, 0, 0.5],
    ['/all/c', 1, 0.75, 0.25],
  ]);
});

test('without samples there are no frames', () => {
  expect(framesOf({ name: 'all', value: 0, children: [] })).toEqual([]);
});
