// How Weir works at the moment, asked every few seconds.
import { useQuery } from '@tanstack/react-query';
import { takeInlined } from '../api/inlined';
import type { components } from '../api/schema';
import { BASE, get } from '../explore/api';

export type Pulse = components['schemas']['PulseView'];

const REFRESH_MS = 5_000;
/** How long an answer may take. */
const PATIENCE_MS = 4_000;

export function usePulse() {
  return useQuery({
    queryKey: ['pulse'],
    queryFn: async ({ signal }) => {
      // A server that stands still keeps its connections open and does not answer.
      const either = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
      return (await get(new URL('pulse', BASE), either)) as Pulse;
    },
    initialData: () => takeInlined('pulse')?.body as Pulse | undefined,
    refetchInterval: REFRESH_MS,
    // A hidden page need not know, and asks when it is seen again.
    refetchOnWindowFocus: true,
    retry: false,
  });
}
