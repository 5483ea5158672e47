// The routes of alerts.
import { useQuery } from '@tanstack/react-query';
import type { components } from '../api/schema';
import { BASE, get, send } from '../explore/api';

type Schemas = components['schemas'];

export type Rule = Schemas['AlertRule'];
export type AlertInfo = Schemas['AlertInfo'];
export type Delivery = Schemas['AlertDelivery'];
export type Transition = Schemas['AlertTransition'];
export type TestOutcome = Schemas['AlertTest'];

/** A rule, and the tag that a change of it must name. */
export interface KeptRule {
  rule: Rule;
  etag: string;
}

const REFRESH_MS = 5_000;

export function useAlerts() {
  return useQuery({
    queryKey: ['alerts'],
    queryFn: async ({ signal }) => (await get(address(), signal)) as Schemas['AlertList'],
    refetchInterval: REFRESH_MS,
    retry: false,
  });
}

export function useHistory(name: string) {
  return useQuery({
    queryKey: ['alert-history', name],
    queryFn: async ({ signal }) => (await get(address(name, '/history'), signal)) as Schemas['AlertHistory'],
    refetchInterval: REFRESH_MS,
  });
}

export async function fetchRule(name: string, signal?: AbortSignal): Promise<KeptRule> {
  const init = { headers: { accept: 'application/json' }, ...(signal && { signal }) };
  const response = await send(address(name), init);
  return { rule: (await response.json()) as Rule, etag: response.headers.get('etag') ?? '' };
}

/** Saves a rule: over the one with this tag, or, with null, under a name that is free. */
export async function saveRule(name: string, rule: Rule, etag: string | null): Promise<void> {
  await send(address(name), {
    method: 'PUT',
    headers: {
      'content-type': 'application/json',
      ...(etag ? { 'if-match': etag } : { 'if-none-match': '*' }),
    },
    body: JSON.stringify(rule),
  });
}

export async function deleteRule(name: string, etag: string): Promise<void> {
  await send(address(name), { method: 'DELETE', headers: { 'if-match': etag } });
}

export async function testRule(name: string): Promise<TestOutcome> {
  const response = await send(address(name, '/test'), { method: 'POST' });
  return (await response.json()) as TestOutcome;
}

function address(name?: string, below = ''): URL {
  return new URL(name === undefined ? 'alerts' : `alerts/${encodeURIComponent(name)}${below}`, BASE);
}
