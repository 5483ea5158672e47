// The pages in Vietnamese: by the browser's language, and by the reader's choice.
import { connection, expect, test, total } from './fixtures';

test.use({ locale: 'vi-VN' });

test('words and numbers are those of the language, which the reader can change', async ({
  page,
  mock,
  complaints,
}) => {
  await page.goto(mock.url);
  await expect(page.locator('html')).toHaveAttribute('lang', 'vi');
  await expect(page.getByRole('heading', { name: 'Câu hỏi phổ biến', exact: true })).toBeVisible();
  await expect(connection(page)).toHaveText('Trực tiếp');
  await expect(total(page, 'Câu hỏi')).toHaveText('28.646');
  await expect(total(page, 'Tỷ lệ thành công')).toHaveText('96,4%');

  await page.getByLabel('Ngôn ngữ').selectOption('en');
  await expect(page.getByRole('heading', { name: 'Popular questions', exact: true })).toBeVisible();
  await page.reload();
  await expect(page.locator('html')).toHaveAttribute('lang', 'en');
  expect(complaints).toEqual([]);
});
