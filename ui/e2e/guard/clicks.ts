// A user's own job, which counts clicks on pages, and its events.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@playwright/test';
import type { Weir } from './weir';

export const JOB = `
CREATE TABLE clicks (
  page STRING, city STRING, took_ms DOUBLE, \`timestamp\` TIMESTAMP(3),
  WATERMARK FOR \`timestamp\` AS \`timestamp\` - INTERVAL '1' SECOND
) WITH ('connector' = 'kafka', 'topic' = 'clicks', 'properties.bootstrap.servers' = 'embedded',
        'scan.startup.mode' = 'earliest-offset', 'format' = 'json', 'json.timestamp-format.standard' = 'ISO-8601');
CREATE TABLE page_clicks (page STRING, city STRING, clicks BIGINT, avg_took_ms DOUBLE, window_end TIMESTAMP(3))
WITH ('connector' = 'redis', 'key' = 'clicks:{page}:{city}:{window_end}', 'ttl' = '86400');
INSERT INTO page_clicks
SELECT page, city, COUNT(*), AVG(took_ms), window_end
FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(\`timestamp\`), INTERVAL '10' SECOND))
GROUP BY window_start, window_end, page, city;
`;

/** Starts the job as a user does. */
export function run(weir: Weir, sql: string): void {
  const directory = mkdtempSync(join(tmpdir(), 'weir-job-'));
  writeFileSync(join(directory, 'clicks.sql'), sql);
  const binary = process.env.WEIR_BINARY ?? '';
  execFileSync(binary, ['run', 'clicks.sql', '--jobs-url', weir.jobs], { cwd: directory, stdio: 'pipe' });
  rmSync(directory, { recursive: true });
}

/** Sends clicks that are `seconds` old. */
export async function click(
  weir: Weir,
  clicks: [page: string, city: string, tookMs: number][],
  seconds: number,
) {
  const timestamp = new Date(Date.now() - seconds * 1_000).toISOString().slice(0, -1);
  const lines = clicks.map(([page, city, took_ms], number) =>
    JSON.stringify({ query_id: `${timestamp}-${number}-${page}`, page, city, took_ms, timestamp }),
  );
  const response = await fetch(`${weir.http}/events/clicks`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: lines.join('\n'),
  });
  expect(response.status).toBe(202);
}
