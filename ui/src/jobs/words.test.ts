import { expect, test } from 'vitest';
import { plainWords, wordsOf } from './words';

test('the words of a refusal are without classes and stacks', () => {
  const stack = 'org.apache.flink.util.FlinkException: it is away\n\tat a.B.c(D.java:1)\n\tat e';
  expect(plainWords(stack)).toBe('it is away');
  expect(wordsOf({ errors: ['Internal server error.', stack] })).toBe('it is away');
  expect(wordsOf({ errors: [] })).toBeNull();
  expect(wordsOf('no JSON')).toBeNull();
});

test('of several causes, the last one says what to do', () => {
  const text =
    'a.GatewayException: Failed to fetchResults.\n\tat a.B\nCaused by: a.b.ValidationException: SQL failed.\nline two\n\tat c.D';
  expect(plainWords(text)).toBe('SQL failed.\nline two');
});
