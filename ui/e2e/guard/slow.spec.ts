// The first page over a slow network: its places stand at once, and everything comes.
import type { Page } from '@playwright/test';
import { breaches } from '../axe';
import { connection, expect, figure, panel, seeAll, test } from '../fixtures';
import { ask } from './events';
import { startWeir } from './weir';

/** "Fast 3G" of Chromium's developer tools: milliseconds, and bytes per second. */
const FAST_3G = { offline: false, latency: 562.5, downloadThroughput: 180_000, uploadThroughput: 84_375 };

async function slowDown(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  await session.send('Network.emulateNetworkConditions', FAST_3G);
}

test('over a slow network the panels stand empty first, then all are drawn, and nothing jumps', async ({
  page,
  complaints,
  request,
}) => {
  const weir = await startWeir();
  try {
    await ask(weir, [{ secondsAgo: 120 }, { secondsAgo: 60, userType: 'Khách' }, { success: false }]);
    const counted = async () => {
      const answer = await request.get(`${weir.http}/analytics/redis/overall-summary`);
      return (await answer.json()).total_queries;
    };
    await expect.poll(counted, { timeout: 40_000 }).toBe(3);

    await slowDown(page);
    await page.goto(`${weir.http}/?period=7d`, { waitUntil: 'commit' });
    // The head is part of the page, and is there before any code.
    await expect(page.locator('.page-head')).toBeVisible();
    await expect(page.locator('.board-skeleton').first()).toBeVisible();
    expect(await page.locator('.board-panel[aria-busy="true"]').count()).toBeGreaterThan(0);
    const titles = await page.locator('.board-panel h2').allTextContents();
    expect(titles.length).toBeGreaterThan(5);
    const places = () =>
      page.locator('.board-place').evaluateAll((all) =>
        all.map((place) => {
          const { x, width, height } = place.getBoundingClientRect();
          return [x, width, height].join();
        }),
      );
    const before = await places();

    await seeAll(page);
    await expect(figure(page, 'Questions')).toHaveText('3');
    await expect(panel(page, 'Share of user types')).toContainText('Khách');
    await expect(connection(page)).toHaveText('Live');
    await expect(page.getByRole('alert')).toHaveCount(0);
    expect(await page.locator('.board-panel h2').allTextContents()).toEqual(titles);
    expect(await places()).toEqual(before);
    expect(await breaches(page)).toEqual([]);
    expect(complaints).toEqual([]);
  } finally {
    await weir.stop();
  }
});
