// The pages of jobs, against a real job manager: what they show is what its routes answer, and what they do happens.
import { request as ask, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { type APIRequestContext, expect, type Page, test } from '@playwright/test';
import { breaches } from '../axe';
import { startWeir, type Weir } from './weir';

const OUTPUT = fileURLToPath(new URL('../output/', import.meta.url));

const BUILT_IN = 'Query Analytics Streaming';

/** A job of two vertices, with two subtasks each. */
const COUNTS = `
SET 'parallelism.default' = '2';
CREATE TABLE q (query_id STRING, query_text STRING, ts TIMESTAMP_LTZ(3) NOT NULL METADATA FROM 'timestamp' VIRTUAL, WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'user-queries', 'properties.bootstrap.servers' = 'embedded',
      'scan.startup.mode' = 'earliest-offset', 'format' = 'json');
CREATE TABLE n (query_text STRING, queries BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO n SELECT query_text, COUNT(*) FROM TABLE(TUMBLE(TABLE q, DESCRIPTOR(ts), INTERVAL '1' SECOND))
GROUP BY window_start, window_end, query_text;`;

/** A job that fails at its first record, whose text is no number. */
const FAILS = `
CREATE TABLE q (query_text STRING) WITH ('connector' = 'kafka', 'topic' = 'user-queries', 'properties.bootstrap.servers' = 'embedded',
      'scan.startup.mode' = 'earliest-offset', 'format' = 'json');
CREATE TABLE n (number INT) WITH ('connector' = 'blackhole');
INSERT INTO n SELECT CAST(query_text AS INT) FROM q;`;

async function submit(request: APIRequestContext, weir: Weir, name: string, script: string): Promise<string> {
  const submitted = await request.post(`${weir.jobs}/weir/jobs?name=${encodeURIComponent(name)}`, {
    headers: { 'content-type': 'text/plain' },
    data: script,
  });
  return (await submitted.json()).jobid;
}

async function send(request: APIRequestContext, weir: Weir, count: number): Promise<void> {
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

async function statusOf(request: APIRequestContext, weir: Weir, job: string): Promise<string> {
  return (await (await request.get(`${weir.jobs}/jobs/${job}/status`)).json()).status;
}

async function idOf(request: APIRequestContext, weir: Weir, name: string): Promise<string> {
  const { jobs } = await (await request.get(`${weir.jobs}/jobs/overview`)).json();
  return jobs.find((job: { name: string }) => job.name === name).jid;
}

/** The row of a table whose header has a text. */
function row(page: Page, table: string, header: string) {
  return page
    .getByRole('table', { name: table, exact: true })
    .getByRole('row')
    .filter({ has: page.getByRole('rowheader', { name: header, exact: header.length === 1 }) });
}

async function expectNoOverflow(page: Page, what: string): Promise<void> {
  const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  await expect.poll(overflow, what).toBeLessThanOrEqual(0);
}

test('nothing sticks out at any width, and rules of accessibility hold on every page', async ({
  page,
  request,
}) => {
  test.setTimeout(300_000);
  const weir = await startWeir();
  try {
    // A job that is over, with a long name, one of two vertices and one that has failed.
    const long = 'counts-the-queries-of-everybody-in-every-department-of-the-university'.repeat(2);
    const ended = await submit(request, weir, long, COUNTS);
    await request.patch(`${weir.jobs}/jobs/${ended}?mode=cancel`);
    const job = await submit(request, weir, 'counts', COUNTS);
    await send(request, weir, 10);
    const failed = await submit(request, weir, 'fails', FAILS);
    await expect.poll(() => statusOf(request, weir, failed)).toBe('FAILED');
    const details = await (await request.get(`${weir.jobs}/jobs/${job}`)).json();
    const checkpoints = async () => {
      const answer = await (await request.get(`${weir.jobs}/jobs/${job}/checkpoints`)).json();
      return answer.counts.completed;
    };
    await request.post(`${weir.jobs}/jobs/${job}/checkpoints`, { data: {} });
    await expect.poll(checkpoints).toBeGreaterThan(0);

    const pages: [address: string, seen: string | RegExp][] = [
      ['/', 'Recently completed jobs'],
      ['/completed', 'CANCELED'],
      [`/job/${job}/graph`, 'Vertices'],
      [`/job/${job}/graph?vertex=${details.vertices[1].id}`, /operators and subtasks/],
      [`/job/${job}/checkpoints?checkpoint=1`, 'Checkpoint 1 by vertex'],
      [`/job/${job}/configuration`, 'Settings of the script'],
      [`/job/${job}/metrics`, /by subtask, since this page was opened/],
      [`/job/${failed}/exceptions`, /cannot cast/],
      [`/job/${ended}/graph`, 'Vertices'],
      ['/task-managers', 'Last heartbeat'],
      ['/task-managers/weir', 'Slots in use'],
      ['/task-managers/weir?tab=threads', /\d+ threads/],
      ['/job-manager', 'Effective settings'],
      ['/job-manager?tab=log', 'the newest line first'],
      ['/job-manager?tab=stdout', 'Nothing was written'],
      ['/job/0123/graph', 'There is no such job'],
      ['/nowhere', 'There is no such page'],
    ];
    for (const [address, seen] of pages) {
      for (const [width, colorScheme] of [
        [360, 'dark'],
        [1024, 'light'],
        [1920, 'dark'],
      ] as const) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 900 });
        await page.goto(`${weir.jobs}/#${address}`);
        await expect(page.getByText(seen).locator('visible=true').first(), address).toBeVisible();
        await page.screenshot({
          path: `${OUTPUT}jobs${address.replace(/[0-9a-f]{32}|[^a-z]+/g, '-')}-${width}-${colorScheme}.png`,
        });
        await expectNoOverflow(page, `${address} at ${width} px`);
        if (width !== 1920) expect(await breaches(page), `${address} at ${width} px`).toEqual([]);
      }
    }
  } finally {
    await weir.stop();
  }
});

