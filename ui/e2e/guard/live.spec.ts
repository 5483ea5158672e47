// "Live" means that figures are current: against a real Weir whose job ends, and one that stands still.
import { expect, test } from '@playwright/test';
import { connection, total } from '../fixtures';
import { startWeir } from './weir';

test('a cancelled job and a frozen server are seen on the page', async ({ page, request }) => {
  const weir = await startWeir();
  try {
    await request.post(`${weir.http}/events`, {
      headers: { 'content-type': 'application/json' },
      data: { query_id: 'q-1', timestamp: new Date().toISOString(), query_text: 'a' },
    });
    await page.goto(weir.http);
    await expect(connection(page)).toHaveText('Live');
    await expect(total(page, 'Queries')).toHaveText('1');
    await expect(page.getByRole('banner')).toContainText('UTC');

    weir.freeze();
    await expect(connection(page)).toHaveText('Stale');
    weir.thaw();
    await expect(connection(page)).toHaveText('Live');

    const { jobs } = await (await request.get(`${weir.jobs}/jobs`)).json();
    await request.patch(`${weir.jobs}/jobs/${jobs[0].id}?mode=cancel`);
    await expect(connection(page)).toHaveText('Degraded');
    await expect(page.getByRole('banner')).toContainText('`Query Analytics Streaming` was cancelled');
  } finally {
    await weir.stop();
  }
});
