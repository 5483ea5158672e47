// The list of dashboards, as all pages know it.
import { useQuery } from '@tanstack/react-query';
import { fetchDashboards } from './api';

export function useDashboards() {
  return useQuery({ queryKey: ['dashboards'], queryFn: ({ signal }) => fetchDashboards(signal) });
}
