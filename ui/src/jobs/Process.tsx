// The tabs that task managers and the job manager have: metrics, logs and threads of a process.
import { useState } from 'react';
import { locale, t } from '../i18n';
import { BASE } from './api';
import { formatMetric } from './format';
import { Pending } from './Pending';
import { usePolled, usePolledText } from './queries';
import { Settings } from './Settings';
import type { Metric } from './types';

const LOG_REFRESH_MS = 5_000;

const tenths = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });

export function ProcessMetrics({ path }: { path: string }) {
  const { data: names, error } = usePolled<Metric[]>(`${path}/metrics`, { everyMs: 30_000 });
  const asked = names?.map(({ id }) => id).join(',') ?? '';
  const { data } = usePolled<Metric[]>(`${path}/metrics?get=${encodeURIComponent(asked)}`, {
    enabled: asked !== '',
  });
  if (!names) return <Pending what={t('Metrics')} error={error} />;
  const settings = (data ?? []).map(({ id, value }) => ({ key: id, value: metricText(id, Number(value)) }));
  return <Settings title={t('Metrics')} settings={settings} />;
}

function metricText(name: string, value: number): string {
  if (/Load$/.test(name)) return t('{{percent}} %', { percent: tenths.format(value * 100) });
  // Flink gives the time of the CPU in nanoseconds.
  if (/CPU\.Time$/.test(name)) return formatMetric('duration', value / 1e6);
  return /Memory/.test(name) ? formatMetric('bytes', value) : formatMetric(name, value);
}

interface LogProps {
  title: string;
  path: string;
  /** What it means that there is no text. */
  empty: string;
}

/** A text that grows at its end, the newest lines first in sight. */
export function Log({ title, path, empty }: LogProps) {
  const { data, error } = usePolledText(path, LOG_REFRESH_MS);
  const [sought, setSought] = useState('');
  if (data === undefined) return <Pending what={title} error={error} />;

  const words = sought.trim().toLowerCase();
  const lines = data.split('\n').filter((line) => line !== '' && line.toLowerCase().includes(words));
  return (
    <section className="jobs-section" aria-label={title}>
      <div className="jobs-title">
        <h2>{title}</h2>
        <span className="jobs-quiet">{t('the newest line first')}</span>
        <a href={new URL(path, BASE).href} download={`${path.split('/').at(-1)}.txt`}>
          {t('Download')}
        </a>
        <input
          type="search"
          aria-label={t('Search {{title}}', { title })}
          placeholder={t('Search lines')}
          value={sought}
          onChange={(event) => setSought(event.target.value)}
        />
      </div>
      {lines.length === 0 ? (
        <p className="jobs-note">{data === '' ? empty : t('No line contains “{{sought}}”.', { sought })}</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard.
        <section className="jobs-log" tabIndex={0} aria-label={t('Lines of {{title}}', { title })}>
          {lines.reverse().join('\n')}
        </section>
      )}
    </section>
  );
}

interface ThreadDump {
  threadInfos: { threadName: string; stringifiedThreadInfo: string }[];
}

export function Threads({ path }: { path: string }) {
  const { data, error } = usePolled<ThreadDump>(`${path}/thread-dump`, { everyMs: LOG_REFRESH_MS });
  if (!data) return <Pending what={t('Threads')} error={error} />;
  return (
    <section className="jobs-section" aria-label={t('Threads')}>
      <h2>{t('{{threads}} threads', { threads: data.threadInfos.length })}</h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard. */}
      <section className="jobs-log" tabIndex={0} aria-label={t('Thread dump')}>
        {data.threadInfos.map(({ stringifiedThreadInfo }) => stringifiedThreadInfo.trim()).join('\n')}
      </section>
    </section>
  );
}
