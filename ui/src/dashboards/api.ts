// The routes of dashboards.
import { takeInlined } from '../api/inlined';
import type { components } from '../api/schema';
import { BASE, send } from '../explore/api';
import type { Dashboard } from './document';

export type DashboardInfo = components['schemas']['DashboardInfo'];

/** A document, and the tag that a change of it must name. */
export interface Kept {
  document: Dashboard;
  etag: string;
}

export async function fetchDashboards(signal: AbortSignal): Promise<DashboardInfo[]> {
  const response = await send(address(), { signal });
  return ((await response.json()) as components['schemas']['DashboardList']).dashboards;
}

/** The dashboard that came with the page. */
export function inlinedDashboard(name: string): Kept | undefined {
  const inlined = takeInlined(`dashboards/${encodeURIComponent(name)}`);
  return inlined?.etag ? { document: inlined.body as Dashboard, etag: inlined.etag } : undefined;
}

export async function fetchDashboard(name: string, signal?: AbortSignal): Promise<Kept> {
  const response = await send(address(name), signal ? { signal } : {});
  return { document: (await response.json()) as Dashboard, etag: response.headers.get('etag') ?? '' };
}

/** Saves a document: over the one with this tag, or, with null, under a name that is free. Returns its tag. */
export async function saveDashboard(name: string, document: Dashboard, etag: string | null): Promise<string> {
  const response = await send(address(name), {
    method: 'PUT',
    headers: {
      'content-type': 'application/json',
      ...(etag ? { 'if-match': etag } : { 'if-none-match': '*' }),
    },
    body: JSON.stringify(document),
  });
  return response.headers.get('etag') ?? '';
}

export async function deleteDashboard(name: string, etag: string): Promise<void> {
  await send(address(name), { method: 'DELETE', headers: { 'if-match': etag } });
}

function address(name?: string): URL {
  return new URL(name === undefined ? 'dashboards' : `dashboards/${encodeURIComponent(name)}`, BASE);
}
