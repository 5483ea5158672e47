// The settings with which a job runs.
import { t } from '../i18n';
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
  if (!data) return <Pending what={t('Configuration')} error={error} />;

  const { 'user-config': user, ...execution } = data['execution-config'];
  return (
    <>
      <Settings
        title={t('Settings of the script')}
        settings={Object.entries(user).map(([key, value]) => ({ key, value }))}
      />
      <Settings
        title={t('Execution')}
        settings={[
          { key: t('parallelism'), value: String(execution['job-parallelism']) },
          { key: t('restart strategy'), value: execution['restart-strategy'] },
        ]}
      />
      {checkpoints && (
        <Settings
          title={t('Checkpoints')}
          settings={[
            { key: t('guarantee'), value: checkpoints.mode.replaceAll('_', ' ') },
            { key: t('interval'), value: formatSpan(checkpoints.interval) },
            { key: t('timeout'), value: formatSpan(checkpoints.timeout) },
            { key: t('least pause'), value: formatSpan(checkpoints.min_pause) },
            { key: t('unaligned'), value: checkpoints.unaligned_checkpoints ? t('yes') : t('no') },
          ]}
        />
      )}
    </>
  );
}
