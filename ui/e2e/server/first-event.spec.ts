// What holds with any server, from the first look to the first event. Against WEIR_URL where it is set.
import { readFile } from 'node:fs/promises';
import { connection, expect, test, total } from '../fixtures';
import { emptyAnalytics } from '../mock-data.mjs';

const COMMAND = /^curl -X POST (\S+) -H 'content-type: application\/json' -d '(.*)'$/;

test('the page comes up live, without a complaint, and the command it shows is seen as an event', async ({
  page,
  mock,
  complaints,
  request,
  context,
}) => {
  Object.assign(mock.analytics, emptyAnalytics());
  const url = process.env.WEIR_URL ?? mock.url;
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.goto(url);
  await expect(connection(page)).toHaveText('Live');

  const empty = page.getByRole('heading', { name: 'No events yet' });
  await expect(empty.or(total(page, 'Queries'))).toBeVisible();
  // A server that already has events has nothing to ask for.
  if (await empty.isVisible()) {
    await page.getByRole('button', { name: 'Copy command' }).click();
    await expect(page.getByRole('main')).toContainText('Copied');
    const [, target = '', body = ''] =
      (await page.evaluate(() => navigator.clipboard.readText())).match(COMMAND) ?? [];
    expect(target).toBe(new URL('/events', url).href);
    expect(JSON.parse(body)).toMatchObject({
      query_id: 'q-1',
      user: { user_id: 1, user_type: 'Sinh viên', years: 2 },
      query_text: 'Học phí kỳ này?',
      rag_metrics: { response_time_ms: 812.5, success: true },
    });
    const answer = await request.post(target, {
      headers: { 'content-type': 'application/json' },
      data: body,
    });
    expect(answer.status()).toBe(202);
  }

  await expect(total(page, 'Queries')).toHaveText(/^[1-9]/);
  await expect(page.getByText('Sinh viên').first()).toBeVisible();
  expect(complaints).toEqual([]);
});

test('what answers has every route of the description that the types were generated from', async ({
  mock,
  request,
}) => {
  const ours = JSON.parse(await readFile(new URL('../../openapi.json', import.meta.url), 'utf8'));
  const answer = await request.get(new URL('/openapi.json', process.env.WEIR_URL ?? mock.url).href);
  expect(Object.keys((await answer.json()).paths)).toEqual(expect.arrayContaining(Object.keys(ours.paths)));
});
