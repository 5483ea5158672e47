// Live rows of a table, from the one connection of the page.
import { useEffect, useState } from 'react';
import { ResultsClient, type Row } from 'weir-client';
import { BASE } from './api';

/** Rows that a page keeps: the newest. */
const ROWS = 500;
/** Pause between two drawings, however fast rows come. */
const PACE_MS = 250;

const listeners = new Set<() => void>();
/** When the state of the connection last changed, in milliseconds since the epoch. */
let changedAt = Date.now();

export const client = new ResultsClient({
  url: BASE,
  onStatus: () => {
    changedAt = Date.now();
    for (const listener of listeners) listener();
  },
});

export function statusSince(): number {
  return changedAt;
}

export function subscribeStatus(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export interface LiveRows {
  /** The newest rows, the newest first; null until they are there. */
  rows: Row[] | null;
  /** Keys of the rows that came with the last change, except at the beginning. */
  fresh: ReadonlySet<string>;
  error: string | null;
  /** Grows with each change. */
  revision: number;
}

const NOTHING: LiveRows = { rows: null, fresh: new Set(), error: null, revision: 0 };

/** Follows the rows of a table that meet the conditions. */
export function useLiveRows(table: string, where: string | undefined): LiveRows {
  const [live, setLive] = useState(NOTHING);

  useEffect(() => {
    setLive(NOTHING);
    let timer: ReturnType<typeof setTimeout> | undefined;
    let fresh = new Set<string>();
    let all: ReadonlyMap<string, Row> = new Map();

    const draw = () => {
      timer = undefined;
      const drawn = fresh;
      fresh = new Set();
      const rows = newest(all);
      setLive(({ revision }) => ({ rows, fresh: drawn, error: null, revision: revision + 1 }));
    };
    const subscription = client.subscribe(table, {
      where,
      limit: ROWS,
      onChange: ({ rows, changed, reason }) => {
        all = rows;
        if (reason === null) for (const row of changed) fresh.add(row._key);
        timer ??= setTimeout(draw, PACE_MS);
      },
      onError: (error) => setLive({ ...NOTHING, rows: [], error }),
    });

    return () => {
      clearTimeout(timer);
      subscription.close();
    };
  }, [table, where]);

  return live;
}

function newest(rows: ReadonlyMap<string, Row>): Row[] {
  const sorted = [...rows.values()].sort((a, b) => compare(b._time, a._time) || compare(a._key, b._key));
  return sorted.slice(0, ROWS);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
