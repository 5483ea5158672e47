// The settings with which a job runs.
import { formatSpan } from './format';
import { useJob } from './JobPage';
import { Pending } from './Pending';
import { usePolled } from './queries';
import { Settings } from './Settings';
import type { JobConfig } from './types';

type CheckpointConfig = Record<string, unknown> & {
  mode: string;
  interval: number;
  timeout: number;
  min_pause: number;
  unaligned_checkpoints: boolean;
};

export function ConfigurationTab() {
  const job = useJob();
  const { data, error } = usePolled<JobConfig>(`jobs/${job.jid}/config`, { everyMs: false });
  const { data: checkpoints } = usePolled<CheckpointConfig>(`jobs/${job.jid}/checkpoints/config`, {
    everyMs: false,
  });
  if (!data) return <Pending what="Configuration" error={error} />;

  const { 'user-config': user, ...execution } = data['execution-config'];
  return (
    <>
      <Settings
        title="Settings of the script"
        settings={Object.entries(user).map(([key, value]) => ({ key, value }))}
      />
      <Settings
        title="Execution"
        settings={[
          { key: 'parallelism', value: String(execution['job-parallelism']) },
          { key: 'restart strategy', value: execution['restart-strategy'] },
        ]}
      />
      {checkpoints && (
        <Settings
          title="Checkpoints"
          settings={[
            { key: 'guarantee', value: checkpoints.mode.replaceAll('_', ' ') },
            { key: 'interval', value: formatSpan(checkpoints.interval) },
            { key: 'timeout', value: formatSpan(checkpoints.timeout) },
            { key: 'least pause', value: formatSpan(checkpoints.min_pause) },
            { key: 'unaligned', value: checkpoints.unaligned_checkpoints ? 'yes' : 'no' },
          ]}
        />
      )}
    </>
  );
}
