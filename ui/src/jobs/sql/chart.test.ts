import { expect, test } from 'vitest';
import { cellText, timeOf } from './cells';
import { firstChoice, linesOf } from './chart';
import type { Row } from './rows';

const COLUMNS = [
  { name: 'faculty', logicalType: { type: 'VARCHAR' } },
  { name: 'start', logicalType: { type: 'TIMESTAMP_WITHOUT_TIME_ZONE' } },
  { name: 'queries', logicalType: { type: 'BIGINT' } },
];
const AT = Date.parse('2025-12-09T11:00:00Z');

function row(number: number, kind: Row['kind'], ...fields: unknown[]): Row {
  return { number, kind, fields };
}

test('a chart shows numbers over time, a line for each text', () => {
  expect(firstChoice(COLUMNS)).toEqual({ across: 1, height: 2, by: 0 });
  expect(firstChoice(COLUMNS.slice(0, 2))).toBeNull();
});

test('a row that replaces another one takes its place', () => {
  const rows = [
    row(1, 'INSERT', 'CNTT', '2025-12-09 11:00:00.000', 3),
    row(2, 'INSERT', 'Luật', '2025-12-09 11:00:00.000', 1),
    row(3, 'UPDATE_BEFORE', 'CNTT', '2025-12-09 11:00:00.000', 3),
    row(4, 'UPDATE_AFTER', 'CNTT', '2025-12-09 11:00:00.000', 4),
    row(5, 'INSERT', 'CNTT', '2025-12-09 11:01:00.000', null),
  ];
  const { lines, more } = linesOf(COLUMNS, rows, { across: 1, height: 2, by: 0 });
  expect(lines).toEqual([
    { name: 'CNTT', points: [[AT, 4]] },
    { name: 'Luật', points: [[AT, 1]] },
  ]);
  expect(more).toBe(0);

  const byArrival = linesOf(COLUMNS, rows.slice(0, 2), { across: -1, height: 2, by: -1 });
  expect(byArrival.lines).toEqual([
    {
      name: '',
      points: [
        [1, 3],
        [2, 1],
      ],
    },
  ]);
});

test('values are shown as SQL has them', () => {
  expect([cellText(null), cellText({ a: 1 }), cellText(true)]).toEqual([null, '{"a":1}', 'true']);
  expect(timeOf('2025-12-09 11:00:00.000')).toBe(AT);
  expect(timeOf('2025-12-09T18:00:00+07:00')).toBe(AT);
});
