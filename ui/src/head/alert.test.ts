import { expect, test } from 'vitest';
import { sentence } from './alert';

const firing = (name: string) => ({ series: { faculty: name }, value: 3_200, since: '2025-12-09T11:30:00Z' });
const ALERT = {
  name: 'slow',
  title: 'Slow answers',
  table: 'response_time',
  number: 'n',
  enabled: true,
  source: 'saved' as const,
  state: 'firing' as const,
  undelivered: 0,
};

test('an alert names the series that fire, and counts the others', () => {
  const one = sentence({ ...ALERT, firing: [firing('Khách')], firing_count: 1 }, 'UTC');
  expect(one).toMatch(/^Alert “Slow answers”: Khách \(3,200, since .*\)$/);
  const many = ['a', 'b', 'c', 'd'].map(firing);
  expect(sentence({ ...ALERT, firing: many, firing_count: 12 }, 'UTC')).toMatch(/; c \(.*\) and 9 more$/);
});

test('a series without columns has the name of its table', () => {
  const alone = { ...firing('x'), series: {} };
  expect(sentence({ ...ALERT, firing: [alone], firing_count: 1 }, 'UTC')).toContain('response_time (3,200');
});
