// What holds with any server, from the first look to the first event: against WEIR_URL.
import { readFile } from 'node:fs/promises';
import { connection, expect, figure, panel, seeAll, test } from '../fixtures';

const url = process.env.WEIR_URL ?? '';
const COMMAND = /^curl -X POST (\S+) -H 'content-type: application\/json' -d '(.*)'$/;

test('the page comes up live, without a complaint, and the command it shows is seen as an event', async ({
  page,
  complaints,
  request,
  context,
}) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.goto(url);
  await expect(connection(page)).toHaveText('Live');

  const empty = page.getByRole('heading', { name: 'No events yet' });
  await expect(empty.or(figure(page, 'Questions'))).toBeVisible();
  // A server that already has events has nothing to ask for.
  if (await empty.isVisible()) {
    await page.getByRole('button', { name: 'Copy command' }).click();
    await expect(page.getByRole('main')).toContainText('Copied');
    const [, target = '', body = ''] =
      (await page.evaluate(() => navigator.clipboard.readText())).match(COMMAND) ?? [];
    expect(target).toBe(new URL('/events', url).href);
    expect(JSON.parse(body)).toMatchObject({
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

  await expect(figure(page, 'Questions')).toHaveText(/^[1-9]/);
  await seeAll(page);
  await expect(panel(page, 'Share of user types').getByRole('listitem').first()).toContainText('Sinh viên');
  expect(complaints).toEqual([]);
});

test('what answers has every route of the description that the types were generated from', async ({
  request,
}) => {
  const ours = JSON.parse(await readFile(new URL('../../openapi.json', import.meta.url), 'utf8'));
  const answer = await request.get(new URL('/openapi.json', url).href);
  expect(Object.keys((await answer.json()).paths)).toEqual(expect.arrayContaining(Object.keys(ours.paths)));
});
