import { expect, test } from 'vitest';
import { currencyOf, STALE_MS } from './currency';
import type { Pulse } from './pulse';

const well = { ok: true, since: null, message: null };
const trouble = { ok: false, since: '2025-12-09T14:03:00Z', message: 'why' };
const PULSE: Pulse = {
  events_per_second: 1,
  latency: null,
  late: 0,
  dead_lettered: 0,
  job_manager_port: null,
  has_job_pages: false,
  store: well,
  log: well,
  results: well,
  jobs: well,
};

test('only a page with a connection and a new answer is live', () => {
  expect(currencyOf('live', PULSE, 0)).toBe('live');
  expect(currencyOf('live', undefined, 0)).toBe('live');
  expect(currencyOf('live', PULSE, STALE_MS + 1)).toBe('stale');
  expect(currencyOf('reconnecting', PULSE, STALE_MS + 1)).toBe('reconnecting');
  expect(currencyOf('connecting', undefined, 0)).toBe('connecting');
});

test('jobs that do not count go before a store or a log in trouble', () => {
  expect(currencyOf('live', { ...PULSE, jobs: trouble, store: trouble }, 0)).toBe('stopped');
  expect(currencyOf('live', { ...PULSE, log: trouble }, 0)).toBe('degraded');
  expect(currencyOf('live', { ...PULSE, results: trouble }, 0)).toBe('loading');
});
