// The savepoints and checkpoints that the jobs of this Weir have written.
import { useQuery } from '@tanstack/react-query';
import { get } from '../api';
import type { Checkpoints, JobLine } from '../types';

export interface Snapshot {
  path: string;
  job: string;
  at: number;
  isSavepoint: boolean;
}

export function useSnapshots() {
  return useQuery({
    queryKey: ['snapshots'],
    queryFn: async ({ signal }): Promise<Snapshot[]> => {
      const { jobs } = await get<{ jobs: JobLine[] }>('jobs/overview', signal);
      const of = async ({ jid, name }: JobLine) => {
        // A query has no checkpoints.
        const checkpoints = await get<Checkpoints>(`jobs/${jid}/checkpoints`, signal).catch(() => null);
        return checkpoints ? snapshotsOf(name, checkpoints) : [];
      };
      const all = (await Promise.all(jobs.map(of))).flat();
      return all.toSorted((a, b) => b.at - a.at);
    },
  });
}

/** The snapshots of a job that are on the disk, savepoints and the newest checkpoints. */
export function snapshotsOf(job: string, { history, latest }: Checkpoints): Snapshot[] {
  const known = [...history, latest.savepoint, latest.completed].filter((of) => of !== null);
  const paths = new Map<string, Snapshot>();
  for (const {
    status,
    discarded,
    external_path: path,
    is_savepoint: isSavepoint,
    trigger_timestamp: at,
  } of known) {
    if (status !== 'COMPLETED' || discarded || !path?.includes('/')) continue;
    paths.set(path, { path, job, at, isSavepoint });
  }
  return [...paths.values()];
}
