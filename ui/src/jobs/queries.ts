// What the pages ask for. Answers are asked for again every few seconds; not while the tab is hidden.
import { type UseQueryResult, useQueries, useQuery, useQueryClient } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import { currentReach, get, getText, type Reach, Refused, subscribeReach } from './api';
import { LOAD_METRICS, type Load, loadOf } from './plan';
import { RateMeter } from './rates';
import type { Aggregated, Figures, Job, JobLine } from './types';

export const REFRESH_MS = 2_000;

/** States from which a job does not come back. */
const OVER = ['FINISHED', 'CANCELED', 'FAILED'];

export function isOver(state: string): boolean {
  return OVER.includes(state);
}

export function useReach(): Reach {
  return useSyncExternalStore(subscribeReach, currentReach);
}

/** Why figures that are on the page are not refreshed, if the server refuses to give new ones. */
export function useRefusal(): string | null {
  const cache = useQueryClient().getQueryCache();
  const refusal = () => {
    const refused = cache
      .findAll({ type: 'active' })
      .find(({ state }) => state.error instanceof Refused && state.data !== undefined);
    return refused?.state.error?.message ?? null;
  };
  return useSyncExternalStore((listener) => cache.subscribe(listener), refusal);
}

export interface Polling {
  everyMs?: number | false;
  enabled?: boolean;
}

/** The answer of a route, kept fresh. What was answered last stays while the server is away. */
export function usePolled<T>(path: string, { everyMs = REFRESH_MS, enabled = true }: Polling = {}) {
  return useQuery({
    queryKey: [path],
    queryFn: ({ signal }) => get<T>(path, signal),
    refetchInterval: everyMs,
    enabled,
  });
}

/** The same for a route that answers with text. */
export function usePolledText(path: string, everyMs: number | false) {
  return useQuery({
    queryKey: [path],
    queryFn: ({ signal }) => getText(path, signal),
    refetchInterval: everyMs,
  });
}

export function useJobs() {
  return usePolled<{ jobs: JobLine[] }>('jobs/overview');
}

export interface Observed extends Figures {
  /** Records per second that the sources read; null while unknown. */
  rate: number | null;
}

const meters = new Map<string, RateMeter>();

async function observe(job: string, signal: AbortSignal): Promise<Observed> {
  const figures = await get<Figures>(`weir/jobs/${job}`, signal);
  let meter = meters.get(job);
  if (!meter) {
    meter = new RateMeter();
    meters.set(job, meter);
  }
  return { ...figures, rate: meter.add(performance.now(), figures.ledger.accepted) };
}

function observation(job: JobLine) {
  return {
    // The figures of a job that is over change only with its state.
    queryKey: ['figures', job.jid, isOver(job.state) && job['last-modification']],
    queryFn: ({ signal }: { signal: AbortSignal }) => observe(job.jid, signal),
    refetchInterval: isOver(job.state) ? (false as const) : REFRESH_MS,
    staleTime: isOver(job.state) ? Number.POSITIVE_INFINITY : 0,
  };
}

/** Figures by job, of those that may have a problem: running and failed ones. */
export function useFigures(jobs: JobLine[]): Map<string, Observed> {
  const asked = jobs.filter(({ state }) => !isOver(state) || state === 'FAILED');
  const answers: UseQueryResult<Observed>[] = useQueries({ queries: asked.map(observation) });
  return new Map(
    asked.flatMap(({ jid }, index) => {
      const data = answers[index]?.data;
      return data ? [[jid, data] as const] : [];
    }),
  );
}

export function useObserved(job: Job | undefined) {
  const state = job?.state ?? '';
  return useQuery({
    queryKey: ['figures', job?.jid, isOver(state) && state],
    queryFn: ({ signal }) => observe(job?.jid ?? '', signal),
    refetchInterval: isOver(state) ? false : REFRESH_MS,
    enabled: job !== undefined,
    // The figures of a job that has just ended; never those of another job.
    placeholderData: (before, query) => (query?.queryKey[1] === job?.jid ? before : undefined),
  });
}

/** What each vertex of a job does per second. */
export function useLoads(job: Job) {
  return useQuery({
    queryKey: ['loads', job.jid],
    queryFn: async ({ signal }): Promise<Map<string, Load>> => {
      const load = async (vertex: string) => {
        const path = `jobs/${job.jid}/vertices/${vertex}/subtasks/metrics?get=${LOAD_METRICS}`;
        return [vertex, loadOf(await get<Aggregated[]>(path, signal))] as const;
      };
      return new Map(await Promise.all(job.vertices.map(({ id }) => load(id))));
    },
    refetchInterval: isOver(job.state) ? false : REFRESH_MS,
  });
}
