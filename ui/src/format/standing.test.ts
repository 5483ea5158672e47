import { expect, test } from 'vitest';
import { sayLog, sayStore } from './standing';
import { formatSince } from './time';

const SINCE = '2025-12-09T14:03:00Z';
const at = Date.parse(SINCE);
const well = { ok: true, since: null, message: null };

test('nothing is said while all is well', () => {
  expect([sayStore(well, at), sayLog(well, at)]).toEqual([null, null]);
});

test('a store that is away is said to be, since when and why', () => {
  const away = {
    ok: false,
    since: SINCE,
    message: 'the result store cannot be reached: Connection refused (os error 111)',
  };
  expect(sayStore(away, at)).toBe(
    `Results are not arriving since ${formatSince(at, at)}: the result store cannot be reached: Connection refused. ` +
      'Nothing is lost: they come once it is back.',
  );
});

test('a log that is away is said to be', () => {
  expect(sayLog({ ok: false, since: null, message: null }, at)).toBe(
    'Events are not taken in. Whoever sends them is told so.',
  );
});

test('what should be known of a store that works is a sentence', () => {
  const slow = { ok: true, since: SINCE, message: 'the result store takes seconds to answer' };
  expect(sayStore(slow, at)).toBe(`The result store takes seconds to answer since ${formatSince(at, at)}.`);
});

test('a time of another day is told with its day', () => {
  const tomorrow = at + 24 * 3_600_000;
  expect(formatSince(at, tomorrow).length).toBeGreaterThan(formatSince(at, at).length);
  expect(formatSince(at, tomorrow)).toContain('2025');
});
