// The rows of a query that the page has: the newest ones, and how many have come.
import type { Column, ResultPage, RowKind } from './types';

/** The page keeps the newest rows; the older ones are counted. */
export const ROWS_MAX = 1_000;

export interface Row {
  number: number;
  kind: RowKind;
  fields: unknown[];
}

export type Phase = 'idle' | 'starting' | 'running' | 'ended' | 'stopped' | 'failed';

export interface Run {
  phase: Phase;
  columns: Column[];
  /** The newest rows, in the order in which they came. */
  rows: Row[];
  /** All rows that came. */
  count: number;
  job: string | null;
  error: string | null;
}

export function isActive(phase: Phase): boolean {
  return phase === 'starting' || phase === 'running';
}

/** The token of the next page; null at the end. */
export function nextToken({ resultType, nextResultUri: next }: ResultPage): string | null {
  return resultType === 'EOS' ? null : (/\/result\/(\d+)/.exec(next ?? '')?.[1] ?? null);
}

/** Adds a page; rows beyond the newest are forgotten. */
export function withPage(run: Run, { jobID: job, results }: ResultPage): Run {
  if (!results) return run;
  const rows = results.data.map(({ kind, fields }, index) => ({
    number: run.count + index + 1,
    kind,
    fields,
  }));
  return {
    ...run,
    phase: 'running',
    columns: results.columns,
    rows: [...run.rows, ...rows].slice(-ROWS_MAX),
    count: run.count + rows.length,
    job: job ?? run.job,
  };
}
