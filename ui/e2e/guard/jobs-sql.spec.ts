// The page of SQL, against a real job manager: errors at their places, rows as they come, the plan, and a job.
import { fileURLToPath } from 'node:url';
import { expect, type Page, test } from '@playwright/test';
import { breaches } from '../axe';
import { COUNTS, expectNoOverflow, send, statusOf, submit } from './pages';
import { startWeir } from './weir';

const OUTPUT = fileURLToPath(new URL('../output/', import.meta.url));

const TABLE = `CREATE TABLE q (query_id STRING, query_text STRING, ts TIMESTAMP_LTZ(3) NOT NULL METADATA FROM 'timestamp' VIRTUAL,
  WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'user-queries', 'properties.bootstrap.servers' = 'embedded',
      'scan.startup.mode' = 'earliest-offset', 'format' = 'json');
`;

/** Counts something else, into another table. */
const OTHER = `${TABLE}CREATE TABLE m (query_id STRING, queries BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO m SELECT query_id, COUNT(*) FROM TABLE(TUMBLE(TABLE q, DESCRIPTOR(ts), INTERVAL '2' SECOND))
GROUP BY window_start, window_end, query_id;`;

function editor(page: Page) {
  return page.getByRole('textbox', { name: 'SQL script' });
}

/**
 * Writes a script in place of the one before. The old text is deleted first: over a selection, Chromium itself writes a
 * style, which the content policy blocks with a line in the console and without any other effect.
 */
async function write(page: Page, script: string): Promise<void> {
  await editor(page).click();
  await page.keyboard.press('Control+a');
  await page.keyboard.press('Delete');
  await page.keyboard.insertText(script);
}

test('errors are at their places, words are completed, and scripts are kept', async ({ page }) => {
  test.setTimeout(240_000);
  const weir = await startWeir();
  try {
    // The content policy blocks nothing that the editor needs.
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });

    // Only this page loads the editor.
    const loaded: string[] = [];
    page.on('request', (request) => loaded.push(request.url()));
    await page.goto(`${weir.jobs}/#/`);
    await expect(page.getByRole('link', { name: 'SQL' })).toBeVisible();
    expect(loaded.filter((url) => /Editor/.test(url))).toEqual([]);
    await page.getByRole('link', { name: 'SQL' }).click();
    await expect(editor(page)).toContainText('CREATE TABLE queries');
    expect(loaded.filter((url) => /Editor/.test(url))).not.toEqual([]);
    await expect(page.getByText('No errors. The query can run.')).toBeVisible();

    await write(page, `${TABLE}SELECT query_txt FROM q;`);
    await expect(page.getByText('1 error', { exact: true })).toBeVisible();
    const finding = page.getByRole('list', { name: 'Findings' }).getByRole('listitem');
    await expect(finding).toContainText('query_txt');
    await expect(page.locator('.cm-lintRange-error')).toHaveText('query_txt');
    await finding.getByRole('button').click();
    await expect(editor(page)).toBeFocused();
    await page.keyboard.press('Delete');
    await page.keyboard.insertText('query_text');
    await expect(page.getByText('No errors. The query can run.')).toBeVisible();
    await expect(page.locator('.cm-lintRange-error')).toHaveCount(0);

    // Columns of the table behind its name, and functions.
    await write(page, `${TABLE}SELECT q.query_t`);
    await page.keyboard.press('Control+Space');
    await page.getByRole('option', { name: /query_text/ }).click();
    await expect(editor(page)).toContainText('SELECT q.query_text');
    await page.keyboard.type(', LOWE');
    await page.keyboard.press('Control+Space');
    await expect(page.getByRole('option', { name: /LOWER/ }).first()).toBeVisible();
    await page.keyboard.press('Escape');

    // Tab leaves the editor.
    await page.keyboard.press('Tab');
    await expect(editor(page)).not.toBeFocused();

    await page.getByRole('button', { name: 'New script' }).click();
    await page.getByLabel('Name').fill('second');
    await write(page, '-- mine');
    await page.reload();
    await page.getByRole('combobox', { name: 'Script' }).selectOption('second');
    await expect(editor(page)).toContainText('-- mine');
    await page.getByRole('button', { name: 'Delete script' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete script' }).click();
    await expect(page.getByRole('combobox', { name: 'Script' })).not.toContainText('second');
    expect(complaints).toEqual([]);
  } finally {
    await weir.stop();
  }
});

