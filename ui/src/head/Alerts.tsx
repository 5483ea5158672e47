// The alerts that fire, a line each, on every page of results.
import { useQuery } from '@tanstack/react-query';
import type { components } from '../api/schema';
import { BASE, get } from '../explore/api';
import { sentence } from './alert';

const REFRESH_MS = 10_000;
export function Alerts({ timeZone }: { timeZone: string | null }) {
  const { data } = useQuery({
    queryKey: ['alerts'],
    queryFn: async ({ signal }) =>
      (await get(new URL('alerts', BASE), signal)) as components['schemas']['AlertList'],
    refetchInterval: REFRESH_MS,
    retry: false,
  });
  const firing = (data?.alerts ?? []).filter(({ firing_count }) => firing_count > 0);
  return firing.map((alert) => <p key={alert.name}>{sentence(alert, timeZone)}</p>);
}
