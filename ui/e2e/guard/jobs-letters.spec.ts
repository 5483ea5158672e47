// Dead letters on the pages of jobs, against a real job manager: counted, marked, and replayed after a question.
import { fileURLToPath } from 'node:url';
import { type APIRequestContext, expect, test } from '@playwright/test';
import { breaches } from '../axe';
import { expectNoOverflow, row, submit } from './pages';
import { startWeir, type Weir } from './weir';

const OUTPUT = fileURLToPath(new URL('../output/', import.meta.url));

/** Counts events of a topic of its own; those without a column are dead letters. */
function counts(topic: string, column: string): string {
  return `
CREATE TABLE q (${column} STRING, moment TIMESTAMP_LTZ(3), WATERMARK FOR moment AS moment)
WITH ('connector' = 'kafka', 'topic' = '${topic}', 'properties.bootstrap.servers' = 'embedded',
      'scan.startup.mode' = 'earliest-offset', 'format' = 'json', 'json.timestamp-format.standard' = 'ISO-8601');
CREATE TABLE n (queries BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO n SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE q, DESCRIPTOR(moment), INTERVAL '1' SECOND))
WHERE moment IS NOT NULL AND ${column} IS NOT NULL GROUP BY window_start, window_end;`;
}

/** Counts events by their own time, so that some come too late. */
const BY_TIME = `
CREATE TABLE q (id STRING, moment TIMESTAMP_LTZ(3), WATERMARK FOR moment AS moment)
WITH ('connector' = 'kafka', 'topic' = 'clicks', 'properties.bootstrap.servers' = 'embedded',
      'scan.startup.mode' = 'earliest-offset', 'format' = 'json', 'json.timestamp-format.standard' = 'ISO-8601');
CREATE TABLE counted (clicks BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO counted SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE q, DESCRIPTOR(moment), INTERVAL '1' SECOND))
GROUP BY window_start, window_end;`;

async function post(request: APIRequestContext, url: string, events: string[]): Promise<void> {
  const sent = await request.post(url, {
    headers: { 'content-type': 'application/x-ndjson' },
    data: events.join('\n'),
  });
  expect(sent.status(), await sent.text()).toBe(202);
}

/** Sends events of which two have no `id`, and one for the built-in job whose time cannot be read. */
async function sendWrong(request: APIRequestContext, weir: Weir): Promise<void> {
  await post(request, `${weir.http}/events/visits`, [
    '{"id": "a", "text": "học", "moment": "2025-12-09T11:00:00Z"}',
    '{"id": null, "text": "một", "moment": "2025-12-09T11:00:00Z"}',
    '{"text": "hai", "nested": {"x": 1}, "moment": "2025-12-09T11:00:00Z"}',
  ]);
  await post(request, `${weir.http}/events`, ['{"query_id": "1", "timestamp": "soon"}']);
}

async function totalOf(request: APIRequestContext, weir: Weir): Promise<{ total: number; open: number }> {
  return (await request.get(`${weir.jobs}/weir/dead-letters/counts`)).json();
}

