// What the tests have in common: a mock of one's own, and a page that must not complain.
import { test as base, expect, type Page } from '@playwright/test';
import { startMock } from './mock-server.mjs';

type Mock = Awaited<ReturnType<typeof startMock>>;

interface Fixtures {
  mock: Mock;
  /** Lines that the browser wrote to its console as errors, and errors that nobody caught. */
  complaints: string[];
}

export const test = base.extend<Fixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of what a fixture needs from its pattern
  mock: async ({}, use) => {
    const mock = await startMock();
    await use(mock);
    await mock.stop();
  },
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

/** The figure under a name in the row of totals. */
export function total(page: Page, name: string) {
  return page.locator('.total', { has: page.getByRole('heading', { name }) }).locator('.total-value');
}

export function panel(page: Page, name: string) {
  return page.getByRole('region', { name, exact: true });
}

export function connection(page: Page) {
  return page.getByRole('banner').getByRole('status');
}

/** A store that has been away since a fixed day in the past, so that its text is the same at any hour. */
export function away() {
  const since = '2025-12-09T14:03:00Z';
  return {
    ok: false,
    since,
    message: 'the result store cannot be reached: Connection refused (os error 111)',
  };
}
