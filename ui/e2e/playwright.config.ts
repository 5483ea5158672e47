// End-to-end tests in Debian's Chromium.
//
// With WEIR_URL only those in server/ run, against the server there; they work with any. With WEIR_BINARY only those in
// guard/ run, each against a Weir of its own that it starts. Without both all others run, each against a mock server of
// its own.
import { defineConfig, devices } from '@playwright/test';

const { WEIR_BINARY, WEIR_URL } = process.env;

export default defineConfig({
  testDir: '.',
  testMatch: WEIR_URL ? 'server/*.spec.ts' : WEIR_BINARY ? 'guard/*.spec.ts' : '**/*.spec.ts',
  testIgnore: WEIR_BINARY ? undefined : 'guard/**',
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