test('the overview and the graph show what the routes answer', async ({ page, request }) => {
  const weir = await startWeir();
  try {
    const job = await submit(request, weir, 'counts', COUNTS);
    await send(request, weir, 500);

    // The content policy blocks nothing that the pages need.
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });

    await page.goto(weir.jobs);
    await expect(row(page, 'Running jobs', BUILT_IN)).toContainText('RUNNING');
    await expect(row(page, 'Running jobs', BUILT_IN)).toContainText('1 of 1');
    await expect(row(page, 'Running jobs', 'counts')).toContainText('4 of 4');
    await expect(row(page, 'Running jobs', 'counts')).toContainText(/\d\/s/);
    const { 'slots-total': slots } = await (await request.get(`${weir.jobs}/overview`)).json();
    await expect(page.getByText(`of ${slots}`, { exact: true })).toBeVisible();

    await page.getByRole('link', { name: 'counts' }).click();
    await expect(page).toHaveURL(new RegExp(`/#/job/${job}/graph$`));
    await expect(page.getByRole('heading', { name: 'counts' })).toBeVisible();

    // Once all events are through, the figures stand still.
    const answer = async () => (await request.get(`${weir.jobs}/jobs/${job}`)).json();
    await expect.poll(async () => (await answer()).vertices[0].metrics['read-records']).toBe(500);
    const { vertices, plan } = await answer();
    expect(vertices).toHaveLength(2);
    const graph = page.getByRole('region', { name: 'Graph' });
    for (const vertex of vertices) {
      const [first] = vertex.name.split(' -> ');
      await expect(graph.getByRole('link', { name: first })).toContainText('Backpressured');
      const figures = row(page, 'Vertices of the job', first);
      await expect(
        figures.getByRole('cell', { name: String(vertex.parallelism), exact: true }),
      ).toBeVisible();
      await expect(figures).toContainText(vertex.status);
      const count = vertex.metrics['read-records'].toLocaleString('en-US');
      await expect(figures.getByRole('cell', { name: count, exact: true })).toBeVisible();
    }
    await expect(graph).toContainText(plan.nodes[1].inputs[0].ship_strategy);

    // A vertex opens by keyboard, and its address can be sent.
    await graph.getByRole('link', { name: 'Source: q' }).focus();
    await page.keyboard.press('Enter');
    await expect(row(page, 'Subtasks of the vertex', '2')).toContainText('RUNNING');
    await page.reload();
    await expect(row(page, 'Subtasks of the vertex', '2')).toContainText('RUNNING');

    await page.getByRole('link', { name: 'Metrics' }).first().click();
    await page.getByRole('combobox', { name: 'Metric' }).selectOption('numRecordsIn');
    await expect(page.getByRole('img', { name: 'numRecordsIn over time' })).toContainText('Subtask 2');
    await expect(row(page, 'numRecordsIn over all subtasks', 'All subtasks')).toContainText('500');
    await page.getByRole('img', { name: 'numRecordsIn over time' }).hover();

    await page.goto(`${weir.jobs}/#/job/${await idOf(request, weir, BUILT_IN)}/graph`);
    await expect(row(page, 'Vertices of the job', 'Source: user_queries')).toContainText('15 sinks');
    expect(complaints).toEqual([]);
  } finally {
    await weir.stop();
  }
});

