// End-to-end tests in Debian's Chromium.
//
// With WEIR_URL only those in server/ run, against the server there; they work with any. Otherwise those in guard/ run,
// each against a Weir of its own, which it starts from WEIR_BINARY.
import { defineConfig, devices } from '@playwright/test';

const { WEIR_BINARY, WEIR_URL } = process.env;
if (!WEIR_BINARY && !WEIR_URL) {
  throw new Error('WEIR_BINARY names the binary of weir, or WEIR_URL a server: see ui/README.md');
}

export default defineConfig({
  testDir: '.',
  testMatch: WEIR_URL ? 'server/*.spec.ts' : 'guard/*.spec.ts',
  outputDir: 'output/failures',
  workers: 1,
  // Limits, not expectations: a busy machine draws slowly.
  timeout: 120_000,
  expect: { timeout: 20_000 },
  forbidOnly: true,
  reporter: 'list',
  use: {
    ...devices['Desktop Chrome'],
    locale: 'en-US',
    timezoneId: 'UTC',
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
});
