// Answers to a panel's questions. The answer before stays until the next is there, so that nothing blinks.
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { fetchRows, type Row, type Table } from '../explore/api';
import { client } from '../explore/live';

export interface Answer {
  /** Undefined while the first answer has not come. */
  rows: Row[] | undefined;
  error: Error | null;
}

/** Asks a table; `query` null asks nothing. */
export function useAnswer(table: Table, query: URLSearchParams | null, asked: number): Answer {
  const text = query?.toString() ?? '';
  const { data, error } = useQuery({
    queryKey: ['answer', table.name, text, asked],
    queryFn: ({ signal }) => fetchRows(table.name, new URLSearchParams(text), signal),
    enabled: query !== null,
    placeholderData: keepPreviousData,
  });
  return { rows: data?.rows, error };
}

/** Without changes, the period of a panel moves on at this pace. */
const IDLE_MS = 30_000;

/**
 * A number that grows when rows of the table have changed, at most once every `pace` milliseconds. A hidden page asks
 * nothing.
 */
export function useChanges(table: string, pace: number): number {
  const [asked, setAsked] = useState(0);
  const changed = useRef(false);

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
    let waited = 0;
    const timer = setInterval(() => {
      waited += pace;
      if (document.hidden || (!changed.current && waited < IDLE_MS)) return;
      changed.current = false;
      waited = 0;
      setAsked((before) => before + 1);
    }, pace);
    return () => clearInterval(timer);
  }, [pace]);

  return asked;
}
