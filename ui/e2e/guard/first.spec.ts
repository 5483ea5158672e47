// The first page draws its first picture from the answers that came with it.
import { expect, figure, panel, test } from '../fixtures';
import { ask } from './events';
import { startWeir } from './weir';

/** The element with the answers. */
const ANSWERS = 'id="answers"';

test('the first picture needs no request for data', async ({ page, request }) => {
  const weir = await startWeir();
  try {
    await ask(weir, [{ secondsAgo: 60 }, { secondsAgo: 30 }, {}]);
    const counted = async () => {
      const query = 'from=-30d&aggregate=sum(total_queries)&limit=1';
      const answer = await (await request.get(`${weir.http}/results/overall?${query}`)).json();
      return answer.rows?.[0]?.['sum(total_queries)'];
    };
    await expect.poll(counted, { timeout: 40_000 }).toBe(3);

    // From here on the browser gets the page, its code and its styles, and nothing else.
    await page.route('**/*', (route) =>
      ['document', 'script', 'stylesheet', 'image'].includes(route.request().resourceType())
        ? route.continue()
        : route.abort(),
    );
    for (const period of ['', '?period=30d', '?period=1h']) {
      await page.goto(`${weir.http}/${period}`);
      await expect(figure(page, 'Questions'), period).toHaveText('3');
      await expect(figure(page, 'Successful answers (%)'), period).toHaveText(/\d/);
      await expect(figure(page, 'Average response time (ms)'), period).toHaveText(/\d/);
      await expect(figure(page, 'Most users in 20 seconds'), period).toHaveText(/\d/);
      await expect(panel(page, 'Questions per minute').locator('.board-skeleton'), period).toHaveCount(0);
      await expect(panel(page, 'Questions per minute').locator('svg').first(), period).toBeVisible();
      await expect(panel(page, 'Share of user types').locator('.board-skeleton'), period).toHaveCount(0);
    }
  } finally {
    await weir.stop();
  }
});

test('a visitor without a token, or without the right to read results, gets no answer in the page', async ({
  request,
}) => {
  const weir = await startWeir({ roles: ['analytics', 'ingest'] });
  try {
    const open = async (headers: Record<string, string>) => {
      const response = await request.get(`${weir.http}/`, {
        headers: { accept: 'text/html', ...headers },
        maxRedirects: 0,
      });
      return { status: response.status(), text: await response.text() };
    };
    const bearer = (role: string) => ({ authorization: `Bearer ${weir.secrets.get(role)}` });

    const stranger = await open({});
    expect(stranger.status).not.toBe(200);
    expect(stranger.text).not.toContain(ANSWERS);
    const login = await (await request.get(`${weir.http}/login`)).text();
    expect(login).not.toContain(ANSWERS);

    const sender = await open(bearer('ingest'));
    expect(sender.status).toBe(403);
    expect(sender.text).not.toContain(ANSWERS);

    const reader = await open(bearer('analytics'));
    expect(reader.status).toBe(200);
    expect(reader.text).toContain(ANSWERS);
    expect(reader.text).toContain('"dashboards/analytics"');
  } finally {
    await weir.stop();
  }
});