test('a query runs until it is stopped, and its rows are a table or a chart', async ({ page, request }) => {
  test.setTimeout(240_000);
  const weir = await startWeir();
  try {
    await send(request, weir, 20);
    await page.goto(`${weir.jobs}/#/sql`);
    await write(
      page,
      `${TABLE}SELECT query_text, COUNT(*) AS n, MAX(ts) AS latest FROM q GROUP BY query_text;`,
    );
    await expect(page.getByText('No errors. The query can run.')).toBeVisible();
    await page.keyboard.press('Control+Enter');

    const rows = page.getByRole('region', { name: 'Rows' });
    await expect(rows.getByRole('rowheader', { name: '+I' }).first()).toBeVisible();
    await expect(rows).toContainText('question 3');
    await expect(page.getByRole('link', { name: 'The query as a job' })).toBeVisible();
    await send(request, weir, 20);
    await expect(rows.getByRole('rowheader', { name: '+U' }).first()).toBeVisible();
    await expect(rows.getByRole('rowheader', { name: '-U' }).first()).toBeVisible();

    for (const [width, colorScheme] of [
      [360, 'dark'],
      [1280, 'light'],
      [2560, 'dark'],
    ] as const) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 1000 });
      await page.screenshot({ path: `${OUTPUT}sql-${width}.png` });
      await expectNoOverflow(page, `SQL at ${width} px`);
      expect(await breaches(page), `SQL at ${width} px`).toEqual([]);
    }
    await page.setViewportSize({ width: 1280, height: 1000 });
    await page.getByRole('radio', { name: 'Chart' }).check();
    await expect(page.getByRole('img', { name: /n of the newest rows/ })).toBeVisible();
    const inLegend = page.getByRole('group', { name: 'Shown in the picture' });
    await inLegend.getByRole('button', { name: 'question 3' }).click();
    await expect(page.getByRole('img', { name: /Not shown in the picture: question 3/ })).toBeVisible();
    await inLegend.getByRole('button', { name: 'question 3' }).click();
    await expect(inLegend.getByRole('button', { pressed: false })).toHaveCount(0);
    await page.screenshot({ path: `${OUTPUT}sql-chart.png` });
    expect(await breaches(page)).toEqual([]);

    // Stopping it ends the query's job.
    const href = await page.getByRole('link', { name: 'The query as a job' }).getAttribute('href');
    const job = /job\/([0-9a-f]{32})/.exec(href ?? '')?.[1] ?? '';
    expect(await statusOf(request, weir, job)).toBe('RUNNING');
    await page.getByRole('button', { name: 'Stop query' }).click();
    await expect(page.getByText(/^Stopped, /)).toBeVisible();
    await expect.poll(() => statusOf(request, weir, job)).toMatch(/CANCELED|FINISHED/);

    // A query that ends says so, and one that fails says why.
    await page.getByRole('radio', { name: 'Table' }).check();
    await write(page, 'SELECT 1 AS one, CAST(NULL AS STRING) AS nothing FROM (VALUES (1)) AS t (a);');
    await page.getByRole('button', { name: 'Run query' }).click();
    await expect(page.getByText('Ended, 1 rows')).toBeVisible();
    await expect(rows).toContainText('NULL');
    await write(page, `${TABLE}SELECT CAST(query_text AS INT) FROM q;`);
    await expect(page.getByText('No errors. The query can run.')).toBeVisible();
    await page.getByRole('button', { name: 'Run query' }).click();
    await expect(page.getByRole('region', { name: 'Result' }).getByRole('alert')).toContainText('cast');

    // Leaving the page ends its query, too.
    await write(page, `${TABLE}SELECT query_text FROM q;`);
    await expect(page.getByText('No errors. The query can run.')).toBeVisible();
    await page.getByRole('button', { name: 'Run query' }).click();
    await expect(page.getByText(/^Running, /)).toBeVisible();
    await page.getByRole('link', { name: 'Overview' }).click();
    const running = async () => {
      const { jobs } = await (await request.get(`${weir.jobs}/jobs/overview`)).json();
      return jobs.filter((of: { state: string }) => of.state === 'RUNNING').length;
    };
    await expect.poll(running).toBe(1);
  } finally {
    await weir.stop();
  }
});

