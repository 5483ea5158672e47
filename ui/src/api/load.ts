// Over HTTP: what the snapshot leaves out.
import { decodeRows } from './decode';
import type { LoadedKey } from './state';
import type { Store } from './store';

const ROUTES: Record<LoadedKey, string> = {
  timeseriesMinute: 'analytics/redis/timeseries?granularity=minute&days=1',
  timeseriesHour: 'analytics/redis/timeseries?granularity=hour&days=7',
  timeseriesDay: 'analytics/redis/timeseries?granularity=day&days=30',
  hourlyHeatmap: 'analytics/redis/hourly-heatmap',
};

const ATTEMPTS = 3;
const PAUSE_MS = 2_000;

/** Asks for all of them; an answer that does not come is left to the updates. */
export function loadAll(store: Store, base: string, signal: AbortSignal): void {
  for (const key of Object.keys(ROUTES) as LoadedKey[]) void load(store, key, base, signal);
}

async function load(store: Store, key: LoadedKey, base: string, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; attempt <= ATTEMPTS && !signal.aborted; attempt++) {
    const revision = store.current().revisions[key] ?? 0;
    const rows = await fetchRows(key, new URL(ROUTES[key], base), signal);
    if (signal.aborted) return;
    if (rows) {
      store.dispatch({ type: 'loaded', key, rows, revision } as Parameters<Store['dispatch']>[0]);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

async function fetchRows(key: LoadedKey, url: URL, signal: AbortSignal) {
  try {
    const response = await fetch(url, { signal });
    return response.ok ? decodeRows(key, await response.json()) : null;
  } catch {
    return null;
  }
}
