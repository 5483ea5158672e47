// The way of a person with a browser and a token: in, through the pages, and out again, against the real guard.
import { expect, type Page, test } from '@playwright/test';
import { type Scheme, startWeir } from './weir';

test.use({ ignoreHTTPSErrors: true });

const ROLES = {
  view: { board: false, jobs: true, cancels: false },
  operate: { board: false, jobs: true, cancels: true },
  submit: { board: false, jobs: true, cancels: true },
  ingest: { board: false, jobs: false, cancels: false },
  analytics: { board: true, jobs: false, cancels: false },
};

for (const scheme of ['http', 'https'] satisfies Scheme[]) {
  for (const [role, may] of Object.entries(ROLES)) {
    test(`${scheme}, ${role}: logs in, sees what the role may, and logs out`, async ({ page }) => {
      const weir = await startWeir({ scheme, roles: Object.keys(ROLES) });
      try {
        await logIn(page, weir.http, weir.secrets.get(role) ?? '');
        await (may.board ? seesBoard(page) : lacks(page, 'analytics'));

        // The pages of jobs are below the same address.
        await page.goto(`${weir.http}/jobs`);
        await (may.jobs ? seesRunning(page) : lacks(page, 'view'));

        // The session holds on the other port as well.
        await page.goto(weir.jobs);
        await (may.jobs ? seesJobs(page, may.cancels) : lacks(page, 'view'));
        await logOut(page);
        await page.goto(weir.http);
        await isAsked(page);

        // And the same the other way round.
        await logIn(page, weir.jobs, weir.secrets.get(role) ?? '');
        await page.goto(weir.http);
        await (may.board ? seesBoard(page) : lacks(page, 'analytics'));
        await logOut(page);
        await page.goto(weir.jobs);
        await isAsked(page);
      } finally {
        await weir.stop();
      }
    });
  }
}

test('a wrong token is told so, and the right one still passes', async ({ page }) => {
  const weir = await startWeir({ roles: ['analytics'] });
  try {
    await logIn(page, weir.http, 'weir_guessed');
    await expect(page.getByRole('alert')).toContainText('is unknown');
    await logIn(page, weir.http, weir.secrets.get('analytics') ?? '');
    await seesBoard(page);
  } finally {
    await weir.stop();
  }
});

async function logIn(page: Page, url: string, secret: string): Promise<void> {
  await page.goto(url);
  await page.getByLabel('Token').fill(secret);
  await page.getByRole('button', { name: 'Log in' }).click();
}

async function logOut(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Log out' }).click();
  await isAsked(page);
}

/** The page asks for a token, and knows nobody. */
async function isAsked(page: Page): Promise<void> {
  await expect(page.getByLabel('Token')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Log out' })).toBeHidden();
}

async function lacks(page: Page, role: string): Promise<void> {
  await expect(page.getByRole('alert')).toContainText(`lacks the role \`${role}\``);
}

/** The page says "Live" once its WebSocket has brought the first message. */
async function seesBoard(page: Page): Promise<void> {
  await expect(page.getByRole('banner').getByRole('status')).toHaveText('Live');
  await expect(page.getByRole('button', { name: 'Log out' })).toBeVisible();
}

async function seesRunning(page: Page) {
  const row = page.getByRole('row', { name: 'Query Analytics Streaming' });
  await expect(row).toContainText('RUNNING');
  return row;
}

async function seesJobs(page: Page, mayCancel: boolean): Promise<void> {
  const row = await seesRunning(page);
  await row.getByRole('button', { name: 'Cancel' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Cancel job' }).click();
  if (mayCancel) {
    await expect(row).toContainText('CANCELED');
    return;
  }
  await expect(dialog.getByRole('alert')).toContainText('lacks the role `operate`');
  await dialog.getByRole('button', { name: 'Keep running' }).click();
}
