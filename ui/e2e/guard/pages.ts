// What the tests of the pages of jobs have in common: jobs to show, and where to find things on a page.
import { type APIRequestContext, expect, type Page } from '@playwright/test';
import type { Weir } from './weir';

/** The job that runs from the start. */
export const BUILT_IN = 'Query Analytics Streaming';

/** A job of two vertices, with two subtasks each. */
export const COUNTS = `
SET 'parallelism.default' = '2';
CREATE TABLE q (query_id STRING, query_text STRING, ts TIMESTAMP_LTZ(3) NOT NULL METADATA FROM 'timestamp' VIRTUAL, WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'user-queries', 'properties.bootstrap.servers' = 'embedded',
      'scan.startup.mode' = 'earliest-offset', 'format' = 'json');
CREATE TABLE n (query_text STRING, queries BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO n SELECT query_text, COUNT(*) FROM TABLE(TUMBLE(TABLE q, DESCRIPTOR(ts), INTERVAL '1' SECOND))
GROUP BY window_start, window_end, query_text;`;

/** A job that fails at its first record, whose text is no number. */
export const FAILS = `
CREATE TABLE q (query_text STRING) WITH ('connector' = 'kafka', 'topic' = 'user-queries', 'properties.bootstrap.servers' = 'embedded',
      'scan.startup.mode' = 'earliest-offset', 'format' = 'json');
CREATE TABLE n (number INT) WITH ('connector' = 'blackhole');
INSERT INTO n SELECT CAST(query_text AS INT) FROM q;`;

export async function submit(
  request: APIRequestContext,
  weir: Weir,
  name: string,
  script: string,
): Promise<string> {
  const submitted = await request.post(`${weir.jobs}/weir/jobs?name=${encodeURIComponent(name)}`, {
    headers: { 'content-type': 'text/plain' },
    data: script,
  });
  return (await submitted.json()).jobid;
}

export async function send(request: APIRequestContext, weir: Weir, count: number): Promise<void> {
  const timestamp = new Date().toISOString();
  const events = Array.from({ length: count }, (_, number) =>
    JSON.stringify({ query_id: `${timestamp}-${number}`, query_text: `question ${number % 7}`, timestamp }),
  );
  const sent = await request.post(`${weir.http}/events`, {
    headers: { 'content-type': 'application/x-ndjson' },
    data: events.join('\n'),
  });
  expect(sent.status()).toBe(202);
}

export async function statusOf(request: APIRequestContext, weir: Weir, job: string): Promise<string> {
  return (await (await request.get(`${weir.jobs}/jobs/${job}/status`)).json()).status;
}

export async function idOf(request: APIRequestContext, weir: Weir, name: string): Promise<string> {
  const { jobs } = await (await request.get(`${weir.jobs}/jobs/overview`)).json();
  return jobs.find((job: { name: string }) => job.name === name).jid;
}

/** The row of a table whose header begins with a text, or is a single letter. */
export function row(page: Page, table: string, header: string) {
  const name = new RegExp(
    `^${header.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}${header.length === 1 ? '$' : ''}`,
  );
  return page
    .getByRole('table', { name: table, exact: true })
    .getByRole('row')
    .filter({ has: page.getByRole('rowheader', { name }) });
}

export async function expectNoOverflow(page: Page, what: string): Promise<void> {
  const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  await expect.poll(overflow, what).toBeLessThanOrEqual(0);
}
