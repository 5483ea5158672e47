// How Weir works at the moment, asked every few seconds.
import { useQuery } from '@tanstack/react-query';
import type { components } from '../api/schema';
import { BASE, get } from './api';

export type Pulse = components['schemas']['PulseView'];

const REFRESH_MS = 5_000;

export function usePulse() {
  return useQuery({
    queryKey: ['pulse'],
    queryFn: async ({ signal }) => (await get(new URL('pulse', BASE), signal)) as Pulse,
    refetchInterval: REFRESH_MS,
    retry: false,
  });
}

/** What the head says beside the name of the page. */
export type Currency = 'connecting' | 'live' | 'reconnecting' | 'degraded';

/** How current the figures are: an open connection alone does not make them so. */
export function currencyOf(connection: Exclude<Currency, 'degraded'>, pulse: Pulse | undefined): Currency {
  if (connection !== 'live' || !pulse) return connection;
  return pulse.store.ok && pulse.log.ok && pulse.jobs.ok ? 'live' : 'degraded';
}
