// Dashboards: an analyst pins a chart and arranges it, others look at it, and nobody loses the work of another.
import { readFileSync } from 'node:fs';
import { expect, type Page, test } from '@playwright/test';
import { breaches } from '../axe';
import { seeAll } from '../fixtures';
import { click, JOB, run } from './clicks';
import { startWeir, type Weir } from './weir';

const CLICKS: Parameters<typeof click>[1] = [
  ['home', 'Hà Nội', 10],
  ['home', 'Huế', 20],
  ['exam', 'Hà Nội', 30],
];

const at = (x: number, y: number, w: number, h: number) => ({ x, y, w, h });
const table = 'page_clicks';
const DASHBOARD = {
  version: 1,
  title: 'Clicks',
  period: '1h',
  panels: [
    { id: 'total', title: 'All clicks', table, chart: 'number', at: at(0, 0, 4, 3) },
    { id: 'pages', title: 'Pages', table, chart: 'bars', by: ['page'], at: at(4, 0, 4, 4) },
    { id: 'cities', title: 'Cities', table, chart: 'share', by: ['city'], at: at(8, 0, 4, 4) },
    { id: 'course', title: 'Course', table, chart: 'line', at: at(0, 4, 6, 4) },
    {
      id: 'map',
      title: 'Pages and cities',
      table,
      chart: 'heat-map',
      by: ['page', 'city'],
      at: at(6, 4, 6, 4),
    },
    { id: 'all', title: 'All of it', table, chart: 'table', by: ['page', 'city'], at: at(0, 8, 12, 5) },
  ],
};

async function startWithClicks(): Promise<Weir> {
  const weir = await startWeir();
  run(weir, JOB);
  await click(weir, CLICKS, 60);
  await click(weir, [['home', 'Hà Nội', 40]], 5);
  return weir;
}

