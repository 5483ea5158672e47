// The routes of dashboards.
import type { components } from '../api/schema';
import { BASE, Refused } from '../explore/api';
import type { Dashboard } from './document';

export type DashboardInfo = components['schemas']['DashboardInfo'];

/** A document, and the tag that a change of it must name. */
export interface Kept {
  document: Dashboard;
  etag: string;
}

export async function fetchDashboards(signal: AbortSignal): Promise<DashboardInfo[]> {
  const response = await ask(address(), { signal });
  return ((await response.json()) as components['schemas']['DashboardList']).dashboards;
}

export async function fetchDashboard(name: string, signal?: AbortSignal): Promise<Kept> {
  const response = await ask(address(name), signal ? { signal } : {});
  return { document: (await response.json()) as Dashboard, etag: response.headers.get('etag') ?? '' };
}

/** Saves a document: over the one with this tag, or, with null, under a name that is free. Returns its tag. */
export async function saveDashboard(name: string, document: Dashboard, etag: string | null): Promise<string> {
  const response = await ask(address(name), {
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
  await ask(address(name), { method: 'DELETE', headers: { 'if-match': etag } });
}

function address(name?: string): URL {
  return new URL(name === undefined ? 'dashboards' : `dashboards/${encodeURIComponent(name)}`, BASE);
}

async function ask(url: URL, init: RequestInit): Promise<Response> {
  const response = await fetch(url, init);
  if (response.ok) return response;
  if (response.status === 401) {
    const login = new URL('login', BASE);
    login.searchParams.set('to', location.pathname + location.search);
    location.assign(login);
  }
  const body: unknown = await response.json().catch(() => null);
  const detail = typeof body === 'object' && body !== null && 'detail' in body ? String(body.detail) : '';
  throw new Refused(response.status, detail || `the server answered with ${response.status}`);
}
