// A user's own job on its page: as soon as it runs, while rows change, and with a login.
import { expect, type Page, test } from '@playwright/test';
import { breaches } from '../axe';
import { click, JOB, run } from './clicks';
import { startWeir } from './weir';

function ranked(page: Page, dimension: string) {
  return page.getByRole('region', { name: dimension, exact: true }).getByRole('listitem');
}

test("a user's own table is listed, drawn, filtered, and follows its rows", async ({ page }) => {
  const weir = await startWeir();
  try {
    run(weir, JOB);
    await click(
      weir,
      [
        ['home', 'Hà Nội', 10],
        ['home', 'Huế', 20],
        ['exam', 'Hà Nội', 30],
      ],
      60,
    );
    await click(weir, [['home', 'Hà Nội', 40]], 5);

    await page.goto(`${weir.http}/explore`);
    await page.getByLabel('Search tables').fill('page_clicks');
    await page.getByRole('link', { name: 'page_clicks' }).click();
    await expect(page).toHaveURL(/\/explore\/page_clicks\?period=1h/);
    await expect(page.getByRole('heading', { name: 'clicks over time' })).toBeVisible();
    await expect(page.getByRole('row')).toContainText(['final', 'final', 'final']);
    await expect(ranked(page, 'page')).toContainText(['home', 'exam']);
    await expect(ranked(page, 'city')).toContainText(['Hà Nội', 'Huế']);

    // A click on a value filters everything, and the address says so.
    await page.getByRole('button', { name: 'Huế' }).click();
    await expect(ranked(page, 'page')).toHaveText([/home\s*1/]);
    await page.reload();
    await expect(ranked(page, 'page')).toHaveText([/home\s*1/]);
    await page.getByRole('button', { name: 'Show all values of city again' }).click();
    await expect(ranked(page, 'page')).toHaveCount(2);

    // The mean of a mean is a mean, by name; and lines by city.
    await page.getByLabel('Number').selectOption('avg_took_ms');
    await expect(page.getByLabel('Combined as')).toHaveValue('avg');
    await page.getByLabel('Lines by').selectOption('city');
    await expect(page.getByRole('img', { name: 'avg_took_ms over time by city.' })).toContainText('Hà Nội');
    expect(await breaches(page)).toEqual([]);

    const conditions = page.getByLabel('Conditions');
    await conditions.fill('click = 1');
    await conditions.press('Enter');
    await expect(page.getByRole('alert').filter({ hasText: 'there is no column `click`' })).toBeVisible();
    await conditions.fill("clicks >= 1 AND page LIKE 'ex%'");
    await conditions.press('Enter');
    await expect(ranked(page, 'page')).toHaveText([/exam/]);

    // A new window appears without a reload.
    const rows = page.getByRole('row').filter({ hasText: 'exam' });
    await expect(rows).toHaveCount(1);
    await click(weir, [['exam', 'Huế', 50]], 3);
    await expect(rows).toHaveCount(2, { timeout: 40_000 });

    for (const width of [390, 1920]) {
      await page.setViewportSize({ width, height: 900 });
      // A chart follows the width of its panel a moment later.
      const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      await expect.poll(overflow, `${width} px`).toBeLessThanOrEqual(0);
    }
  } finally {
    await weir.stop();
  }
});

test('a page that is open goes on after the server stood still', async ({ page }) => {
  const weir = await startWeir();
  try {
    run(weir, JOB);
    await click(weir, [['home', 'Huế', 10]], 60);
    await click(weir, [['home', 'Huế', 10]], 5);
    await page.goto(`${weir.http}/explore/page_clicks?period=all`);
    await expect(page.getByRole('row').filter({ hasText: 'final' })).not.toHaveCount(0);

    weir.freeze();
    await page.waitForTimeout(1_000);
    weir.thaw();
    await click(weir, [['late', 'Huế', 10]], 3);
    await expect(page.getByRole('row').filter({ hasText: 'late' })).toHaveCount(1, { timeout: 60_000 });
    await expect(page.getByText('There is no result table')).toHaveCount(0);
    await page.goto(`${weir.http}/explore/nothing`);
    await expect(page.getByText('There is no result table nothing')).toBeVisible();
  } finally {
    await weir.stop();
  }
});

test('the pages need a login where tokens are asked for, and lead back', async ({ page }) => {
  const weir = await startWeir({ roles: ['analytics', 'ingest'] });
  try {
    await page.goto(`${weir.http}/explore/faculty?period=7d`);
    await expect(page).toHaveURL(/\/login/);
    await page.getByLabel('Token').fill(weir.secrets.get('analytics') ?? '');
    await page.getByRole('button', { name: 'Log in' }).click();
    await expect(page).toHaveURL(/\/explore\/faculty\?period=7d/);
    await expect(page.getByRole('heading', { name: 'faculty', exact: true }).first()).toBeVisible();
  } finally {
    await weir.stop();
  }
});
