import { describe, expect, test } from 'vitest';
import { failingPart, fieldOf, hexLines } from './mark';

function marked(reason: string, body: string): string | null {
  const part = failingPart(reason, body);
  return part && body.slice(part.start, part.end);
}

describe('the part that a reason names', () => {
  test('is the character at a byte, counted in bytes', () => {
    expect(marked('malformed: a comma is missing at byte 15', '{"tên": "ả" x}')).toBe('x');
    expect(marked('malformed: a value is missing at byte 1', '{x')).toBe('x');
    expect(marked('malformed: it ends early at byte 99', '{"a": 1')).toBe('1');
    expect(marked('malformed: an error at byte 1', '{😀')).toBe('😀');
    expect(marked('malformed: an error at byte 1', '')).toBeNull();
  });

  test('is a member with its value', () => {
    const body = '{"text": "query_id", "query_id" : {"a": [1, "}"]}, "last": 7 }';
    expect(marked('missing query_id', body)).toBe('"query_id" : {"a": [1, "}"]}');
    expect(marked('field `last` is INT, but the value is x', body)).toBe('"last": 7');
    expect(marked('malformed: the text of field `user.text` is not UTF-8', body)).toBe('"text": "query_id"');
    expect(marked('missing nosuch', body)).toBeNull();
    expect(marked('missing a', '{"a": null, "b": 1}')).toBe('"a": null');
    expect(marked('missing a', '{"a": "unfinished')).toBe('"a": "unfinished');
  });

  test('is nothing where the reason names none', () => {
    expect(marked('late', '{"late": 1}')).toBeNull();
    expect(fieldOf('bad timestamp')).toBeNull();
  });
});

test('bytes that are no text are shown by their digits', () => {
  expect(hexLines(btoa('{"a": \xff}'))).toEqual([
    '000000  7b 22 61 22 3a 20 ff 7d                          {"a": ·}',
  ]);
});
