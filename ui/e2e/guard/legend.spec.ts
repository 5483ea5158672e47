// Legends: their names hide and show the series of a chart, by mouse and by keyboard, and the address keeps what is hidden.
import { expect, type Locator, type Page, test } from '@playwright/test';
import { breaches } from '../axe';
import { expectNoOverflow } from '../fixtures';
import { click, JOB, run } from './clicks';
import { COUNTS, send, submit } from './pages';
import { startWeir, type Weir } from './weir';

const table = 'page_clicks';
const DASHBOARD = {
  version: 1,
  title: 'Clicks',
  period: '1h',
  panels: [
    { id: 'course', title: 'Course', table, chart: 'line', by: ['city'], at: { x: 0, y: 0, w: 6, h: 4 } },
    { id: 'pages', title: 'Pages', table, chart: 'line', by: ['page'], at: { x: 6, y: 0, w: 6, h: 4 } },
  ],
};

async function startWithClicks(): Promise<Weir> {
  const weir = await startWeir();
  run(weir, JOB);
  for (const seconds of [120, 60, 5]) {
    await click(
      weir,
      [
        ['home', 'Hà Nội', 10],
        ['home', 'Huế', 20],
        ['exam', 'Đà Nẵng', 30],
      ],
      seconds,
    );
  }
  const response = await fetch(`${weir.http}/dashboards/clicks`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json', 'if-none-match': '*' },
    body: JSON.stringify(DASHBOARD),
  });
  expect(response.status, await response.clone().text()).toBe(201);
  return weir;
}

const panel = (page: Page, name: string) => page.getByRole('region', { name, exact: true });
const names = (within: Locator | Page, isPressed: boolean) =>
  within.getByRole('group', { name: 'Shown in the picture' }).getByRole('button', { pressed: isPressed });
/** The lines that a picture over time draws. */
const lines = (within: Locator) => within.locator('.time-picture path[fill="none"]');

test('the legend of a dashboard hides lines, and the address keeps it', async ({ page }) => {
  const weir = await startWithClicks();
  try {
    await page.goto(`${weir.http}/d/clicks`);
    const course = panel(page, 'Course');
    await expect(names(course, true)).toHaveCount(3, { timeout: 40_000 });
    await expect(lines(course)).toHaveCount(3);
    const hue = course.getByRole('button', { name: 'Huế', exact: true });

    // By mouse, on the name that the picture draws.
    const drawn = await course.locator('.time-picture text', { hasText: 'Huế' }).boundingBox();
    if (!drawn) throw new Error('the picture has the name');
    await page.mouse.click(drawn.x + drawn.width / 2, drawn.y + drawn.height / 2);
    await expect(hue).toHaveAttribute('aria-pressed', 'false');
    await expect(lines(course)).toHaveCount(2);
    await expect(course.getByRole('table', { name: /Not shown in the picture: Huế/ })).toBeAttached();
    await expect(page).toHaveURL(/hidden=/);
    // The other panel has its own legend, and the click has chosen no period.
    await expect(names(panel(page, 'Pages'), false)).toHaveCount(0);
    expect(page.url()).not.toContain('from=');
    expect(await breaches(page)).toEqual([]);

    await page.reload();
    await expect(names(course, false)).toHaveCount(1, { timeout: 40_000 });
    await expect(hue).toHaveAttribute('aria-pressed', 'false');
    await expect(lines(course)).toHaveCount(2);

    // By keyboard: the space bar and Enter switch, Shift shows only one.
    await hue.focus();
    await page.keyboard.press('Space');
    await expect(names(course, true)).toHaveCount(3);
    await expect(page).not.toHaveURL(/hidden=/);
    await page.keyboard.press('Enter');
    await expect(names(course, false)).toHaveCount(1);
    await page.keyboard.press('Shift+Enter');
    await expect(names(course, true)).toHaveCount(1);
    await expect(hue).toHaveAttribute('aria-pressed', 'true');
    await expect(lines(course)).toHaveCount(1);

    // A double click does the same, and a second one shows all again.
    const other = course.getByRole('button', { name: 'Đà Nẵng', exact: true });
    await other.dblclick();
    await expect(names(course, true)).toHaveCount(1);
    await expect(other).toHaveAttribute('aria-pressed', 'true');
    // Four clicks at once would not be two double clicks.
    await page.waitForTimeout(1_000);
    await other.dblclick();
    await expect(names(course, true)).toHaveCount(3);
    await expect(lines(course)).toHaveCount(3);

    // All may be hidden: the names stay, and so does the axis of times.
    for (const name of ['Hà Nội', 'Huế', 'Đà Nẵng']) {
      await course.getByRole('button', { name, exact: true }).press('Enter');
    }
    await expect(lines(course)).toHaveCount(0);
    await expect(names(course, false)).toHaveCount(3);
    for (const width of [360, 1280, 1920]) {
      await page.setViewportSize({ width, height: 900 });
      await expectNoOverflow(page, `${width} px`);
    }
  } finally {
    await weir.stop();
  }
});

