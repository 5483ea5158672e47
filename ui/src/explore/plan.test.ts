import { expect, test } from 'vitest';
import type { Table } from './api';
import {
  aggregateOf,
  columnsOf,
  combinationOf,
  conditionsOf,
  dimensionsOf,
  numbersOf,
  rankedQuery,
  readSearch,
  seriesQuery,
  unitOf,
} from './plan';

const TABLE: Table = {
  name: 'models',
  columns: [
    { name: 'model', type: 'STRING', kind: 'text' },
    { name: 'shelf', type: 'INT', kind: 'integer' },
    { name: 'start_year', type: 'INT', kind: 'integer' },
    { name: 'avg_response_time', type: 'DOUBLE', kind: 'number' },
    { name: 'queries', type: 'BIGINT', kind: 'integer' },
    { name: 'is_new', type: 'BOOLEAN', kind: 'boolean' },
    { name: 'window_start', type: 'STRING', kind: 'text' },
    { name: 'window_end', type: 'TIMESTAMP(3)', kind: 'time' },
    { name: 'created_at', type: 'STRING', kind: 'text' },
  ],
  key: 'models:{model}:{shelf}:{window_end}',
  key_columns: ['model', 'shelf', 'window_end'],
  window: ['window_start', 'window_end'],
  time_column: 'window_end',
  ttl_seconds: 60,
  job: 'j',
  job_id: 'a',
  queries: [],
  rows: 1,
  oldest: '2026-01-01T00:00:00',
  newest: '2026-01-20T00:00:00',
};

test('numbers are drawn, counts first; what names something is a dimension; times are neither', () => {
  expect(numbersOf(TABLE).map(({ name }) => name)).toEqual(['queries', 'avg_response_time']);
  expect(dimensionsOf(TABLE).map(({ name }) => name)).toEqual(['model', 'shelf', 'start_year', 'is_new']);
});

test('averages and shares are not added up', () => {
  expect(
    ['queries', 'avg_response_time', 'success_rate', 'p95', 'max_wait', 'min_wait'].map(combinationOf),
  ).toEqual(['sum', 'avg', 'avg', 'avg', 'max', 'min']);
});

test('a table without numbers is counted', () => {
  const table = { ...TABLE, columns: TABLE.columns.slice(0, 1) };
  expect(aggregateOf(table, { period: '1h' })).toEqual({ text: 'count(*)', number: null });
});

test('the unit of time grows with the period', () => {
  expect(unitOf('15m', TABLE)).toBe('minute');
  expect(unitOf('24h', TABLE)).toBe('hour');
  expect(unitOf('30d', TABLE)).toBe('day');
  expect(unitOf('all', TABLE)).toBe('day');
});

test('the drawing asks for a point for each unit and value, under all conditions', () => {
  const search = readSearch({
    period: '6h',
    by: 'model',
    where: ' queries > 1 ',
    only: { model: "o'brien", is_new: true, wrong: null },
  });
  const query = seriesQuery(TABLE, search, ['a', "b'c"]);
  expect(Object.fromEntries(query ?? [])).toEqual({
    from: '-6h',
    where: "queries > 1 AND model = 'o''brien' AND is_new = TRUE AND model IN ('a', 'b''c')",
    group_by: 'minute(window_end),model',
    aggregate: 'sum(queries)',
    order: 'minute(window_end)',
    limit: '10000',
  });
  expect(seriesQuery(TABLE, readSearch({ by: 'shelf' }), [3, 4])?.get('where')).toBe('shelf IN (3, 4)');
  expect(seriesQuery({ ...TABLE, time_column: null }, search, null)).toBeNull();
});

test('a ranked list shows the other values beside a chosen one', () => {
  const search = readSearch({ period: 'all', only: { model: 'a', shelf: 3 }, number: 'avg_response_time' });
  expect(Object.fromEntries(rankedQuery(TABLE, search, 'model', 10))).toEqual({
    where: 'shelf = 3',
    group_by: 'model',
    aggregate: 'avg(avg_response_time)',
    order: '-avg(avg_response_time)',
    limit: '10',
  });
});

test('what an address says wrongly is left out', () => {
  expect(readSearch({ period: '2y', combination: 'median', chart: 3, by: '', only: 'x', where: 7 })).toEqual({
    period: '1h',
  });
  expect(conditionsOf(readSearch({}))).toBeUndefined();
});

test('an answer stands in only for one with the same columns', () => {
  const hours = 'from=-24h&group_by=hour(t),city&aggregate=sum(n)&limit=10';
  expect(columnsOf('group_by=hour(t),city&aggregate=sum(n)&from=-7d')).toBe(columnsOf(hours));
  expect(columnsOf('group_by=day(t),city&aggregate=sum(n)')).not.toBe(columnsOf(hours));
  expect(columnsOf('group_by=hour(t),city&aggregate=avg(n)')).not.toBe(columnsOf(hours));
});
