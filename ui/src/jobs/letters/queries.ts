// What the page of dead letters asks for.
import { useQuery } from '@tanstack/react-query';
import { get } from '../api';
import { searchOf } from '../search';

export interface Letter {
  id: string;
  table: string;
  topic: string;
  partition: number;
  offset: number;
  /** Times of the original record and of the dead letter, in milliseconds since 1970. */
  appended: number;
  time: number;
  reason: string;
  job: string;
  job_id: string;
  queries?: string[];
  counted_elsewhere?: boolean;
  cut?: { bytes: number };
  replayed: boolean;
  key: string | null;
  headers: { name: string; value: string | null }[];
  body: string;
  body_base64?: string;
  body_bytes: number;
}

export interface Letters {
  letters: Letter[];
  next: string | null;
}

export interface LetterCounts {
  total: number;
  open: number;
  reasons: { reason: string; count: number; open: number }[];
  jobs: { job: string; count: number; open: number }[];
  every_ms: number;
  buckets: { start_ms: number; reason: string; count: number }[];
}

/** Outcome of a replay, or of its dry run. */
export interface Replayed {
  replayed: string[];
  left: { id: string; reason: string }[];
}

export interface LetterFilter {
  reason?: string | undefined;
  job?: string | undefined;
}

export const PAGE_SIZE = 50;
const PREVIEW_BYTES = 160;
const REFRESH_MS = 5_000;

/** Each answer reads all dead letters: where that takes long, the next question waits longer. */
const WAIT_FACTOR = 20;

function usePatient<T>(path: string, isKept: boolean) {
  return useQuery({
    queryKey: [path],
    queryFn: async ({ signal }) => {
      const began = performance.now();
      const answer = await get<T>(path, signal);
      return { answer, took: performance.now() - began };
    },
    refetchInterval: ({ state }) =>
      isKept ? false : Math.max(REFRESH_MS, WAIT_FACTOR * (state.data?.took ?? 0)),
    placeholderData: (before) => before,
    select: ({ answer }) => answer,
  });
}

/** One page, newest last, as the route answers it. `before` is the `next` of the page after it. */
export function useLetters(filter: LetterFilter, before: string | undefined) {
  const search = searchOf({ ...filter, before, limit: PAGE_SIZE, body_bytes: PREVIEW_BYTES });
  return usePatient<Letters>(`weir/dead-letters${search}`, before !== undefined);
}

export function useLetterCounts(filter: LetterFilter) {
  return usePatient<LetterCounts>(`weir/dead-letters/counts${searchOf({ ...filter })}`, false);
}

export function useLetter(id: string) {
  return useQuery({
    queryKey: ['letter', id],
    queryFn: ({ signal }) => get<Letter>(`weir/dead-letters/${encodeURIComponent(id)}`, signal),
  });
}