test('the plan is text and a graph, and a script becomes a job after a question', async ({
  page,
  request,
}) => {
  test.setTimeout(240_000);
  const weir = await startWeir();
  try {
    await page.goto(`${weir.jobs}/#/sql`);
    await write(page, COUNTS);
    await expect(page.getByText('No errors. The script can be a job.')).toBeVisible();
    await expect(page.getByRole('button', { name: 'Run query' })).toBeDisabled();
    await page.getByRole('button', { name: 'Explain' }).click();
    await expect(page.getByRole('region', { name: 'Plan as text' })).toContainText('TUMBLE');
    const graph = page.getByRole('region', { name: 'Graph of the plan' });
    await expect(graph).toContainText('Source: q');
    await expect(graph).toContainText('Sink: n');
    await page.screenshot({ path: `${OUTPUT}sql-plan.png`, fullPage: true });
    expect(await breaches(page)).toEqual([]);

    await page.getByRole('button', { name: 'Submit as job…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel(/Name of the job/).fill('from the page');
    expect(await breaches(page)).toEqual([]);
    await dialog.getByRole('button', { name: 'Submit job' }).click();
    await dialog.getByRole('link', { name: 'Go to the job' }).click();
    await expect(page.getByRole('heading', { name: 'from the page' })).toBeVisible();
    const job = /job\/([0-9a-f]{32})/.exec(page.url())?.[1] ?? '';
    expect(await statusOf(request, weir, job)).toBe('RUNNING');

    // Replace it: the dry run shows what is kept, what is new and what is dropped.
    await send(request, weir, 10);
    await page.getByRole('link', { name: 'Replace script…' }).click();
    await write(page, OTHER);
    await expect(page.getByText('No errors. The script can be a job.')).toBeVisible();
    await page.getByRole('button', { name: 'Submit as job…' }).click();
    await expect(dialog).toContainText('Not all state is kept.');
    await expect(dialog.getByRole('region', { name: 'Dropped' })).toContainText('n');
    await expect(dialog.getByRole('region', { name: 'Starts empty' })).toContainText('m');
    await page.screenshot({ path: `${OUTPUT}sql-replace.png` });
    expect(await breaches(page)).toEqual([]);
    expect(await statusOf(request, weir, job), 'nothing was done yet').toBe('RUNNING');
    await dialog.getByRole('button', { name: 'Do not submit' }).click();

    await write(page, COUNTS);
    await expect(page.getByText('No errors. The script can be a job.')).toBeVisible();
    await page.getByRole('button', { name: 'Submit as job…' }).click();
    await expect(dialog).toContainText('All state is kept, and nothing starts empty.');
    await dialog.getByRole('button', { name: 'Replace job' }).click();
    await expect(dialog).toContainText(/savepoint-\w+/);
    await dialog.getByRole('link', { name: 'Go to the job' }).click();
    await expect(page.getByRole('heading', { name: 'from the page' })).toBeVisible();
    expect(await statusOf(request, weir, job)).toBe('FINISHED');

    // The savepoint of the old job is in the list of those from which a script can start.
    await page.goto(`${weir.jobs}/#/sql`);
    await page.getByRole('button', { name: 'Submit as job…' }).click();
    await dialog.getByRole('radio', { name: 'from a savepoint or checkpoint' }).check();
    await dialog.getByRole('combobox').selectOption({ label: await savepointOf(dialog) });
    await expect(dialog).toContainText('All state is kept');
    await dialog.getByRole('button', { name: 'Submit job' }).click();
    await expect(dialog.getByRole('link', { name: 'Go to the job' })).toBeVisible();
  } finally {
    await weir.stop();
  }
});

async function savepointOf(dialog: ReturnType<Page['getByRole']>): Promise<string> {
  const options = dialog.getByRole('combobox').getByRole('option');
  await expect(options.filter({ hasText: 'from the page: savepoint' })).toHaveCount(1);
  return (await options.filter({ hasText: 'from the page: savepoint' }).textContent()) ?? '';
}

test('the flame graph shows what the threads of a vertex do', async ({ page, request }) => {
  const weir = await startWeir();
  try {
    const job = await submit(request, weir, 'counts', COUNTS);
    await page.goto(`${weir.jobs}/#/job/${job}/graph`);
    await page.getByRole('link', { name: 'Flame graph' }).click();
    const frames = page.getByRole('table', { name: 'Frames of the flame graph' });
    await expect(frames.getByRole('row').nth(1)).toContainText('100');
    expect(await frames.getByRole('row').count()).toBeGreaterThan(2);
    await page.getByRole('combobox', { name: 'Samples' }).selectOption('off_cpu');
    await expect(page).toHaveURL(/kind=off_cpu/);
    await expect(frames.getByRole('row').nth(1)).toBeVisible();
    for (const width of [360, 1280]) {
      await page.setViewportSize({ width, height: 900 });
      await page.screenshot({ path: `${OUTPUT}flames-${width}.png` });
      await expectNoOverflow(page, `the flame graph at ${width} px`);
      expect(await breaches(page)).toEqual([]);
    }
  } finally {
    await weir.stop();
  }
});

test('without the role to run SQL, the page says which role is missing', async ({ page }) => {
  const weir = await startWeir({ roles: ['view', 'submit'] });
  try {
    for (const [role, said] of [
      ['view', /submit/],
      ['submit', 'No errors. The query can run.'],
    ] as const) {
      await page.goto(`${weir.jobs}/#/sql`);
      await page.getByLabel('Token').fill(weir.secrets.get(role) ?? '');
      await page.getByRole('button', { name: 'Log in' }).click();
      await expect(page.locator('.sql-bar').getByRole('status')).toHaveText(said);
      await page.getByRole('button', { name: 'Run query' }).click();
      const result = page.getByRole('region', { name: 'Result' });
      if (role === 'view') await expect(result.getByRole('alert')).toContainText('submit');
      else await expect(result.getByText(/^Running, /)).toBeVisible();
      await page.getByRole('button', { name: 'Log out' }).click();
      await expect(page.getByLabel('Token')).toBeVisible();
    }
  } finally {
    await weir.stop();
  }
});
