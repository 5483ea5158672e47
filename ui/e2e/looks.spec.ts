// How it looks: pictures at several widths in output/ for people, and the rules that a machine can check.
import { fileURLToPath } from 'node:url';
import { breaches } from './axe';
import { away, expect, panel, test, total } from './fixtures';
import { emptyAnalytics } from './mock-data.mjs';

const OUTPUT = fileURLToPath(new URL('output/', import.meta.url));

for (const width of [360, 390, 768, 1280, 1920, 2560]) {
  for (const colorScheme of ['light', 'dark'] as const) {
    test(`${width} px ${colorScheme}: nothing sticks out, rules of accessibility hold`, async ({
      page,
      mock,
    }) => {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.setViewportSize({ width, height: width < 800 ? 900 : 1440 });
      await page.goto(mock.url);
      await expect(total(page, 'Queries')).toHaveText('28,646');
      await expect(panel(page, 'Years of study').locator('svg')).toContainText('6.8K');
      await page.screenshot({ path: `${OUTPUT}${width}-${colorScheme}.png`, fullPage: true });

      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(wide).toBeLessThanOrEqual(width);
      expect(await breaches(page)).toEqual([]);
    });
  }
}

test('the notices hold the rules, too', async ({ page, mock }) => {
  Object.assign(mock.analytics, emptyAnalytics());
  await page.setViewportSize({ width: 360, height: 900 });
  await page.goto(mock.url);
  await expect(page.getByRole('heading', { name: 'No events yet' })).toBeVisible();
  await page.screenshot({ path: `${OUTPUT}empty-360.png` });
  expect(await breaches(page)).toEqual([]);
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.screenshot({ path: `${OUTPUT}empty-1440.png` });

  mock.refuse(true);
  await page.reload();
  await expect(page.getByRole('heading', { name: 'Weir cannot be reached' })).toBeVisible();
  await page.screenshot({ path: `${OUTPUT}unreachable-1440.png` });
  expect(await breaches(page)).toEqual([]);
});

test('a lost connection fits a narrow screen', async ({ page, mock }) => {
  await page.setViewportSize({ width: 360, height: 900 });
  await page.goto(mock.url);
  await expect(total(page, 'Queries')).toHaveText('28,646');
  mock.refuse(true);
  mock.drop();
  await expect(page.locator('.countdown')).toBeVisible();
  await page.screenshot({ path: `${OUTPUT}reconnecting-360.png` });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  expect(await breaches(page)).toEqual([]);
});

for (const [width, colorScheme] of [
  [360, 'light'],
  [768, 'dark'],
  [1440, 'light'],
] as const) {
  test(`what is wrong behind the server fits ${width} px, ${colorScheme}`, async ({ page, mock }) => {
    mock.stand({ store: away(), log: { ...away(), message: 'no answer within 2 s' } });
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.setViewportSize({ width, height: 900 });
    await page.goto(mock.url);
    await expect(page.getByRole('banner')).toContainText('Events are refused');
    await expect(total(page, 'Queries')).toHaveText('28,646');
    await page.screenshot({ path: `${OUTPUT}away-${width}.png` });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    expect(await breaches(page)).toEqual([]);
  });
}

test('Vietnamese letters come from the same font as the others', async ({ page, mock }) => {
  await page.goto(mock.url);
  const question = panel(page, 'Popular questions').getByText('điểm chuẩn ngành');
  await expect(question).toBeVisible();
  const inspector = await page.context().newCDPSession(page);
  await inspector.send('DOM.enable');
  await inspector.send('CSS.enable');
  const { root } = await inspector.send('DOM.getDocument');
  const { nodeId } = await inspector.send('DOM.querySelector', {
    nodeId: root.nodeId,
    selector: '.ranked li:nth-child(3) .ranked-text',
  });
  const { fonts } = await inspector.send('CSS.getPlatformFontsForNode', { nodeId });
  expect(fonts.map((font) => font.familyName)).toHaveLength(1);
});
