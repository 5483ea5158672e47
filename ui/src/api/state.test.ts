import { expect, test } from 'vitest';
import { type Action, INITIAL_STATE, isEmpty, isLoading, reduce } from './state';
import type { Analytics, TimePoint } from './types';

const run = (...actions: Action[]) => actions.reduce(reduce, INITIAL_STATE);

const overall = (total_queries: number): Analytics['overall'] => ({
  total_queries,
  success_count: total_queries,
  failure_count: 0,
  success_rate: 100,
  avg_response_time: 0,
  is_final: true,
});

const minute = (at: number, query_count: number): TimePoint => ({
  timestamp: `2025-12-09T11:${at}:00`,
  query_count,
  window_start: null,
  window_end: null,
  is_final: true,
});

test('an update replaces its key and leaves the others', () => {
  const state = run(
    { type: 'snapshot', data: { overall: overall(1), year: [] }, timeZone: null, at: 1 },
    { type: 'update', data: { overall: overall(2) }, at: 2 },
  );
  expect(state.data).toEqual({ overall: overall(2), year: [] });
  expect(state.updatedAt).toBe(2);
});

test('an update without anything we know changes nothing', () => {
  const state = run({ type: 'snapshot', data: {}, timeZone: null, at: 1 });
  expect(reduce(state, { type: 'update', data: {}, at: 2 })).toBe(state);
});

test('a lost connection keeps the figures', () => {
  const state = run(
    { type: 'snapshot', data: { overall: overall(1) }, timeZone: null, at: 1 },
    { type: 'connection', connection: { phase: 'reconnecting', attempt: 1, retryAt: 5 } },
  );
  expect(state.data.overall).toEqual(overall(1));
});

test('a series that was loaded is under the updates that overtook it', () => {
  const state = run(
    { type: 'update', data: { timeseriesMinute: [minute(12, 30)] }, at: 1 },
    { type: 'loaded', key: 'timeseriesMinute', rows: [minute(11, 1), minute(12, 2)], revision: 0 },
  );
  expect(state.data.timeseriesMinute).toEqual([minute(11, 1), minute(12, 30)]);
});

test('an update of a series holds what changed, and the rest stays', () => {
  const state = run(
    {
      type: 'loaded',
      key: 'timeseriesMinute',
      rows: [minute(11, 1), minute(12, 2), minute(13, 3)],
      revision: 0,
    },
    { type: 'update', data: { timeseriesMinute: [minute(11, 10)] }, at: 1 },
    { type: 'update', data: { timeseriesMinute: [minute(13, 30), minute(14, 4)] }, at: 2 },
  );
  expect(state.data.timeseriesMinute?.map((point) => point.query_count)).toEqual([10, 2, 30, 4]);
});

test('a series that was loaded in time replaces what was known', () => {
  const state = run(
    { type: 'update', data: { timeseriesMinute: [minute(11, 1), minute(12, 2)] }, at: 1 },
    { type: 'loaded', key: 'timeseriesMinute', rows: [minute(12, 5)], revision: 1 },
  );
  expect(state.data.timeseriesMinute).toEqual([minute(11, 1), minute(12, 5)]);
});

test('a server that has nothing any more leaves nothing of a series', () => {
  const state = run(
    { type: 'update', data: { timeseriesMinute: [minute(11, 1)] }, at: 1 },
    { type: 'loaded', key: 'timeseriesMinute', rows: [], revision: 1 },
  );
  expect(state.data.timeseriesMinute).toEqual([]);
});

test('hours that an update overtook are dropped', () => {
  const fresh = [{ hour_of_day: 9, query_count: 2, is_final: true }];
  const state = run(
    { type: 'update', data: { hourlyHeatmap: fresh }, at: 1 },
    {
      type: 'loaded',
      key: 'hourlyHeatmap',
      rows: [{ hour_of_day: 9, query_count: 1, is_final: true }],
      revision: 0,
    },
  );
  expect(state.data.hourlyHeatmap).toBe(fresh);
});

test('nothing is known to be empty before the snapshot', () => {
  expect(isEmpty(INITIAL_STATE)).toBe(false);
});

test('a snapshot without rows and queries is empty until the first update', () => {
  const nothing = { overall: overall(0), faculty: [], popularByYear: {}, userType: [] };
  const state = run({ type: 'snapshot', data: nothing, timeZone: null, at: 1 });
  expect(isEmpty(state)).toBe(true);
  expect(isEmpty(reduce(state, { type: 'update', data: { overall: overall(1) }, at: 2 }))).toBe(false);
});

test('what is wrong stays known until the server says otherwise, or another connection begins', () => {
  const well = { ok: true, since: null, message: null };
  const away = { ok: false, since: '2025-12-09T14:03:00Z', message: 'away' };
  const told: Action = { type: 'status', status: { ...INITIAL_STATE.status, store: away } };
  const state = run({ type: 'snapshot', data: {}, timeZone: null, at: 1 }, told, {
    type: 'update',
    data: {},
    at: 2,
  });
  expect(state.status.store).toEqual(away);
  const back = reduce(state, { type: 'status', status: INITIAL_STATE.status });
  expect(back.status.store).toEqual(well);
  expect(reduce(state, { type: 'snapshot', data: {}, timeZone: null, at: 3 }).status.store).toEqual(well);
});

test('results that are being loaded are neither there nor missing, until the snapshot', () => {
  const loading = { ok: false, since: null, message: 'the results are being loaded' };
  const state = run({ type: 'status', status: { ...INITIAL_STATE.status, results: loading } });
  expect([isLoading(state), isEmpty(state)]).toEqual([true, false]);
  expect(isLoading(reduce(state, { type: 'snapshot', data: {}, timeZone: null, at: 1 }))).toBe(false);
});
