import { expect, test } from 'vitest';
import { byYear, groupLabel } from './label';

test('years are in the order of numbers, the unknown one last', () => {
  expect(['unknown', '10', '2', '1'].sort(byYear)).toEqual(['1', '2', '10', 'unknown']);
});

test('the group without a value has a name', () => {
  expect(groupLabel('unknown')).toBe('Unknown');
  expect(groupLabel('Học sinh')).toBe('Học sinh');
});
