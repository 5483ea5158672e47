// Requests to the job manager, relative to the page, and whether it is reachable.
import { t } from '../i18n';
import { wordsOf } from './words';

/** The directory of the job manager's routes. Vite serves the page below it while the page is developed. */
export const BASE = import.meta.env.DEV
  ? new URL('/', location.href).href
  : new URL('.', document.baseURI).href;

/** A server that stands still is as unreachable as one that is away. */
const TIMEOUT_MS = 10_000;

/** Why a request was refused, in the server's words. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** The server gave no answer, or one of a proxy in front of it. */
export class Unreachable extends Error {}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await ask(path, { signal })).json() as Promise<T>;
}

export async function getText(path: string, signal?: AbortSignal): Promise<string> {
  return (await ask(path, { signal })).text();
}

/** Requests a change. A change that takes long needs a time limit of its own. */
export async function act<T>(
  method: 'DELETE' | 'PATCH' | 'POST',
  path: string,
  body?: unknown,
  timeoutMs = TIMEOUT_MS,
): Promise<T> {
  const headers = { 'content-type': 'application/json' };
  const response = await ask(path, {
    method,
    ...(body !== undefined && { headers, body: JSON.stringify(body) }),
    timeoutMs,
  });
  return response.json() as Promise<T>;
}

async function ask(
  path: string,
  {
    signal,
    timeoutMs = TIMEOUT_MS,
    ...init
  }: Omit<RequestInit, 'signal'> & { signal?: AbortSignal | undefined; timeoutMs?: number },
) {
  const timeout = AbortSignal.timeout(timeoutMs);
  let response: Response;
  try {
    response = await fetch(new URL(path, BASE), {
      ...init,
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
  } catch (error) {
    // The page itself gave the question up, and learns nothing about the server.
    if (signal?.aborted) throw error;
    setReached(false);
    throw new Unreachable(t('the job manager does not answer'));
  }

  if (response.ok) {
    setReached(true);
    return response;
  }
  if (response.status === 401) {
    const login = new URL('login', BASE);
    login.searchParams.set('to', location.pathname + location.search + location.hash);
    location.assign(login);
  }
  const body: unknown = await response.json().catch(() => null);
  const said = wordsOf(body);
  if (said === null && response.status >= 502) {
    setReached(false);
    throw new Unreachable(
      t('a proxy answers with {{status}} instead of the job manager', { status: response.status }),
    );
  }
  setReached(true);
  throw new Refused(
    response.status,
    said ?? t('the job manager answered with {{status}}', { status: response.status }),
  );
}

export interface Reach {
  /** When the server stopped answering; null while it answers. */
  lostAt: number | null;
  /** When it answered last. */
  answeredAt: number | null;
}

let reach: Reach = { lostAt: null, answeredAt: null };
const listeners = new Set<() => void>();

export function currentReach(): Reach {
  return reach;
}

export function subscribeReach(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function setReached(isReached: boolean): void {
  const now = Date.now();
  const before = reach;
  reach = isReached ? { lostAt: null, answeredAt: now } : { ...before, lostAt: before.lostAt ?? now };
  // The moment of the last answer is read when something else changes.
  if (before.lostAt !== reach.lostAt || before.answeredAt === null) {
    for (const listener of listeners) listener();
  }
}
