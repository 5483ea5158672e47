import { expect, test } from 'vitest';
import type { Table } from '../explore/api';
import type { PanelDocument } from './document';
import { cellsOf, clockOf, reachedOf, sharesOf } from './figures';
import { aggregateQuery, conditionsFor, measureOf } from './queries';

const column = (name: string, kind: 'text' | 'integer' | 'number' | 'time') => ({ name, type: kind, kind });
const TABLE = {
  name: 'faculty',
  columns: [column('faculty', 'text'), column('query_count', 'integer'), column('avg_time', 'number')],
  key_columns: ['faculty'],
  window: [],
  time_column: 'window_end',
} as unknown as Table;
const PANEL: PanelDocument = {
  id: 'a',
  title: 'A',
  table: 'faculty',
  chart: 'bars',
  at: { x: 0, y: 0, w: 1, h: 1 },
};

test('without a number of its own, a panel shows the first, combined as its name says', () => {
  expect(measureOf(TABLE, PANEL)).toEqual({ text: 'sum(query_count)', name: 'query_count' });
  expect(measureOf(TABLE, { ...PANEL, number: 'avg_time' }).text).toBe('avg(avg_time)');
  expect(measureOf(TABLE, { ...PANEL, combination: 'count' }).text).toBe('count(*)');
  const weighted = { ...PANEL, number: 'avg_time', weight: 'query_count' };
  expect(measureOf(TABLE, weighted).text).toBe('avg(avg_time weighted by query_count)');
  expect(measureOf(TABLE, { ...weighted, combination: 'max' }).text).toBe('max(avg_time)');
});

test('chosen values count where the table has their column', () => {
  const view = { only: { faculty: "Khoa 'Toán'", city: 'Huế' } };
  expect(conditionsFor(TABLE, { ...PANEL, where: 'query_count > 1' }, view)).toBe(
    "query_count > 1 AND faculty = 'Khoa ''Toán'''",
  );
  expect(conditionsFor(TABLE, PANEL, view, 'faculty')).toBe('');
});

test('a question has the period, the groups and the order', () => {
  const question = { table: TABLE, panel: PANEL, view: { period: '1h' as const } };
  const query = aggregateQuery(question, ['faculty'], '-sum(query_count)', 10);
  expect(Object.fromEntries(query)).toEqual({
    from: '-1h',
    group_by: 'faculty',
    aggregate: 'sum(query_count)',
    order: '-sum(query_count)',
    limit: '10',
  });
});

test('a threshold is reached beyond its value', () => {
  const thresholds = [{ above: 0.95, label: 'high' }, { below: 0.5 }];
  expect(reachedOf(0.96, thresholds)?.label).toBe('high');
  expect(reachedOf(0.95, thresholds)).toBeUndefined();
  expect(reachedOf(0.4, thresholds)).toEqual({ below: 0.5 });
});

test('hours of all weeks are added up by weekday', () => {
  const rows = [
    { 'hour(t)': '2025-12-08T09:00:00', n: 2 },
    { 'hour(t)': '2025-12-15T09:00:00', n: 3 },
    { 'hour(t)': '2025-12-14T23:00:00', n: 7 },
    { 'hour(t)': null, n: 100 },
  ];
  const { xs, ys, cells } = clockOf(rows, 'hour(t)', 'n');
  expect(cells.map(({ x, y, value }) => [xs.indexOf(x), ys.indexOf(y), value])).toEqual([
    [9, 0, 5],
    [23, 6, 7],
  ]);
});

test('axes of numbers are in their order, others by their totals', () => {
  const rows = [
    { year: 10, type: 'a', n: 1 },
    { year: 2, type: 'b', n: 5 },
  ];
  const { xs, ys } = cellsOf(rows, 'year', 'type', 'n');
  expect([xs, ys]).toEqual([
    ['2', '10'],
    ['b', 'a'],
  ]);
});

test('what is not among the greatest is one share', () => {
  const groups: [string, number][] = [
    ['a', 5],
    ['b', 3],
    ['c', 2],
    ['d', -1],
  ];
  expect(sharesOf(groups, 1, () => 'red', 'grey')).toEqual([
    { label: 'a', value: 5, color: 'red' },
    { label: 'others', value: 5, color: 'grey' },
  ]);
});
