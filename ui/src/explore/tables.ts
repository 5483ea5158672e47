// The result tables, as all pages know them.
import { useQuery } from '@tanstack/react-query';
import { takeInlined } from '../api/inlined';
import { setDataZone } from '../format/zone';
import { fetchTables, type Tables } from './api';

const REFRESH_MS = 5_000;

export function useTables() {
  return useQuery({
    queryKey: ['tables'],
    queryFn: async ({ signal }) => {
      return known(await fetchTables(signal));
    },
    initialData: () => {
      const inlined = takeInlined('results');
      return inlined && known(inlined.body as Tables);
    },
    refetchInterval: REFRESH_MS,
  });
}

/** Takes over the zone of the data, before the first time is drawn. */
function known(tables: Tables): Tables {
  setDataZone(tables.time_zone);
  return tables;
}