test('the legend of a table hides lines, and other lines are all shown', async ({ page }) => {
  const weir = await startWithClicks();
  try {
    await page.goto(`${weir.http}/explore/page_clicks?by=city`);
    const picture = page.getByRole('region', { name: 'clicks over time' });
    await expect(names(picture, true)).toHaveCount(3, { timeout: 40_000 });
    await picture.getByRole('button', { name: 'Huế', exact: true }).click();
    await expect(lines(picture)).toHaveCount(2);
    await page.reload();
    await expect(names(picture, false)).toHaveCount(1, { timeout: 40_000 });
    await expect(picture.getByRole('table', { name: /Not shown in the picture: Huế/ })).toBeAttached();
    await page.getByLabel('Lines by').selectOption('page');
    await expect(names(picture, true)).toHaveCount(2);
    await expect(page).not.toHaveURL(/hidden=/);
    expect(await breaches(page)).toEqual([]);
  } finally {
    await weir.stop();
  }
});

test('the legend of a metric hides the line of a subtask', async ({ page, request }) => {
  const weir = await startWeir();
  try {
    const job = await submit(request, weir, 'counts', COUNTS);
    await send(request, weir, 50);
    await page.goto(`${weir.jobs}/#/job/${job}/metrics`);
    await expect(names(page, true)).toHaveCount(2, { timeout: 40_000 });
    const picture = page.getByRole('img', { name: /with a line for each subtask/ });
    const swatch = page.getByRole('button', { name: 'Subtask 2' }).locator('span');
    const color = hex(await swatch.evaluate((swatch: HTMLElement) => swatch.style.color));
    // Of a line without points, the picture has a path without a course.
    const drawn = picture.locator(`path[stroke="${color}"]:not([d=""])`);
    await expect(drawn).not.toHaveCount(0);

    await page.getByRole('button', { name: 'Subtask 2' }).click();
    await expect(drawn).toHaveCount(0);
    await expect(picture).toHaveAccessibleName(/Not shown in the picture: Subtask 2/);
    await expect(page).toHaveURL(/hidden=/);
    await page.reload();
    await expect(names(page, false)).toHaveText(['Subtask 2'], { timeout: 40_000 });
    expect(await breaches(page)).toEqual([]);
    await page.setViewportSize({ width: 360, height: 800 });
    await expectNoOverflow(page, '360 px');
    await page.getByRole('button', { name: 'Subtask 2' }).press('Space');
    await expect(drawn).not.toHaveCount(0);
  } finally {
    await weir.stop();
  }
});

/** A colour as the picture writes it. */
function hex(rgb: string): string {
  const parts = rgb.match(/\d+/g) ?? [];
  return `#${parts.map((part) => Number(part).toString(16).padStart(2, '0')).join('')}`;
}
