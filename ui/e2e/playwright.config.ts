// End-to-end tests in Debian's Chromium.
//
// With WEIR_URL only those in server/ run, against the server there; they work with any. Without it all run, each
// against a mock server of its own.
import { defineConfig, devices } from '@playwright/test';

export default defineConfig({
  testDir: '.',
  testMatch: process.env.WEIR_URL ? 'server/*.spec.ts' : '**/*.spec.ts',
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