test('a bottleneck is marked in the graph and told in a sentence', async ({ page, request }) => {
  const weir = await startWeir();
  try {
    const job = await submit(request, weir, 'counts', COUNTS);
    const { vertices } = await (await request.get(`${weir.jobs}/jobs/${job}`)).json();
    // The job is real, its load is not: how fast a vertex works depends on the machine.
    await page.route('**/subtasks/metrics?get=*', (route) => {
      const isSource = route.request().url().includes(vertices[0].id);
      const metric = (id: string, value: number) => ({ id, min: value, max: value, avg: value, sum: value });
      return route.fulfill({
        json: [
          metric('busyTimeMsPerSecond', isSource ? 120 : 980),
          metric('backPressuredTimeMsPerSecond', isSource ? 850 : 0),
        ],
      });
    });

    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await page.goto(`${weir.jobs}/#/job/${job}/graph`);
      await expect(
        page.getByText(
          'GlobalWindowAggregate is the bottleneck: it is busy 98 % of the time, and Source: q waits 85 % of the time',
        ),
      ).toBeVisible();
      const graph = page.getByRole('region', { name: 'Graph' });
      await expect(graph.getByRole('link', { name: 'GlobalWindowAggregate' })).toContainText('Bottleneck');
      await expect(graph.getByRole('link', { name: 'Source: q' })).not.toContainText('Bottleneck');
      await expect(row(page, 'Vertices of the job', 'GlobalWindowAggregate')).toContainText('Bottleneck');
      expect(await breaches(page)).toEqual([]);
    }
  } finally {
    await weir.stop();
  }
});

test('a job is cancelled only after a question, and stopped with a savepoint whose place is told', async ({
  page,
  request,
}) => {
  const weir = await startWeir();
  try {
    const job = await submit(request, weir, 'counts', COUNTS);
    await page.goto(`${weir.jobs}/#/job/${job}/graph`);
    await page.getByRole('button', { name: 'Stop with savepoint' }).click();
    const dialog = page.getByRole('dialog');
    await expect(dialog).toContainText('Stop counts with a savepoint?');
    expect(await breaches(page)).toEqual([]);
    await dialog.getByRole('button', { name: 'Stop job' }).click();
    await expect(dialog).toContainText(/savepoint-\w+/);
    await dialog.getByRole('button', { name: 'Close' }).click();
    await expect(
      page.getByRole('banner').or(page.locator('.jobs-title')).getByText('FINISHED'),
    ).toBeVisible();
    expect(await statusOf(request, weir, job)).toBe('FINISHED');

    await page.goto(`${weir.jobs}/#/`);
    const running = row(page, 'Running jobs', BUILT_IN);
    await running.getByRole('button', { name: `Cancel ${BUILT_IN}` }).click();
    await expect(dialog).toContainText('no savepoint is written');
    await page.keyboard.press('Escape');
    await expect(dialog).toBeHidden();
    const builtIn = await idOf(request, weir, BUILT_IN);
    expect(await statusOf(request, weir, builtIn)).toBe('RUNNING');

    await running.getByRole('button', { name: `Cancel ${BUILT_IN}` }).click();
    await dialog.getByRole('button', { name: 'Cancel job' }).click();
    await expect(page.getByText('No job is running.')).toBeVisible();
    await expect(row(page, 'Recently completed jobs', BUILT_IN)).toContainText('CANCELED');
    expect(await statusOf(request, weir, builtIn)).toBe('CANCELED');

    // An action that comes too late is refused in the server's words.
    const late = await submit(request, weir, 'late', COUNTS);
    await page.goto(`${weir.jobs}/#/job/${late}/graph`);
    await page.getByRole('button', { name: 'Cancel job' }).click();
    await page.route('**/jobs/*?mode=cancel', (route) =>
      route.fulfill({ status: 409, json: { errors: ['The job is already FINISHED.'] } }),
    );
    await dialog.getByRole('button', { name: 'Cancel job' }).click();
    await expect(dialog.getByRole('alert')).toHaveText(
      'The job was not cancelled: The job is already FINISHED.',
    );
  } finally {
    await weir.stop();
  }
});

