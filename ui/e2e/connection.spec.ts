// The connection: lost and found again, never there, silent.
import { away, connection, expect, test, total } from './fixtures';

test('a lost connection is shown, the figures stay, and it comes back up to date', async ({ page, mock }) => {
  await page.goto(mock.url);
  await expect(total(page, 'Queries')).toHaveText('28,646');
  mock.refuse(true);
  mock.drop();
  await expect(connection(page)).toHaveText('Reconnecting');
  await expect(page.locator('.countdown')).toHaveText(/^in \d+ s$/);
  await expect(total(page, 'Queries')).toHaveText('28,646');

  mock.analytics.overall.total_queries = 30_000;
  mock.refuse(false);
  await expect(connection(page)).toHaveText('Live');
  await expect(total(page, 'Queries')).toHaveText('30,000');
});

test('a server that was never there is named, and found when it comes', async ({ page, mock }) => {
  mock.refuse(true);
  await page.goto(mock.url);
  await expect(page.getByRole('heading', { name: 'Weir cannot be reached' })).toBeVisible();
  await expect(page.getByRole('main')).toContainText(new URL(mock.url).host);
  // Late enough that the next attempt does not come before the click.
  await expect(page.locator('.countdown')).toHaveText(/^in ([5-9]|1\d) s$/);
  mock.refuse(false);
  await page.getByRole('main').getByRole('button', { name: 'Retry now' }).click();
  await expect(total(page, 'Queries')).toHaveText('28,646');
});

test('a server that does not answer is stale until it does', async ({ page, mock }) => {
  await page.clock.install();
  await page.goto(mock.url);
  await page.clock.runFor(1_000);
  await expect(connection(page)).toHaveText('Live');
  mock.freeze();
  // In less than ten seconds, though the socket stays open.
  await page.clock.runFor(9_000);
  await expect(connection(page)).toHaveText('Stale');
  mock.send('{"type":"heartbeat"}');
  await expect(connection(page)).toHaveText('Live');
});

test('results that are being loaded are said to be, and not to be missing', async ({ page, mock }) => {
  mock.load();
  await page.goto(mock.url);
  await expect(page.getByRole('heading', { name: 'Loading results' })).toBeVisible();
  await expect(connection(page)).toHaveText('Loading');
  await expect(page.getByRole('heading', { name: 'No events yet' })).toBeHidden();
  mock.loaded();
  await expect(total(page, 'Queries')).toHaveText('28,646');
  await expect(connection(page)).toHaveText('Live');
});

test('a job that has ended is said to be, and the page does not call itself live', async ({ page, mock }) => {
  await page.goto(mock.url);
  await expect(connection(page)).toHaveText('Live');
  mock.stand({ jobs: { ...away(), message: 'job `analytics` was cancelled' } });
  await expect(connection(page)).toHaveText('Degraded');
  await expect(page.getByRole('banner')).toContainText(
    /Figures are outdated .*: job `analytics` was cancelled/,
  );
  mock.stand();
  await expect(connection(page)).toHaveText('Live');
});

test('a file of charts that does not arrive leaves a page that says so', async ({ page, mock }) => {
  mock.lose(/Dashboard/);
  await page.goto(mock.url);
  await expect(page.getByRole('heading', { name: 'The charts could not be loaded' })).toBeVisible();
  await expect(connection(page)).toHaveText('Live');
  mock.lose(null);
  await page.getByRole('button', { name: 'Reload' }).click();
  await expect(total(page, 'Queries')).toHaveText('28,646');
});

test('a store that is away is said to be where the connection is shown, until it is back', async ({
  page,
  mock,
}) => {
  await page.goto(mock.url);
  await expect(total(page, 'Queries')).toHaveText('28,646');
  const header = page.getByRole('banner');
  await expect(header).not.toContainText('Results');

  mock.stand({ store: away() });
  await expect(header).toContainText(
    /Results are not arriving since Dec 9, 2025, 9:03\sPM: .*Connection refused\. Nothing is lost/,
  );
  await expect(connection(page)).toHaveText('Degraded');
  await expect(total(page, 'Queries')).toHaveText('28,646');

  // Who comes meanwhile is told, too; without a connection nothing is known of it.
  await page.reload();
  await expect(header).toContainText('Results are not arriving');
  mock.refuse(true);
  mock.drop();
  await expect(connection(page)).toHaveText('Reconnecting');
  await expect(header).not.toContainText('Results');
  mock.refuse(false);
  await expect(header).toContainText('Results are not arriving');

  mock.stand();
  await expect(header).not.toContainText('Results');
});

test('whoever must log in is led there and back, also when a session ends, and may log out', async ({
  page,
  mock,
}) => {
  mock.logIn(null);
  await page.goto(mock.url);
  await expect(page.getByRole('heading', { name: 'Log in' })).toBeVisible();
  await expect(page).toHaveURL(/\/login\?to=%2F$/);

  mock.logIn('board');
  await page.goto(mock.url);
  await expect(connection(page)).toHaveText('Live');
  await expect(page.getByRole('banner')).toContainText('board');
  mock.logIn(null);
  mock.drop();
  await expect(page.getByRole('heading', { name: 'Log in' })).toBeVisible();

  mock.logIn('board');
  await page.goto(mock.url);
  await page.getByRole('button', { name: 'Log out' }).click();
  await expect(page.getByRole('heading', { name: 'Log in' })).toBeVisible();
});
