// The head says whether figures are current: against a real Weir whose job ends, one that stands still, and one that goes.
import { connection, expect, figure, test } from '../fixtures';
import { ask } from './events';
import { startWeir } from './weir';

test('a cancelled job, a frozen server and a lost one are seen on the page', async ({ page, request }) => {
  const weir = await startWeir();
  let isStopped = false;
  try {
    await ask(weir, [{}]);
    await page.goto(weir.http);
    await expect(connection(page)).toHaveText('Live');
    await expect(figure(page, 'Questions')).toHaveText('1');
    const head = page.getByRole('banner');

    weir.freeze();
    await expect(connection(page)).toHaveText('Stale', { timeout: 40_000 });
    await expect(head).toContainText(/since \d+:\d\d:\d\d/);
    await expect(figure(page, 'Questions')).toHaveText('1');
    weir.thaw();
    await expect(connection(page)).toHaveText('Live');

    const { jobs } = await (await request.get(`${weir.jobs}/jobs`)).json();
    await request.patch(`${weir.jobs}/jobs/${jobs[0].id}?mode=cancel`);
    await expect(connection(page)).toHaveText('Counting stopped');
    await expect(head).toContainText('`Query Analytics Streaming` was cancelled');

    await weir.stop();
    isStopped = true;
    await expect(connection(page)).toHaveText('Reconnecting');
    await expect(head).toContainText(/for \d+ s/);
    await expect(figure(page, 'Questions')).toHaveText('1');
  } finally {
    if (!isStopped) await weir.stop();
  }
});

test('rates, delays, the newest closed window, and what was not counted lead to their rows', async ({
  page,
}) => {
  const weir = await startWeir();
  try {
    await ask(weir, [{ secondsAgo: 600 }, { secondsAgo: 0 }]);
    await page.goto(weir.http);
    const head = page.getByRole('banner');
    await expect(head.getByText('events/s')).toBeVisible();
    await expect(head.getByText('shown after')).toBeVisible({ timeout: 40_000 });
    await expect(head.getByText('final until')).toBeVisible({ timeout: 40_000 });

    // Windows of ten minutes ago are closed for good.
    await ask(weir, [{ secondsAgo: 7_200 }]);
    const late = head.getByRole('link', { name: /1 late/ });
    await expect(late).toBeVisible({ timeout: 40_000 });
    expect(await late.getAttribute('href')).toBe(`${weir.jobs}/#/dead-letters?reason=late`);
  } finally {
    await weir.stop();
  }
});

test('the zone of times is named, chosen, and kept in the address and for the next visit', async ({
  page,
}) => {
  const weir = await startWeir();
  try {
    await ask(weir, [{ secondsAgo: 60 }, {}]);
    await page.goto(`${weir.http}/explore/overall?period=1h`);
    const zone = page.getByLabel('Time zone of the times on this page');
    await expect(zone).toContainText('UTC');
    const cells = page.getByRole('region', { name: 'Newest rows' }).locator('tbody td:nth-child(7)');
    const starts = async () => (await cells.allTextContents()).map((text) => Date.parse(`${text}Z`));
    await expect(cells.first()).toBeVisible();
    const [inUtc = Number.NaN] = await starts();

    await zone.focus();
    await zone.selectOption('Asia/Ho_Chi_Minh');
    await expect(page).toHaveURL(/tz=Asia%2FHo_Chi_Minh/);
    await expect(zone).toHaveValue('Asia/Ho_Chi_Minh');
    // Rows of other windows may arrive meanwhile, so the first row need not be the same.
    await expect.poll(starts).toContain(inUtc + 7 * 3_600_000);

    await page.getByRole('navigation').getByRole('link', { name: 'Dashboards' }).click();
    await expect(page).toHaveURL(/\/d\/\?tz=Asia%2FHo_Chi_Minh/);
    await page.goto(weir.http);
    await expect(page.getByLabel('Time zone of the times on this page')).toHaveValue('Asia/Ho_Chi_Minh');
  } finally {
    await weir.stop();
  }
});
