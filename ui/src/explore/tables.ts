// The result tables, as all pages know them.
import { useQuery } from '@tanstack/react-query';
import { setDataZone } from '../format/zone';
import { fetchTables } from './api';

const REFRESH_MS = 5_000;

export function useTables() {
  return useQuery({
    queryKey: ['tables'],
    queryFn: async ({ signal }) => {
      const tables = await fetchTables(signal);
      // Before the first time is drawn.
      setDataZone(tables.time_zone);
      return tables;
    },
    refetchInterval: REFRESH_MS,
  });
}
