// The pages of jobs, against a real job manager: what they show is what its routes answer, and what they do happens.
import { fileURLToPath } from 'node:url';
import { expect, test } from '@playwright/test';
import { breaches } from '../axe';
import { BUILT_IN, COUNTS, expectNoOverflow, FAILS, idOf, row, send, statusOf, submit } from './pages';
import { startWeir } from './weir';

const OUTPUT = fileURLToPath(new URL('../output/', import.meta.url));

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
      [`/job/${job}/windows`, 'Next window to close'],
      [`/job/${job}/checkpoints?checkpoint=1`, 'Checkpoint 1 by vertex'],
      [`/job/${job}/flame-graph`, /samples of one second/],
      ['/dead-letters', 'There are no dead letters.'],
      ['/sql', 'No errors. The query can run.'],
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
        [880, 'light'],
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
        if (width < 800 || width === 1024)
          expect(await breaches(page), `${address} at ${width} px`).toEqual([]);
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
    await expect(page.getByRole('button', { name: 'Subtask 2', pressed: true })).toBeVisible();
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