test('dead letters are counted by reason, shown with the failing field, and replayed', async ({
  page,
  request,
}) => {
  test.setTimeout(240_000);
  const weir = await startWeir({
    arguments: ['--set', 'ingest.create_topics=true', '--set', 'ingest.partitions=1'],
  });
  try {
    await page.goto(`${weir.jobs}/#/dead-letters`);
    await expect(page.getByText('There are no dead letters.')).toBeVisible();

    await sendWrong(request, weir);
    const wrong = await submit(request, weir, 'visits', counts('visits', 'id'));
    await expect.poll(async () => (await totalOf(request, weir)).total).toBe(3);

    await page.reload();
    await expect(row(page, 'Reasons', 'All reasons')).toContainText('3');
    await expect(row(page, 'Reasons', 'missing id')).toContainText('2');
    await expect(row(page, 'Reasons', 'bad timestamp')).toContainText('1');
    const inLegend = page.getByRole('group', { name: 'Shown in the picture' }).getByRole('button');
    await expect(inLegend).toHaveText(['missing id', 'bad timestamp']);
    const picture = page.getByRole('img', { name: /Dead letters over time/ });
    await inLegend.first().click();
    await expect(picture).toHaveAccessibleName(/Not shown in the picture: missing id/);
    await expect(page).toHaveURL(/hidden=/);
    await page.reload();
    await expect(inLegend.first()).toHaveAttribute('aria-pressed', 'false');
    await inLegend.first().click();
    await expect(page).not.toHaveURL(/hidden=/);

    // The address carries the filter, and leads back to it.
    await row(page, 'Reasons', 'missing id').getByRole('link').click();
    await expect(page).toHaveURL(/#\/dead-letters\?reason=missing(\+|%20)id/);
    const letters = page.getByRole('table', { name: 'Dead letters', exact: true });
    await expect(letters.getByRole('row')).toHaveCount(3);
    await page.reload();
    await expect(letters.getByRole('row')).toHaveCount(3);

    // The failing field is marked in the bytes, or said to be missing.
    await letters.getByRole('row').nth(2).getByRole('link').click();
    const bytes = page.getByRole('region', { name: 'Bytes of the record' });
    await expect(bytes).toHaveText('{"id": null, "text": "một", "moment": "2025-12-09T11:00:00Z"}');
    await expect(bytes.locator('mark')).toHaveText('"id": null');
    await letters.getByRole('row').nth(1).getByRole('link').click();
    await expect(page.getByText('The record has no field id.')).toBeVisible();

    for (const [width, colorScheme] of [
      [360, 'dark'],
      [1280, 'light'],
      [2560, 'dark'],
    ] as const) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 900 });
      await page.screenshot({ path: `${OUTPUT}letters-${width}.png`, fullPage: true });
      await expectNoOverflow(page, `dead letters at ${width} px`);
      expect(await breaches(page), `dead letters at ${width} px`).toEqual([]);
    }

    // The question says what will happen. Escape leaves everything as it is.
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.getByRole('button', { name: 'Replay this one' }).click();
    const dialog = page.getByRole('dialog');
    await expect(dialog).toContainText('1 event will be appended to its topic again.');
    expect(await breaches(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await expect(dialog).toBeHidden();
    expect(await totalOf(request, weir)).toMatchObject({ total: 3, open: 3 });

    // Another job takes the place of the first one and counts them, so they are not wrong any more.
    await request.patch(`${weir.jobs}/jobs/${wrong}?mode=cancel`);
    await expect
      .poll(async () => (await (await request.get(`${weir.jobs}/jobs/${wrong}/status`)).json()).status)
      .toBe('CANCELED');
    const checkbox = letters.getByRole('row').nth(1).getByRole('checkbox');
    await checkbox.focus();
    await page.keyboard.press('Space');
    await page.getByRole('button', { name: 'Replay chosen (1)' }).click();
    await dialog.getByRole('button', { name: 'Replay 1 event' }).click();
    await expect(dialog).toContainText('1 event was appended to its topic again.');
    await dialog.getByRole('button', { name: 'Close' }).click();
    expect(await totalOf(request, weir)).toMatchObject({ total: 3, open: 2 });
    await expect(letters.getByRole('row').nth(1)).toContainText('replayed');

    // All that fit the filter, and no other.
    await page.getByRole('button', { name: 'Replay all (1)' }).click();
    await dialog.getByRole('button', { name: 'Replay 1 event' }).click();
    await expect(dialog).toContainText('1 event was appended');
    expect(await totalOf(request, weir)).toMatchObject({ total: 3, open: 1 });
  } finally {
    await weir.stop();
  }
});

test('many dead letters are paged, and late rows are among them', async ({ page, request }) => {
  test.setTimeout(240_000);
  const weir = await startWeir({
    arguments: ['--set', 'ingest.create_topics=true', '--set', 'ingest.partitions=1'],
  });
  try {
    const now = Date.now();
    const click = (time: number, number: number) =>
      JSON.stringify({ id: `${number}`, moment: new Date(time).toISOString() });
    const clicks = `${weir.http}/events/clicks`;
    await post(request, clicks, [click(now, 0)]);
    const job = await submit(request, weir, 'clicks', BY_TIME);
    const ledger = async () => (await (await request.get(`${weir.jobs}/weir/jobs/${job}`)).json()).ledger;
    await expect.poll(async () => (await ledger()).accepted).toBe(1);
    await post(
      request,
      clicks,
      Array.from({ length: 70 }, (_, number) => click(now - 3_600_000, number + 1)),
    );
    await expect.poll(async () => (await ledger()).late).toBe(70);

    // The page of the job leads to them.
    await page.goto(`${weir.jobs}/#/job/${job}/windows`);
    await expect(row(page, 'Queries with windows', 'counted')).toContainText('TUMBLE 1 s');
    await expect(row(page, 'Queries with windows', 'counted')).toContainText('The watermark is');
    await expect(row(page, 'Queries with windows', 'counted')).toContainText('closed up to');
    await row(page, 'Queries with windows', 'counted').getByRole('link', { name: '70' }).click();
    await expect(page).toHaveURL(new RegExp(`#/dead-letters\\?job=${job}&reason=late`));
    await expect(page.getByRole('table', { name: 'Dead letters', exact: true }).getByRole('row')).toHaveCount(
      51,
    );

    await page.goto(`${weir.jobs}/#/dead-letters?reason=late`);
    const letters = page.getByRole('table', { name: 'Dead letters', exact: true });
    await expect(letters.getByRole('row')).toHaveCount(51);
    await expect(letters.getByRole('row').nth(1)).toContainText('late');
    await page.getByRole('link', { name: 'Older' }).click();
    await expect(page).toHaveURL(/before=/);
    await expect(page.getByRole('link', { name: 'Newest' })).toBeVisible();
    await expect(letters.getByRole('row').nth(1)).toContainText('late');
  } finally {
    await weir.stop();
  }
});
