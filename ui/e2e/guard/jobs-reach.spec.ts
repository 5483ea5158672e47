// The pages of jobs when the way to the server is not plain: it stands still, refuses, is behind a proxy, or wants a login.
import { request as ask, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type BrowserContext, expect, type Page, test } from '@playwright/test';
import { breaches } from '../axe';
import { BUILT_IN, row } from './pages';
import { startWeir } from './weir';

test('a server that stands still is said to be unreachable, and what was shown stays', async ({ page }) => {
  const weir = await startWeir();
  try {
    await page.goto(weir.jobs);
    await expect(row(page, 'Running jobs', BUILT_IN)).toContainText('RUNNING');
    const status = page.getByRole('banner').getByRole('status');
    await expect(status).toHaveText('Live');

    weir.freeze();
    await expect(page.getByRole('alert')).toContainText(/is not reachable since \d+:\d\d/, {
      timeout: 40_000,
    });
    await expect(status).toHaveText('Not reachable');
    await expect(row(page, 'Running jobs', BUILT_IN)).toContainText('RUNNING');
    expect(await breaches(page)).toEqual([]);

    weir.thaw();
    await expect(status).toHaveText('Live', { timeout: 40_000 });
    await expect(page.getByRole('alert')).toHaveCount(0);
  } finally {
    await weir.stop();
  }
});

test('figures that the server refuses to refresh are said to be old', async ({ page }) => {
  const weir = await startWeir();
  try {
    await page.goto(weir.jobs);
    await expect(row(page, 'Running jobs', BUILT_IN)).toContainText('RUNNING');
    await page.route('**/jobs/overview', (route) =>
      route.fulfill({ status: 403, json: { errors: ['the token lacks the role `view`'] } }),
    );
    await expect(page.getByRole('alert')).toContainText('It says: the token lacks the role `view`');
    await expect(row(page, 'Running jobs', BUILT_IN)).toContainText('RUNNING');
    await page.unroute('**/jobs/overview');
    await expect(page.getByRole('alert')).toHaveCount(0);
  } finally {
    await weir.stop();
  }
});

test('a tab that is hidden asks for nothing', async ({ page }) => {
  const weir = await startWeir();
  try {
    await page.goto(weir.jobs);
    await expect(row(page, 'Running jobs', BUILT_IN)).toContainText('RUNNING');
    await page.evaluate(() => {
      Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    });
    // What was under way may still come.
    await page.waitForTimeout(1_000);
    let asked = 0;
    page.on('request', () => asked++);
    await page.waitForTimeout(5_000);
    expect(asked).toBe(0);
  } finally {
    await weir.stop();
  }
});

test('the pages work behind a proxy that adds a prefix', async ({ page }) => {
  const weir = await startWeir();
  const proxy = createServer((incoming, outgoing) => {
    const path = incoming.url ?? '';
    if (!path.startsWith('/flink/')) return void outgoing.writeHead(404).end();
    const options = {
      method: incoming.method,
      headers: { ...incoming.headers, host: new URL(weir.jobs).host },
    };
    const forwarded = ask(`${weir.jobs}${path.slice('/flink'.length)}`, options, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    incoming.pipe(forwarded);
  });
  try {
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    await page.goto(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}/flink/`);
    await page.getByRole('link', { name: BUILT_IN }).click();
    await expect(page.getByRole('region', { name: 'Graph' })).toContainText('15 sinks');
  } finally {
    proxy.closeAllConnections();
    proxy.close();
    await weir.stop();
  }
});

test('an address leads to its page after a login, also when a session has ended', async ({
  page,
  context,
}) => {
  const weir = await startWeir({ roles: ['view'] });
  try {
    // On the port of the dashboard, too.
    for (const jobs of [`${weir.jobs}/`, `${weir.http}/jobs/`]) {
      await context.clearCookies();
      await page.goto(`${jobs}#/job-manager?tab=log`);
      await leadsBack(page, context, weir.secrets.get('view') ?? '');
      expect(page.url()).toContain(jobs);
    }
  } finally {
    await weir.stop();
  }
});

async function leadsBack(page: Page, context: BrowserContext, secret: string): Promise<void> {
  await page.getByLabel('Token').fill('weir_guessed');
  await page.getByRole('button', { name: 'Log in' }).click();
  await expect(page.getByRole('alert')).toContainText('is unknown');
  await page.getByLabel('Token').fill(secret);
  await page.getByRole('button', { name: 'Log in' }).click();
  await expect(page.getByText('the newest line first')).toBeVisible();

  await page.getByRole('link', { name: 'Overview' }).click();
  await page.getByRole('link', { name: BUILT_IN }).click();
  await page.getByRole('link', { name: 'Checkpoints' }).click();
  await expect(page.getByRole('heading', { name: 'History' })).toBeVisible();

  await context.clearCookies();
  await page.getByLabel('Token').fill(secret);
  await page.getByRole('button', { name: 'Log in' }).click();
  await expect(page.getByRole('heading', { name: 'History' })).toBeVisible();
}

test('the head of the dashboard leads to the jobs on its own port, for those who may', async ({ page }) => {
  const weir = await startWeir({ roles: ['analytics'] });
  try {
    await page.goto(weir.http);
    await page.getByLabel('Token').fill(weir.secrets.get('analytics') ?? '');
    await page.getByRole('button', { name: 'Log in' }).click();
    await expect(page.getByRole('banner').getByRole('status')).toHaveText('Live');
    await page.getByRole('link', { name: 'Jobs' }).click();
    await expect(page).toHaveURL(`${weir.http}/jobs/`);
    await expect(page.getByRole('alert')).toContainText('lacks the role `view`');
  } finally {
    await weir.stop();
  }
});

test('without tokens, the address of the jobs on the port of the dashboard leads to their own port', async ({
  page,
}) => {
  const weir = await startWeir();
  try {
    await page.goto(`${weir.http}/jobs`);
    await expect(row(page, 'Running jobs', BUILT_IN)).toContainText('RUNNING');
    expect(page.url()).toBe(`${weir.jobs}/`);
    const config = await page.request.get(`${weir.http}/jobs/config`);
    expect(config.status()).toBe(404);
  } finally {
    await weir.stop();
  }
});