test('a server that stands still is said to be unreachable, and what was shown stays', async ({ page }) => {
  const weir = await startWeir();
  try {
    await page.goto(weir.jobs);
    await expect(row(page, 'Running jobs', BUILT_IN)).toContainText('RUNNING');
    const status = page.getByRole('banner').getByRole('status');
    await expect(status).toHaveText('Live');

    weir.freeze();
    await expect(page.getByRole('alert')).toContainText(/is not reachable since \d+:\d\d/, {
      timeout: 40_000,
    });
    await expect(status).toHaveText('Not reachable');
    await expect(row(page, 'Running jobs', BUILT_IN)).toContainText('RUNNING');
    expect(await breaches(page)).toEqual([]);

    weir.thaw();
    await expect(status).toHaveText('Live', { timeout: 40_000 });
    await expect(page.getByRole('alert')).toHaveCount(0);
  } finally {
    await weir.stop();
  }
});

test('figures that the server refuses to refresh are said to be old', async ({ page }) => {
  const weir = await startWeir();
  try {
    await page.goto(weir.jobs);
    await expect(row(page, 'Running jobs', BUILT_IN)).toContainText('RUNNING');
    await page.route('**/jobs/overview', (route) =>
      route.fulfill({ status: 403, json: { errors: ['the token lacks the role `view`'] } }),
    );
    await expect(page.getByRole('alert')).toContainText('It says: the token lacks the role `view`');
    await expect(row(page, 'Running jobs', BUILT_IN)).toContainText('RUNNING');
    await page.unroute('**/jobs/overview');
    await expect(page.getByRole('alert')).toHaveCount(0);
  } finally {
    await weir.stop();
  }
});

test('a tab that is hidden asks for nothing', async ({ page }) => {
  const weir = await startWeir();
  try {
    await page.goto(weir.jobs);
    await expect(row(page, 'Running jobs', BUILT_IN)).toContainText('RUNNING');
    await page.evaluate(() => {
      Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    });
    // What was under way may still come.
    await page.waitForTimeout(1_000);
    let asked = 0;
    page.on('request', () => asked++);
    await page.waitForTimeout(5_000);
    expect(asked).toBe(0);
  } finally {
    await weir.stop();
  }
});

test('the pages work behind a proxy that adds a prefix', async ({ page }) => {
  const weir = await startWeir();
  const proxy = createServer((incoming, outgoing) => {
    const path = incoming.url ?? '';
    if (!path.startsWith('/flink/')) return void outgoing.writeHead(404).end();
    const options = {
      method: incoming.method,
      headers: { ...incoming.headers, host: new URL(weir.jobs).host },
    };
    const forwarded = ask(`${weir.jobs}${path.slice('/flink'.length)}`, options, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    incoming.pipe(forwarded);
  });
  try {
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    await page.goto(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}/flink/`);
    await page.getByRole('link', { name: BUILT_IN }).click();
    await expect(page.getByRole('region', { name: 'Graph' })).toContainText('15 sinks');
  } finally {
    proxy.closeAllConnections();
    proxy.close();
    await weir.stop();
  }
});

test('an address leads back to its page after a session has ended', async ({ page, context }) => {
  const weir = await startWeir({ roles: ['view'] });
  try {
    await page.goto(weir.jobs);
    await page.getByLabel('Token').fill(weir.secrets.get('view') ?? '');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('link', { name: BUILT_IN }).click();
    await page.getByRole('link', { name: 'Checkpoints' }).click();
    await expect(page.getByRole('heading', { name: 'History' })).toBeVisible();

    await context.clearCookies();
    await page.getByLabel('Token').fill(weir.secrets.get('view') ?? '');
    await page.getByRole('button', { name: 'Log in' }).click();
    await expect(page.getByRole('heading', { name: 'History' })).toBeVisible();
  } finally {
    await weir.stop();
  }
});
