// Generated events: they fill every panel, are said to be made up, and go without a trace in the figures of others.
import { fileURLToPath } from 'node:url';
import { breaches } from '../axe';
import { expect, expectNoOverflow, figure, panel, seeAll, test } from '../fixtures';
import { ask } from './events';
import { startWeir, type Weir } from './weir';

const OUTPUT = fileURLToPath(new URL('../output/', import.meta.url));

async function tables(weir: Weir): Promise<{ name: string; rows: number }[]> {
  return (await (await fetch(`${weir.http}/results`)).json()).tables;
}

/** Starts the generator as a reader does, and waits until the past is filled. */
async function generate(weir: Weir, page: import('@playwright/test').Page): Promise<void> {
  await page.goto(weir.http);
  await page.getByRole('button', { name: 'Show generated events' }).click();
  await expect(page.getByRole('region', { name: 'Generated events' })).toContainText('made up');
  const state = async () => (await (await fetch(`${weir.http}/generated`)).json()).state;
  await expect.poll(state, { timeout: 90_000 }).toBe('running');
}

test('one button fills every panel, another removes all of it, and own events stay', async ({
  page,
  complaints,
}) => {
  const weir = await startWeir();
  try {
    await generate(weir, page);
    await page.getByRole('button', { name: '7 days' }).click();
    await seeAll(page);
    await expect(page.getByText('Nothing in this period')).toHaveCount(0, { timeout: 60_000 });
    await expect(page.getByRole('alert')).toHaveCount(0);
    expect(await breaches(page)).toEqual([]);

    // Own events are counted on their own, and their figures take the page.
    const health = await (await fetch(`${weir.http}/analytics/redis/overall-summary`)).json();
    expect(health.total_queries).toBe(0);
    await ask(weir, [{ text: 'của tôi' }, { text: 'của tôi' }]);
    await expect(figure(page, 'Questions')).toHaveText('2');
    const note = page.getByRole('region', { name: 'Generated events' });
    await expect(note).toContainText('your own events');
    await note.getByRole('button', { name: 'Show generated figures' }).click();
    await expect(note).toContainText('made up');
    await expect(figure(page, 'Questions')).not.toHaveText('2');

    await note.getByRole('button', { name: 'Remove generated events' }).click();
    await expect(note).toBeHidden();
    await expect(figure(page, 'Questions')).toHaveText('2');
    await expect(panel(page, 'Most frequent questions')).toContainText('của tôi');
    const left = await tables(weir);
    expect(left.filter(({ name }) => name.startsWith('generated_'))).toEqual([]);
    expect(left.find(({ name }) => name === 'overall')?.rows).toBeGreaterThan(0);
    const { jobs } = await (await fetch(`${weir.jobs}/jobs/overview`)).json();
    const states = jobs.map(({ name, state }: { name: string; state: string }) => `${name}: ${state}`);
    expect(states.sort()).toEqual(['Generated events: CANCELED', 'Query Analytics Streaming: RUNNING']);
    expect(complaints).toEqual([]);
  } finally {
    await weir.stop();
  }
});

test('the page with all its figures fits every screen, light and dark', async ({ page }) => {
  test.setTimeout(300_000);
  const weir = await startWeir();
  try {
    await generate(weir, page);
    for (const [width, colorScheme] of [
      [360, 'dark'],
      [768, 'light'],
      [1280, 'light'],
      [2560, 'dark'],
      [3840, 'light'],
    ] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.setViewportSize({ width, height: width < 800 ? 800 : (width * 9) / 16 });
      await page.goto(`${weir.http}/?period=7d`);
      await seeAll(page);
      await expectNoOverflow(page, `${width} px ${colorScheme}`);
      await page.screenshot({ path: `${OUTPUT}${width}-${colorScheme}.png`, fullPage: true });
      expect(await breaches(page), `${width} px ${colorScheme}`).toEqual([]);
    }
  } finally {
    await weir.stop();
  }
});

test('a second start begins anew, and whoever lacks the role is refused', async ({ request }) => {
  const weir = await startWeir({ roles: ['analytics', 'submit'] });
  try {
    const as = (role: string) => ({ headers: { authorization: `Bearer ${weir.secrets.get(role)}` } });
    const address = `${weir.http}/generated`;
    expect((await request.get(address, as('analytics'))).status()).toBe(200);
    expect((await request.post(address, as('analytics'))).status()).toBe(403);

    for (const _ of [1, 2]) {
      expect((await request.post(address, as('submit'))).status()).toBe(202);
      const rows = async () => {
        const { tables } = await (await request.get(`${weir.http}/results`, as('analytics'))).json();
        return tables.find(({ name }: { name: string }) => name === 'generated_overall')?.rows ?? 0;
      };
      await expect.poll(rows, { timeout: 60_000 }).toBeGreaterThan(0);
      const removed = await request.delete(address, as('submit'));
      expect(await removed.json()).toMatchObject({ state: 'off', events: 0 });
      expect(await rows()).toBe(0);
    }
  } finally {
    await weir.stop();
  }
});
