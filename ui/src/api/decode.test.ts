import { expect, test } from 'vitest';
import { decode, decodeRows } from './decode';

const frame = (message: unknown) => decode(JSON.stringify(message));

test('the initial frame is a snapshot', () => {
  const data = { overall: { total_queries: 1 }, faculty: [{ faculty: 'Sinh viên', query_count: 1 }] };
  expect(frame({ type: 'initial', data })).toEqual({ type: 'snapshot', data, timeZone: null });
  const told = frame({ type: 'initial', data, time_zone: 'Asia/Ho_Chi_Minh' });
  expect(told).toEqual({ type: 'snapshot', data, timeZone: 'Asia/Ho_Chi_Minh' });
});

test('an update carries one key', () => {
  const data = { timeseriesMinute: [{ timestamp: '2025-12-09T11:30:00', query_count: 3 }] };
  expect(frame({ type: 'update', analytics_type: 'timeseries_minute', data, timestamp: 't' })).toEqual({
    type: 'update',
    data,
  });
});

test('heartbeat and pong only say that the server is there', () => {
  expect(frame({ type: 'heartbeat' })).toEqual({ type: 'alive' });
  expect(frame({ type: 'pong' })).toEqual({ type: 'alive' });
});

test.each([
  '',
  'nonsense',
  '[]',
  'null',
  '7',
  '{}',
  '{"type":"tomorrow"}',
  '{"type":"error","message":"no"}',
])('the frame %j is ignored', (text) => expect(decode(text)).toBeNull());

test('a binary frame is ignored', () => {
  expect(decode(new ArrayBuffer(2))).toBeNull();
});

test('keys that are unknown or misshapen are left out and the rest is used', () => {
  const data = {
    faculty: { not: 'rows' },
    year: [1, 2],
    popularByYear: { 1: 'x' },
    successRate: { success_rate: 9 },
    constructor: [],
    tomorrow: [],
    userType: [],
  };
  expect(frame({ type: 'update', data })).toEqual({ type: 'update', data: { userType: [] } });
});

test('rows of an answer are taken from data and nowhere else', () => {
  expect(decodeRows('hourlyHeatmap', { data: [{ hour_of_day: 1, query_count: 2 }] })).toHaveLength(1);
  expect(decodeRows('hourlyHeatmap', { detail: 'Not Found' })).toBeNull();
  expect(decodeRows('hourlyHeatmap', 'x')).toBeNull();
});

test('a status says how what is behind the server stands; what is not said is well', () => {
  const store = { ok: false, since: '2025-12-09T14:03:00Z', message: 'away' };
  const well = { ok: true, since: null, message: null };
  expect(frame({ type: 'status', store, log: well })).toEqual({
    type: 'status',
    status: { store, log: well, results: well, jobs: well },
  });
  expect(frame({ type: 'status', store: 7, log: { since: 1 } })).toEqual({
    type: 'status',
    status: { store: well, log: well, results: well, jobs: well },
  });
});
