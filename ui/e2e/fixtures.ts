// What the tests have in common: a page that must not complain, and where to find things on it.
import { test as base, expect, type Page } from '@playwright/test';

interface Fixtures {
  /** Lines that the browser wrote to its console as errors, and errors that nobody caught. */
  complaints: string[];
}

export const test = base.extend<Fixtures>({
  complaints: async ({ page }, use) => {
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    await use(complaints);
  },
});

export { expect };

export function panel(page: Page, name: string) {
  return page.getByRole('region', { name, exact: true });
}

/** The figure of a panel with one number. */
export function figure(page: Page, name: string) {
  return panel(page, name).locator('strong');
}

export function connection(page: Page) {
  return page.getByRole('banner').getByRole('status');
}

/** Scrolls through a page, so that every panel has been near the window. */
export async function seeAll(page: Page): Promise<void> {
  await expect(page.locator('.board-panel')).not.toHaveCount(0);
  for (const place of await page.locator('.board-place').all()) await place.scrollIntoViewIfNeeded();
  await expect(page.locator('.board-skeleton')).toHaveCount(0, { timeout: 40_000 });
  await page.evaluate(() => scrollTo(0, 0));
}

/** Nothing is wider than the window. */
export async function expectNoOverflow(page: Page, what: string): Promise<void> {
  const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  await expect.poll(overflow, what).toBeLessThanOrEqual(0);
}
