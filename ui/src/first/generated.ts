// The generator of events: what it does, and how it is started and removed.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { takeInlined } from '../api/inlined';
import type { components } from '../api/schema';
import { BASE, get, send } from '../explore/api';

export type Generated = components['schemas']['GeneratedState'];

const REFRESH_MS = 10_000;
/** While the past is filled, which takes seconds. */
const FILLING_MS = 1_000;
const ADDRESS = new URL('generated', BASE);

export function useGenerated() {
  return useQuery({
    queryKey: ['generated'],
    queryFn: async ({ signal }) => (await get(ADDRESS, signal)) as Generated,
    initialData: () => takeInlined('generated')?.body as Generated | undefined,
    refetchInterval: ({ state }) => (state.data?.state === 'filling' ? FILLING_MS : REFRESH_MS),
    retry: false,
  });
}

/** Starts the generator (`POST`), or removes all that it made (`DELETE`). */
export function useGenerator(method: 'POST' | 'DELETE') {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async () => (await (await send(ADDRESS, { method })).json()) as Generated,
    onSuccess: async (generated) => {
      queries.setQueryData(['generated'], generated);
      await queries.invalidateQueries({ queryKey: ['tables'] });
    },
  });
}
