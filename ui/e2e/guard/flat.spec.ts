// A page that is open for days: heap, nodes and listeners stay flat while figures change.
//
// The test runs for WEIR_FLAT_SECONDS (40 by default). 300 are the updates of a day: every two seconds, all panels ask again.
import type { CDPSession, Page } from '@playwright/test';
import { expect, figure, seeAll, test } from '../fixtures';
import { ask } from './events';
import { startWeir, type Weir } from './weir';

const SECONDS = Number(process.env.WEIR_FLAT_SECONDS ?? 40);
/** Events are sent this often. */
const SEND_MS = 100;

interface Size {
  heapKb: number;
  nodes: number;
  listeners: number;
}

/** What the page holds after garbage was collected. */
async function sizeOf(inspector: CDPSession): Promise<Size> {
  await inspector.send('HeapProfiler.collectGarbage');
  const { metrics } = await inspector.send('Performance.getMetrics');
  const value = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? Number.NaN;
  return {
    heapKb: Math.round(value('JSHeapUsedSize') / 1024),
    nodes: value('Nodes'),
    listeners: value('JSEventListeners'),
  };
}

/** Sends events for a time, the same questions again and again, and scrolls meanwhile. */
async function live(page: Page, weir: Weir, seconds: number): Promise<void> {
  const until = Date.now() + seconds * 1_000;
  for (let round = 0; Date.now() < until; round += 1) {
    await ask(weir, [
      { text: `Câu hỏi ${round % 10}?`, years: 1 + (round % 6), success: round % 7 > 0 },
      { text: 'Học phí?', userType: 'Khách', responseMs: 500 + (round % 50) * 20 },
    ]);
    if (round % 30 === 0) await page.mouse.wheel(0, round % 60 === 0 ? 900 : -900);
    await page.waitForTimeout(SEND_MS);
  }
}

/** A page with every figure that the events will have. */
async function opened(page: Page, weir: Weir): Promise<CDPSession> {
  await ask(
    weir,
    Array.from({ length: 240 }, (_, number) => ({
      text: `Câu hỏi ${number % 10}?`,
      years: 1 + (number % 6),
      userType: number % 2 === 0 ? 'Sinh viên' : 'Khách',
      secondsAgo: 3_600 - number * 15,
    })),
  );
  await page.goto(`${weir.http}/?period=1h`);
  await expect(figure(page, 'Questions')).not.toHaveText('0');
  await seeAll(page);
  const inspector = await page.context().newCDPSession(page);
  await inspector.send('Performance.enable');
  return inspector;
}

test('heap, nodes and listeners stay flat while figures change', async ({ page }) => {
  test.setTimeout((SECONDS + 120) * 1_000);
  const weir = await startWeir();
  try {
    const inspector = await opened(page, weir);
    await live(page, weir, SECONDS / 3);
    const before = await sizeOf(inspector);
    const questions = await figure(page, 'Questions').textContent();
    await live(page, weir, (SECONDS * 2) / 3);
    const after = await sizeOf(inspector);
    process.stdout.write(`before ${JSON.stringify(before)}, after ${JSON.stringify(after)}\n`);

    // A panel out of sight asks for nothing.
    await figure(page, 'Questions').scrollIntoViewIfNeeded();
    await expect(figure(page, 'Questions')).not.toHaveText(questions ?? '');
    expect(after.nodes).toBeLessThan(before.nodes * 1.15 + 300);
    expect(after.listeners).toBeLessThan(before.listeners * 1.15 + 50);
    expect(after.heapKb).toBeLessThan(before.heapKb * 1.3 + 2_048);
  } finally {
    await weir.stop();
  }
});

test('the measure sees a leak', async ({ page }) => {
  const weir = await startWeir();
  try {
    const inspector = await opened(page, weir);
    const before = await sizeOf(inspector);
    await page.evaluate(() => {
      const kept: unknown[] = [];
      Object.assign(window, { kept });
      for (let number = 0; number < 5_000; number += 1) {
        const element = document.createElement('p');
        element.addEventListener('click', () => kept.length);
        kept.push(element, new Array(1_000).fill(number));
      }
    });
    const after = await sizeOf(inspector);
    expect(after.nodes).toBeGreaterThan(before.nodes * 1.15 + 300);
    expect(after.listeners).toBeGreaterThan(before.listeners * 1.15 + 50);
    expect(after.heapKb).toBeGreaterThan(before.heapKb * 1.3 + 2_048);
  } finally {
    await weir.stop();
  }
});
