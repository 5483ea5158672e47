// The pages in Vietnamese: by the browser's language, and by the reader's choice.
import { connection, expect, figure, panel, seeAll, test } from '../fixtures';
import { ask } from './events';
import { startWeir } from './weir';

test.use({ locale: 'vi-VN' });

test('words and numbers are those of the language, which the reader can change', async ({
  page,
  complaints,
}) => {
  const weir = await startWeir();
  try {
    await page.goto(weir.http);
    await expect(page.getByRole('heading', { name: 'Chưa có sự kiện' })).toBeVisible();
    await ask(weir, [{ success: false }, {}, {}]);
    await expect(page.locator('html')).toHaveAttribute('lang', 'vi');
    await expect(panel(page, 'Câu hỏi thường gặp nhất')).toBeVisible();
    await expect(connection(page)).toHaveText('Trực tiếp');
    await expect(figure(page, 'Trả lời thành công (%)')).toHaveText('66,667');

    await page.getByLabel('Ngôn ngữ').selectOption('en');
    await expect(panel(page, 'Most frequent questions')).toBeVisible();
    await page.reload();
    await expect(page.locator('html')).toHaveAttribute('lang', 'en');
    for (const address of ['/alerts', '/d/', '/explore/']) {
      await page.goto(`${weir.http}${address}`);
      await expect(page.getByRole('main').getByRole('heading').first()).toBeVisible();
    }
    expect(complaints).toEqual([]);
  } finally {
    await weir.stop();
  }
});

test('Vietnamese letters come from the same font as the others', async ({ page }) => {
  const weir = await startWeir();
  try {
    await ask(weir, [{ text: 'điểm chuẩn ngành công nghệ thông tin là bao nhiêu?' }]);
    await page.goto(weir.http);
    await seeAll(page);
    await expect(page.getByText('điểm chuẩn ngành').first()).toBeVisible();
    const inspector = await page.context().newCDPSession(page);
    await inspector.send('DOM.enable');
    await inspector.send('CSS.enable');
    const { root } = await inspector.send('DOM.getDocument');
    const { nodeId } = await inspector.send('DOM.querySelector', {
      nodeId: root.nodeId,
      selector: '.board-value',
    });
    const { fonts } = await inspector.send('CSS.getPlatformFontsForNode', { nodeId });
    expect(fonts.map((font) => font.familyName)).toHaveLength(1);
  } finally {
    await weir.stop();
  }
});
