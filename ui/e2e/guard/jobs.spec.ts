// The page of the job manager, against a real one: readable by all, on screens of any width.
import { fileURLToPath } from 'node:url';
import { expect, test } from '@playwright/test';
import { breaches } from '../axe';
import { startWeir } from './weir';

const OUTPUT = fileURLToPath(new URL('../output/', import.meta.url));

test('nothing sticks out at any width, and rules of accessibility hold', async ({ page, request }) => {
  const weir = await startWeir();
  try {
    // One job that runs, one that is over, and a long name.
    const name = 'counts-the-queries-of-everybody-in-every-department-of-the-university'.repeat(2);
    const script = `CREATE TABLE q (query_id STRING) WITH ('connector' = 'kafka', 'topic' = 'user-queries', 'format' = 'json');
      CREATE TABLE n (query_id STRING) WITH ('connector' = 'blackhole'); INSERT INTO n SELECT query_id FROM q;`;
    const submitted = await request.post(`${weir.jobs}/weir/jobs?name=${name}`, {
      headers: { 'content-type': 'text/plain' },
      data: script,
    });
    const { jobid } = await submitted.json();
    await request.patch(`${weir.jobs}/jobs/${jobid}?mode=cancel`);

    for (const width of [360, 390, 1280, 1920]) {
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 900 });
        await page.goto(weir.jobs);
        await expect(page.getByText('CANCELED', { exact: true })).toBeVisible();
        await expect(page.getByText('RUNNING', { exact: true })).toBeVisible();
        await page.screenshot({ path: `${OUTPUT}jobs-${width}-${colorScheme}.png` });
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
        expect(await breaches(page)).toEqual([]);
      }
    }
  } finally {
    await weir.stop();
  }
});
