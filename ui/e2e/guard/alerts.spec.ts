// The page of alerts: a rule is made, tested, fires, is changed, and goes.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { breaches } from '../axe';
import { expect, expectNoOverflow, test } from '../fixtures';
import { ask } from './events';
import { startWeir } from './weir';

/** A receiver of notifications that notes what it gets. */
async function receiver() {
  const got: { state: string; reason: string; authorization: string | undefined }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => {
      body += part;
    });
    request.on('end', () => {
      const { state, reason } = JSON.parse(body);
      got.push({ state, reason, authorization: request.headers.authorization });
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/hook`, got, stop: () => server.close() };
}

test('a rule is made with the keyboard, tested, fires, is changed, and deleted', async ({
  page,
  complaints,
}) => {
  const weir = await startWeir();
  const hook = await receiver();
  try {
    await ask(weir, [{ secondsAgo: 300, responseMs: 9_000 }, { responseMs: 9_000 }]);
    await page.goto(`${weir.http}/alerts`);
    await page.getByRole('link', { name: 'New alert' }).focus();
    await page.keyboard.press('Enter');

    await page.getByLabel('Title', { exact: true }).fill('Trả lời chậm');
    await page.getByRole('combobox', { name: 'Table' }).selectOption('response_time');
    await page.getByRole('combobox', { name: 'Number', exact: true }).selectOption('p95_time');
    await page.getByLabel('Conditions').fill('query_cuont > 0');
    await page.getByLabel('Bound').fill('3000');
    await page.getByLabel('Webhook', { exact: true }).fill(hook.url);
    await page.getByLabel('Header of the webhook', { exact: true }).fill('Authorization');
    await page.getByLabel('Value of the header').fill('Bearer secret');
    await page.getByLabel('Bound').press('Enter');
    await expect(page).toHaveURL(/alert=tra-loi-cham/);

    // A condition on a column that the table lacks is told, and mended.
    const card = page.getByRole('link', { name: /Trả lời chậm/ });
    await expect(card).toContainText('query_cuont');
    await page.getByLabel('Conditions').fill('');
    await page.getByRole('button', { name: 'Save' }).click();
    await expect(card).toContainText('firing');

    await page.getByRole('button', { name: 'Send a test' }).click();
    await expect(page.getByRole('form').getByRole('status')).toContainText('the receiver answered 200');
    const history = page.getByRole('region', { name: 'Last notifications' }).last();
    await expect(history.getByRole('row').nth(1)).toContainText(/firing.*Sinh viên.*delivered/);
    await expect
      .poll(() => hook.got.map(({ reason }) => reason).sort())
      .toEqual(['beyond the bound', 'test']);
    expect(new Set(hook.got.map(({ authorization }) => authorization))).toEqual(new Set(['Bearer secret']));

    // The secret is kept when the rule is changed.
    await page.getByLabel('Bound').fill('20000');
    await page.getByRole('button', { name: 'Save' }).click();
    await expect(card).toContainText('ok');
    await expect.poll(() => hook.got.at(-1)?.state).toBe('resolved');
    expect(hook.got.at(-1)?.authorization).toBe('Bearer secret');

    expect(await breaches(page)).toEqual([]);
    for (const width of [360, 1280, 3840]) {
      await page.setViewportSize({ width, height: 900 });
      await expectNoOverflow(page, `${width} px`);
    }

    page.once('dialog', (dialog) => void dialog.accept());
    await page.getByRole('button', { name: 'Delete…' }).click();
    await expect(page.getByText('There are no alerts yet')).toBeVisible();
    expect(await (await fetch(`${weir.http}/alerts`)).json()).toEqual({ alerts: [] });
    expect(complaints).toEqual([]);
  } finally {
    hook.stop();
    await weir.stop();
  }
});

test('a refusal of the server is shown in its words', async ({ page }) => {
  const weir = await startWeir();
  try {
    await page.goto(`${weir.http}/alerts?alert=NEW`);
    await page.getByLabel('Title', { exact: true }).fill('A');
    await page.getByLabel('Bound').fill('1');
    await page.getByRole('button', { name: 'Save' }).click();
    await expect(page.getByRole('alert')).toContainText('table');
  } finally {
    await weir.stop();
  }
});
