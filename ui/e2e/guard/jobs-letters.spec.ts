// Dead letters on the pages of jobs, against a real job manager: counted, marked, and replayed after a question.
import { fileURLToPath } from 'node:url';
import { type APIRequestContext, expect, test } from '@playwright/test';
import { breaches } from '../axe';
import { expectNoOverflow, row, send, submit } from './pages';
import { startWeir, type Weir } from './weir';

const OUTPUT = fileURLToPath(new URL('../output/', import.meta.url));

/** Counts events of a topic of its own, and leaves out what has no id or is no JSON. */
function counts(topic: string, column: string): string {
  return `
CREATE TABLE q (${column} STRING, ts TIMESTAMP_LTZ(3) NOT NULL METADATA FROM 'timestamp' VIRTUAL, WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = '${topic}', 'properties.bootstrap.servers' = 'embedded',
      'scan.startup.mode' = 'earliest-offset', 'format' = 'json', 'json.ignore-parse-errors' = 'true');
CREATE TABLE n (queries BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO n SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE q, DESCRIPTOR(ts), INTERVAL '1' SECOND))
WHERE ts IS NOT NULL AND ${column} IS NOT NULL GROUP BY window_start, window_end;`;
}

/** Sends events of which some have no `id`, and one is cut off. */
async function sendWrong(request: APIRequestContext, weir: Weir): Promise<void> {
  const events = [
    '{"id": "a", "text": "học"}',
    '{"id": null, "text": "một"}',
    '{"text": "hai", "nested": {"x": 1}}',
    '{"id": "b", "text": ',
  ];
  for (const body of events) {
    const sent = await request.post(`${weir.http}/events/visits`, {
      headers: { 'content-type': 'application/octet-stream' },
      data: Buffer.from(body),
    });
    expect(sent.status(), await sent.text()).toBe(202);
  }
}

async function totalOf(request: APIRequestContext, weir: Weir): Promise<{ total: number; open: number }> {
  return (await request.get(`${weir.jobs}/weir/dead-letters/counts`)).json();
}

test('dead letters are counted by reason, shown with the failing field, and replayed', async ({
  page,
  request,
}) => {
  test.setTimeout(240_000);
  const weir = await startWeir({ arguments: ['--set', 'ingest.create_topics=true'] });
  try {
    await page.goto(`${weir.jobs}/#/dead-letters`);
    await expect(page.getByText('There are no dead letters.')).toBeVisible();

    await sendWrong(request, weir);
    const wrong = await submit(request, weir, 'visits', counts('visits', 'id'));
    await expect.poll(async () => (await totalOf(request, weir)).total).toBe(3);

    await page.reload();
    await expect(row(page, 'Reasons', 'All reasons')).toContainText('3');
    await expect(row(page, 'Reasons', 'missing id')).toContainText('2');
    await expect(row(page, 'Reasons', 'malformed')).toContainText('1');
    await expect(page.getByRole('img', { name: /Dead letters over time/ })).toContainText('missing id');

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
    await expect(bytes).toHaveText('{"id": null, "text": "một"}');
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

    // A job that has counted the record would count it twice: the dry run says so.
    await dialog.getByRole('button', { name: 'Close' }).click();
    await submit(request, weir, 'texts', counts('visits', 'text'));
    await expect.poll(async () => (await totalOf(request, weir)).total).toBeGreaterThan(3);
  } finally {
    await weir.stop();
  }
});

test('many dead letters are paged, and late rows are among them', async ({ page, request }) => {
  test.setTimeout(240_000);
  const weir = await startWeir();
  try {
    // The built-in job takes the time from the event: most of these come an hour too late.
    const hour = 3_600_000;
    const at = (time: number, number: number) =>
      JSON.stringify({
        query_id: `${number}`,
        query_text: 'câu hỏi',
        user: { user_id: 'u', user_type: 'Sinh viên', faculty: 'CNTT' },
        timestamp: new Date(time).toISOString(),
      });
    await send(request, weir, 5);
    const post = (events: string[]) =>
      request.post(`${weir.http}/events`, {
        headers: { 'content-type': 'application/x-ndjson' },
        data: events.join('\n'),
      });
    const now = Date.now();
    await post([at(now, 0)]);
    const late = async () => {
      const { reasons } = await (await request.get(`${weir.jobs}/weir/dead-letters/counts`)).json();
      return reasons.find((of: { reason: string }) => of.reason === 'late')?.count ?? 0;
    };
    let sent = 0;
    await expect
      .poll(
        async () => {
          await post(Array.from({ length: 30 }, (_, n) => at(now - 2 * hour, 1_000 + sent * 30 + n)));
          sent++;
          return late();
        },
        { intervals: [500], timeout: 60_000 },
      )
      .toBeGreaterThan(60);

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