/** Saves a dashboard under a name that is free. */
async function put(weir: Weir, name: string, dashboard: object) {
  const response = await fetch(`${weir.http}/dashboards/${name}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json', 'if-none-match': '*' },
    body: JSON.stringify(dashboard),
  });
  expect(response.status, await response.clone().text()).toBe(201);
}

const panel = (page: Page, name: string) => page.getByRole('region', { name, exact: true });

test('a chart is pinned, changed, moved and saved, and is there after a reload', async ({ page }) => {
  const weir = await startWithClicks();
  try {
    await page.goto(`${weir.http}/explore/page_clicks`);
    await expect(page.getByRole('row').filter({ hasText: 'final' })).not.toHaveCount(0);
    await page.getByText('Pin…').click();
    await page.getByRole('button', { name: 'A new dashboard' }).click();
    await page.getByRole('link', { name: 'page_clicks', exact: true }).click();
    await expect(page).toHaveURL(/\/d\/page-clicks/);
    await expect(panel(page, 'page_clicks').getByRole('img').first()).toBeVisible();

    await page.getByRole('button', { name: 'Edit' }).click();
    await page.getByLabel('Title of the dashboard').fill('Đường vào');
    await page.getByRole('button', { name: 'Change page_clicks' }).click();
    await page.getByRole('textbox', { name: 'Title', exact: true }).fill('Trang');
    await page.getByRole('combobox', { name: 'Chart' }).selectOption('bars');
    await page.getByRole('combobox', { name: 'By' }).selectOption('page');
    await page.getByRole('button', { name: 'Done' }).click();
    await expect(panel(page, 'Trang').getByRole('listitem')).toHaveText([/home\s*3/, /exam\s*1/]);

    const head = await page.getByRole('heading', { name: 'Trang' }).boundingBox();
    if (!head) throw new Error('the panel has a head');
    await page.mouse.move(head.x + 5, head.y + 5);
    await page.mouse.down();
    await page.mouse.move(head.x + 900, head.y + 5, { steps: 12 });
    await page.mouse.up();
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await expect(page.getByRole('button', { name: 'Edit' })).toBeVisible();

    await page.reload();
    await expect(page.getByRole('heading', { name: 'Đường vào' })).toBeVisible();
    await expect(panel(page, 'Trang').getByRole('listitem')).toHaveCount(2);
    const kept = await (await fetch(`${weir.http}/dashboards/page-clicks`)).json();
    expect(kept.panels[0]).toMatchObject({ title: 'Trang', chart: 'bars', by: ['page'], at: { x: 6, y: 0 } });
  } finally {
    await weir.stop();
  }
});

test('a dashboard shows what the routes say, filters, and fits every screen', async ({ page }) => {
  const weir = await startWithClicks();
  try {
    await put(weir, 'clicks', DASHBOARD);
    await page.goto(`${weir.http}/d/`);
    await page.getByRole('link', { name: /Clicks/ }).click();

    await expect(panel(page, 'All clicks').locator('strong')).toHaveText('4', { timeout: 40_000 });
    const rows = await fetch(`${weir.http}/results/page_clicks?aggregate=sum(clicks)`);
    const total = (await rows.json()).rows[0]['sum(clicks)'];
    expect(total).toBe(4);
    for (const { title, chart } of DASHBOARD.panels) {
      const shown = panel(page, title);
      await expect(shown.getByRole('alert')).toHaveCount(0);
      if (['share', 'line', 'heat-map'].includes(chart))
        await expect(shown.getByRole('img').first()).toBeVisible();
    }
    expect(await breaches(page)).toEqual([]);

    // A click on a bar filters every panel whose table has the column, and the address says so.
    await panel(page, 'Pages').getByRole('button', { name: 'exam' }).click();
    await expect(panel(page, 'All clicks').locator('strong')).toHaveText('1');
    await expect(panel(page, 'Pages').getByRole('listitem')).toHaveCount(2);
    await page.reload();
    await expect(panel(page, 'All clicks').locator('strong')).toHaveText('1');
    await page.getByRole('button', { name: 'Show all values of page again' }).click();
    await expect(panel(page, 'All clicks').locator('strong')).toHaveText(String(total));

    // The figures behind a picture, and its files.
    const menu = panel(page, 'Course').getByLabel('More about Course');
    await menu.click();
    await panel(page, 'Course').getByRole('button', { name: 'As a table' }).click();
    await expect(panel(page, 'Course').getByRole('columnheader', { name: 'sum(clicks)' })).toBeInViewport();
    await menu.click();
    await panel(page, 'Course').getByRole('button', { name: 'As a picture' }).click();
    for (const [choice, type] of [
      ['Save as SVG', 'svg'],
      ['Save as PNG', 'png'],
    ] as const) {
      const download = page.waitForEvent('download');
      await menu.click();
      await panel(page, 'Course').getByRole('button', { name: choice }).click();
      const file = readFileSync(await (await download).path()).toString('base64');
      // A browser shows it, so it is well formed.
      const width = await page.evaluate(
        async (address) => {
          const image = new Image();
          image.src = address;
          await image.decode();
          return image.width;
        },
        `data:image/${type === 'svg' ? 'svg+xml' : 'png'};base64,${file}`,
      );
      expect(width).toBeGreaterThan(100);
    }

    for (const width of [360, 1024, 3840]) {
      await page.setViewportSize({ width, height: 900 });
      const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      await expect.poll(overflow, `${width} px`).toBeLessThanOrEqual(0);
    }
    await page.setViewportSize({ width: 1280, height: 720 });
    await page.getByRole('button', { name: 'Wall view' }).click();
    const beyond = () => page.evaluate(() => document.documentElement.scrollHeight - innerHeight);
    await expect.poll(beyond).toBeLessThanOrEqual(0);
  } finally {
    await weir.stop();
  }
});

test('two who change a dashboard, an odd file, and a chart that cannot be loaded', async ({ page }) => {
  const weir = await startWithClicks();
  try {
    await put(weir, 'clicks', DASHBOARD);
    await page.route(/\/assets\/share-.*\.js/, (route) => route.abort());
    await page.goto(`${weir.http}/d/clicks`);
    await expect(panel(page, 'Cities').getByRole('alert')).toContainText('could not be loaded');
    await expect(panel(page, 'Pages').getByRole('listitem')).toHaveCount(2);

    await page.getByRole('button', { name: 'Edit' }).click();
    await page.getByLabel('Title of the dashboard').fill('Mine');
    const { headers } = await fetch(`${weir.http}/dashboards/clicks`);
    const changed = await fetch(`${weir.http}/dashboards/clicks`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json', 'if-match': headers.get('etag') ?? '' },
      body: JSON.stringify({ ...DASHBOARD, title: 'Theirs' }),
    });
    expect(changed.status).toBe(200);
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await expect(page.getByRole('alert').filter({ hasText: 'Somebody else' })).toBeVisible();
    expect((await (await fetch(`${weir.http}/dashboards/clicks`)).json()).title).toBe('Theirs');
    await page.getByRole('button', { name: 'Discard' }).click();

    await page.getByRole('link', { name: 'Dashboards' }).click();
    const file = { name: 'odd.json', mimeType: 'application/json' };
    const [first, ...others] = DASHBOARD.panels;
    const wide = { ...DASHBOARD, title: 'Wide', panels: [{ ...first, at: at(8, 0, 9, 2) }, ...others] };
    await page
      .getByLabel('Import a file')
      .setInputFiles({ ...file, buffer: Buffer.from(JSON.stringify(wide)) });
    await expect(page.getByRole('alert').filter({ hasText: 'panels[0].at' })).toBeVisible();
    await page.getByLabel('Import a file').setInputFiles({ ...file, buffer: Buffer.from('{') });
    await expect(page.getByRole('alert').filter({ hasText: 'odd.json: The file is not JSON' })).toBeVisible();

    // What is exported can be imported.
    await page.getByRole('link', { name: /Theirs/ }).click();
    const download = page.waitForEvent('download');
    await page.getByLabel('More about this dashboard').click();
    await page.getByRole('button', { name: 'Export as JSON' }).click();
    const exported = readFileSync(await (await download).path());
    expect(JSON.parse(exported.toString())).toEqual({ ...DASHBOARD, title: 'Theirs' });
    await page.getByRole('link', { name: 'Dashboards' }).click();
    await page.getByLabel('Import a file').setInputFiles({ ...file, buffer: exported });
    await expect(page).toHaveURL(/\/d\/theirs/);
    await expect(panel(page, 'Pages').getByRole('listitem')).toHaveCount(2);
  } finally {
    await weir.stop();
  }
});

test('the built-in dashboard shows generated events in every panel', async ({ page }) => {
  const weir = await startWeir();
  try {
    const timestamp = new Date(Date.now() - 90_000).toISOString();
    const event = (n: number) => ({
      query_id: `q${n}`,
      timestamp,
      user: { user_id: `u${n}`, user_type: 'Sinh viên', department_id: 1, department_name: 'Toán', years: 2 },
      query_text: 'Lịch thi?',
      rag_params: { context_found: 2 },
      rag_metrics: { response_time_ms: 100 + n * 10, success: n % 4 > 0 },
      metadata: { history_used: false, query_rewritten: false },
    });
    const now = { ...event(99), query_id: 'now', timestamp: new Date().toISOString() };
    const lines = [...Array.from({ length: 20 }, (_, n) => event(n)), now];
    const response = await fetch(`${weir.http}/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: lines.map((line) => JSON.stringify(line)).join('\n'),
    });
    expect(response.status).toBe(202);

    await page.goto(`${weir.http}/d/analytics`);
    await seeAll(page);
    await expect(page.getByRole('alert')).toHaveCount(0);
    await expect(page.getByText('Nothing in this period')).toHaveCount(0, { timeout: 30_000 });
    expect(await breaches(page)).toEqual([]);

    // The windows differ in size, so an average of averages without weights would be another number.
    const overall = await (await fetch(`${weir.http}/analytics/redis/overall-summary?days=1`)).json();
    expect(overall.total_queries).toBe(21);
    const figure = (name: string) => panel(page, name).locator('strong');
    await expect(figure('Questions')).toHaveText('21');
    await expect(figure('Average response time (ms)')).toHaveText(
      new RegExp(`^${Math.round(overall.avg_response_time)}.?ms$`),
    );
    await expect(figure('Successful answers (%)')).toHaveText(
      String(Number(overall.success_rate.toFixed(3))),
    );
  } finally {
    await weir.stop();
  }
});
