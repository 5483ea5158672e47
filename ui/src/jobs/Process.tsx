// The tabs that task managers and the job manager have: metrics, logs and threads of a process.
import { useState } from 'react';
import { BASE } from './api';
import { formatMetric } from './format';
import { Pending } from './Pending';
import { usePolled, usePolledText } from './queries';
import { Settings } from './Settings';
import type { Metric } from './types';

const LOG_REFRESH_MS = 5_000;

export function ProcessMetrics({ path }: { path: string }) {
  const { data: names, error } = usePolled<Metric[]>(`${path}/metrics`, { everyMs: 30_000 });
  const asked = names?.map(({ id }) => id).join(',') ?? '';
  const { data } = usePolled<Metric[]>(`${path}/metrics?get=${encodeURIComponent(asked)}`, {
    enabled: asked !== '',
  });
  if (!names) return <Pending what="Metrics" error={error} />;
  const settings = (data ?? []).map(({ id, value }) => ({ key: id, value: metricText(id, Number(value)) }));
  return <Settings title="Metrics" settings={settings} />;
}

function metricText(name: string, value: number): string {
  if (/Load$/.test(name)) return `${(value * 100).toFixed(1)} %`;
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
        <span className="jobs-quiet">the newest line first</span>
        <a href={new URL(path, BASE).href} download={`${title.toLowerCase().replaceAll(' ', '-')}.txt`}>
          Download
        </a>
        <input
          type="search"
          aria-label={`Search ${title}`}
          placeholder="Search lines"
          value={sought}
          onChange={(event) => setSought(event.target.value)}
        />
      </div>
      {lines.length === 0 ? (
        <p className="jobs-note">{data === '' ? empty : `No line contains “${sought}”.`}</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard.
        <section className="jobs-log" tabIndex={0} aria-label={`Lines of ${title}`}>
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
  if (!data) return <Pending what="Threads" error={error} />;
  return (
    <section className="jobs-section" aria-label="Threads">
      <h2>{data.threadInfos.length} threads</h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard. */}
      <section className="jobs-log" tabIndex={0} aria-label="Thread dump">
        {data.threadInfos.map(({ stringifiedThreadInfo }) => stringifiedThreadInfo.trim()).join('\n')}
      </section>
    </section>
  );
}
