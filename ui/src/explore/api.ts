// The routes of result tables, typed by the API's description.
import type { components } from '../api/schema';

export type Table = components['schemas']['TableInfo'];
export type Column = Table['columns'][number];

/** A row of an answer: columns, or groups and aggregates. */
export type Row = Record<string, unknown>;

export interface Rows {
  rows: Row[];
  is_complete: boolean;
}

export interface Tables {
  tables: Table[];
  time_zone: string;
}

/** The directory of the server: some pages are at `explore/` and `d/` in it. */
export const BASE = new URL('.', document.baseURI).href.replace(/(explore|d)\/[^/]*$/, '');

/** Why an answer did not come: in the server's words if it gave a reason. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    detail: string,
  ) {
    super(detail);
  }
}

export async function fetchTables(signal: AbortSignal): Promise<Tables> {
  return (await get(new URL('results', BASE), signal)) as Tables;
}

export async function fetchRows(table: string, query: URLSearchParams, signal: AbortSignal): Promise<Rows> {
  return (await get(rowsUrl(table, query), signal)) as Rows;
}

export function rowsUrl(table: string, query: URLSearchParams): URL {
  const url = new URL(`results/${encodeURIComponent(table)}`, BASE);
  url.search = query.toString();
  return url;
}

export async function get(url: URL, signal: AbortSignal): Promise<unknown> {
  const response = await send(url, { signal, headers: { accept: 'application/json' } });
  return response.json();
}

/** Sends a request; a refusal is an error in the server's words. Whoever is not logged in is led to the login page. */
export async function send(url: URL, init: RequestInit): Promise<Response> {
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
