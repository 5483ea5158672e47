// How current the figures of a page are, from its connection and from the last answer of the server.
import type { Pulse } from './pulse';

/** Age of the last answer from which on a page is stale, though its connection is open. */
export const STALE_MS = 12_000;

/** What the head says beside the name of the page. */
export type Currency = 'connecting' | 'live' | 'stale' | 'reconnecting' | 'loading' | 'stopped' | 'degraded';

/**
 * How current the figures are: an open connection alone does not make them so. `age` is that of the last answer, in
 * milliseconds.
 */
export function currencyOf(
  connection: 'connecting' | 'live' | 'reconnecting',
  pulse: Pulse | undefined,
  age: number,
): Currency {
  if (connection !== 'live' || !pulse) return connection;
  if (age > STALE_MS) return 'stale';
  if (!pulse.jobs.ok) return 'stopped';
  if (!pulse.store.ok || !pulse.log.ok) return 'degraded';
  return pulse.results.ok ? 'live' : 'loading';
}
