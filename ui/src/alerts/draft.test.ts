import { expect, test } from 'vitest';
import { draftOf, EMPTY, ruleOf } from './draft';

const RULE = {
  version: 1,
  title: 'Slow answers',
  table: 'response_time',
  number: 'p95_time',
  by: ['user_type', 'years'],
  where: 'query_count > 10',
  below: 0,
  for_windows: 3,
  webhook: { url: 'https://chat.example/weir', header: { name: 'Authorization', value: '***' } },
  enabled: false,
};

test('a rule that nobody changes stays the same, also with a bound of zero and a kept secret', () => {
  expect(ruleOf(draftOf(RULE))).toEqual(RULE);
});

test('what is empty is left out, so that the server says what is missing', () => {
  expect(ruleOf({ ...EMPTY, title: ' A ', by: ' , ' })).toEqual({
    version: 1,
    title: 'A',
    table: '',
    number: '',
    for_windows: 1,
    enabled: true,
  });
  expect(ruleOf({ ...EMPTY, bound: ' ' })).not.toHaveProperty('above');
});
