// Answers to a panel's questions. The answer before stays until the next is there, so that nothing blinks; but not if it has
// other columns, such as days in place of hours.
import { useQuery } from '@tanstack/react-query';
import { createContext, useContext, useEffect, useRef, useState } from 'react';
import { takeInlined } from '../api/inlined';
import { fetchRows, type Row, type Rows, type Table } from '../explore/api';
import { client } from '../explore/live';
import { columnsOf } from '../explore/plan';

export interface Answer {
  /** Undefined while the first answer has not come. */
  rows: Row[] | undefined;
  error: Error | null;
}

/** Age from which on a panel that is shown again asks anew. */
const STALE_MS = 1_000;

/** Asks a table, and again whenever `asked` grows; `query` null asks nothing. */
export function useAnswer(table: Table, query: URLSearchParams | null, asked: number): Answer {
  const text = query?.toString() ?? '';
  const isAsked = query !== null;
  // The key is the same each time, so rows that have not changed are the same objects, and nothing is drawn again.
  const { data, error, refetch } = useQuery({
    queryKey: ['answer', table.name, text],
    queryFn: ({ signal }) => fetchRows(table.name, new URLSearchParams(text), signal),
    initialData: () =>
      takeInlined(`results/${encodeURIComponent(table.name)}?${text}`)?.body as Rows | undefined,
    enabled: isAsked,
    placeholderData: (before, asked) =>
      asked && columnsOf(String(asked.queryKey[2])) === columnsOf(text) ? before : undefined,
    staleTime: STALE_MS,
  });

  const known = useRef(asked);
  useEffect(() => {
    if (known.current === asked) return;
    known.current = asked;
    if (isAsked) void refetch({ cancelRefetch: false });
  }, [asked, isAsked, refetch]);

  return { rows: data?.rows, error };
}

/** Whether a panel is in the window, or near it. */
export const Visible = createContext(true);

/** Without changes, the period of a panel moves on at this pace. */
const IDLE_MS = 30_000;

/**
 * A number that grows when rows of the table have changed, at most once every `pace` milliseconds. A panel that
 * nobody sees asks nothing.
 */
export function useChanges(table: string, pace: number): number {
  const [asked, setAsked] = useState(0);
  const changed = useRef(false);
  const isVisible = useContext(Visible);

  useEffect(() => {
    const subscription = client.subscribe(table, {
      limit: 1,
      onChange: () => {
        changed.current = true;
      },
    });
    return () => subscription.close();
  }, [table]);

  useEffect(() => {
    if (!isVisible) return;
    let waited = 0;
    const timer = setInterval(() => {
      waited += pace;
      if (document.hidden || (!changed.current && waited < IDLE_MS)) return;
      changed.current = false;
      waited = 0;
      setAsked((before) => before + 1);
    }, pace);
    return () => clearInterval(timer);
  }, [pace, isVisible]);

  return asked;
}
