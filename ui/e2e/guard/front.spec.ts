// The first page: from the first event to a dashboard that moves.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { breaches } from '../axe';
import { connection, expect, expectNoOverflow, figure, panel, seeAll, test } from '../fixtures';
import { ask } from './events';
import { startWeir } from './weir';

/** Runs a program as a reader would who pasted it. */
function run(example: string, program: string): string {
  if (example === 'curl') return execFileSync('sh', ['-c', program], { encoding: 'utf8', stdio: 'pipe' });
  const directory = mkdtempSync(join(tmpdir(), 'weir-first-'));
  const [command, file] = example === 'Python' ? ['python3', 'first.py'] : [process.execPath, 'first.mjs'];
  writeFileSync(join(directory, file), program);
  const said = execFileSync(command, [file], { cwd: directory, encoding: 'utf8', stdio: 'pipe' });
  rmSync(directory, { recursive: true });
  return said;
}

test('the first event is sent by each of the examples, and the dashboard follows at once', async ({
  page,
  complaints,
  context,
}) => {
  const weir = await startWeir();
  try {
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.goto(weir.http);
    await expect(page.getByRole('heading', { name: 'No events yet' })).toBeVisible();
    await expect(connection(page)).toHaveText('Live');
    expect(await breaches(page)).toEqual([]);
    for (const width of [360, 1280, 2560]) {
      await page.setViewportSize({ width, height: 900 });
      await expectNoOverflow(page, `${width} px`);
    }
    await page.setViewportSize({ width: 1280, height: 720 });

    // All are read before the first is run: with it the page changes.
    const programs: [string, string][] = [];
    for (const example of ['curl', 'Python', 'JavaScript']) {
      await page.getByRole('button', { name: example, exact: true }).click();
      await page.getByRole('button', { name: 'Copy command' }).click();
      await expect(page.getByRole('main')).toContainText('Copied');
      programs.push([example, await page.evaluate(() => navigator.clipboard.readText())]);
    }
    for (const [example, program] of programs) {
      expect(JSON.parse(run(example, program)), example).toEqual({
        accepted: 1,
        rejected: [],
      });
    }

    await expect(page.getByRole('heading', { name: 'Usage of the assistant' })).toBeVisible();
    await expect(figure(page, 'Questions')).toHaveText('3');
    await seeAll(page);
    await expect(panel(page, 'Share of user types')).toContainText('Sinh viên');
    expect(complaints).toEqual([]);
  } finally {
    await weir.stop();
  }
});

test('an update changes figures, moves nothing, and draws charts on', async ({ page, complaints }) => {
  const weir = await startWeir();
  try {
    await ask(weir, [
      { secondsAgo: 120 },
      { secondsAgo: 60, text: '<img src=x onerror=alert(1)>' },
      { secondsAgo: 2 },
    ]);
    await page.goto(`${weir.http}/?period=15m`);
    await expect(figure(page, 'Questions')).toHaveText('3');
    await seeAll(page);
    // What a user asked is text, never markup.
    await expect(panel(page, 'Most frequent questions')).toContainText('<img src=x onerror=alert(1)>');

    const svg = panel(page, 'Questions per minute').locator('svg').first();
    await svg.evaluate((element) => element.setAttribute('data-same', ''));
    const places = () =>
      page.locator('.board-place').evaluateAll((all) =>
        all.map((one) => {
          const { x, y, width, height } = one.getBoundingClientRect();
          return [x, y + scrollY, width, height].join();
        }),
      );
    const before = await places();

    await ask(weir, [{ text: 'Học bổng?' }, { text: 'Học bổng?' }]);
    await expect(figure(page, 'Questions')).toHaveText('5');
    // A panel that is far from the window asks again when it is near.
    await panel(page, 'Most frequent questions').scrollIntoViewIfNeeded();
    await expect(panel(page, 'Most frequent questions')).toContainText('học bổng?');
    await expect(svg).toHaveAttribute('data-same');
    expect(await places()).toEqual(before);
    expect(complaints).toEqual([]);
  } finally {
    await weir.stop();
  }
});

test('old addresses lead to the same pages, and programs get what they got', async ({ page, request }) => {
  const weir = await startWeir();
  try {
    await ask(weir, [{}]);
    for (const address of ['/d/analytics', '/index.html', '/']) {
      await page.goto(`${weir.http}${address === '/index.html' ? '/' : address}`);
      await expect(page.getByRole('heading', { name: 'Usage of the assistant' })).toBeVisible();
    }
    const list = await request.get(`${weir.http}/alerts`);
    expect(await list.json()).toEqual({ alerts: [] });
    await page.goto(`${weir.http}/alerts`);
    await expect(page.getByRole('heading', { name: 'Alerts' })).toBeVisible();
    for (const [name, heading] of [
      ['Dashboards', 'Dashboards'],
      ['Explore', 'Result tables'],
      ['Alerts', 'Alerts'],
    ] as const) {
      await page.getByRole('navigation').getByRole('link', { name, exact: true }).click();
      await expect(page.getByRole('heading', { name: heading, exact: true })).toBeVisible();
    }
    await page.getByRole('navigation').getByRole('link', { name: 'Jobs' }).click();
    await expect(page).toHaveURL(new RegExp(`^${weir.jobs}`));
  } finally {
    await weir.stop();
  }
});
