import { expect, test } from 'vitest';
import { nextToken, ROWS_MAX, type Run, withPage } from './rows';
import type { ResultPage } from './types';

const EMPTY: Run = { phase: 'starting', columns: [], rows: [], count: 0, job: null, error: null };

function page(count: number, next?: string): ResultPage {
  const data = Array.from({ length: count }, (_, n) => ({ kind: 'INSERT' as const, fields: [n] }));
  const columns = [{ name: 'n', logicalType: { type: 'INTEGER' } }];
  return {
    resultType: 'PAYLOAD',
    jobID: 'ab',
    results: { columns, data },
    ...(next && { nextResultUri: next }),
  };
}

test('pages follow each other until the end', () => {
  expect(nextToken(page(1, '/v4/sessions/a/operations/b/result/17?rowFormat=JSON'))).toBe('17');
  expect(nextToken({ resultType: 'NOT_READY', nextResultUri: '/v4/sessions/a/operations/b/result/0' })).toBe(
    '0',
  );
  expect(nextToken({ resultType: 'EOS' })).toBeNull();
});

test('the newest rows are kept and all are counted', () => {
  const run = [1, 2, 3].reduce((run) => withPage(run, page(600)), EMPTY);
  expect([run.count, run.rows.length, run.job]).toEqual([1_800, ROWS_MAX, 'ab']);
  expect([run.rows[0]?.number, run.rows.at(-1)?.number]).toEqual([801, 1_800]);
  expect(withPage(run, { resultType: 'NOT_READY' })).toBe(run);
});
