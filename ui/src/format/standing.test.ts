import { expect, test } from 'vitest';
import { sayJobs, sayLog, sayStore } from './standing';
import { formatClock, formatSince, zoneName } from './time';

const SINCE = '2025-12-09T14:03:00Z';
const at = Date.parse(SINCE);
const now = { at, timeZone: 'UTC' };
const well = { ok: true, since: null, message: null };

test('nothing is said while all is well', () => {
  expect([sayStore(well, now), sayLog(well, now), sayJobs(well, now)]).toEqual([null, null, null]);
});

test('a store that is away is said to be, since when and why', () => {
  const away = {
    ok: false,
    since: SINCE,
    message: 'the result store cannot be reached: Connection refused (os error 111)',
  };
  expect(sayStore(away, now)).toBe(
    `Results are not arriving since ${formatSince(at, at, 'UTC')}: the result store cannot be reached: Connection refused. ` +
      'Nothing is lost: they arrive when the store is back.',
  );
});

test('a log that is away is said to be', () => {
  expect(sayLog({ ok: false, since: null, message: null }, now)).toBe(
    'Events are refused. Their senders get an error.',
  );
});

test('what should be known of a store that works is a sentence', () => {
  const slow = { ok: true, since: SINCE, message: 'the result store takes seconds to answer' };
  expect(sayStore(slow, now)).toBe(
    `The result store takes seconds to answer since ${formatSince(at, at, 'UTC')}.`,
  );
});

test('a time of another day is told with its day', () => {
  const tomorrow = at + 24 * 3_600_000;
  expect(formatSince(at, tomorrow, 'UTC').length).toBeGreaterThan(formatSince(at, at, 'UTC').length);
  expect(formatSince(at, tomorrow, 'UTC')).toContain('2025');
});

test('a job that has ended is said to be', () => {
  const over = { ok: false, since: SINCE, message: 'job `a` was cancelled' };
  expect(sayJobs(over, now)).toBe(
    `Figures are outdated or incomplete since ${formatSince(at, at, 'UTC')}: job \`a\` was cancelled.`,
  );
});

test('times are in the zone of the server, and in the own one where it is not known', () => {
  expect(formatClock(at, 'Asia/Ho_Chi_Minh')).toBe(formatClock(at + 7 * 3_600_000, 'UTC'));
  expect(zoneName('Asia/Ho_Chi_Minh')).toBe('Asia/Ho_Chi_Minh');
  expect(zoneName('Nowhere/Town')).toBe(zoneName(null));
});
