// A month of questions: the periods of the page show what was sent in them, and what the routes answer.
import { expect, figure, panel, test } from '../fixtures';
import { ask, type Question } from './events';
import { startWeir } from './weir';

const DAY = 86_400;

/** A question every two hours and a half for 40 days, the oldest first, and none where a period begins. */
const QUESTIONS = Array.from({ length: 384 }, (_, place): Question & { secondsAgo: number } => ({
  secondsAgo: 40 * DAY - 4_500 - place * 9_000,
  userType: ['Sinh viên', 'Học sinh', 'Giảng viên', 'Khách'][place % 4] ?? '',
  success: place % 5 > 0,
  responseMs: 500 + (place % 7) * 100,
  text: `Câu hỏi ${place % 11}`,
}));

const within = (days: number) => QUESTIONS.filter(({ secondsAgo }) => secondsAgo < days * DAY);

test('thirty days, seven and one show the right totals', async ({ page, request, complaints }) => {
  test.setTimeout(240_000);
  // Of one partition, the questions are read in the order of their times, so that none comes too late.
  const weir = await startWeir({ arguments: ['--set', 'ingest.partitions=1'] });
  try {
    await ask(weir, QUESTIONS);
    const answerOf = async (route: string, days: number) =>
      (await request.get(`${weir.http}/analytics/redis/${route}?days=${days}`)).json();
    await expect
      .poll(async () => (await answerOf('overall-summary', 30)).total_queries, { timeout: 90_000 })
      .toBe(within(30).length);

    for (const [days, name] of [
      [30, '30 days'],
      [7, '7 days'],
      [1, '24 h'],
    ] as const) {
      const sent = within(days);
      const summary = await answerOf('overall-summary', days);
      expect(summary.total_queries, name).toBe(sent.length);
      expect(summary.success_count, name).toBe(sent.filter(({ success }) => success).length);

      await page.goto(weir.http);
      await page.getByRole('button', { name, exact: true }).click();
      await expect(figure(page, 'Questions'), name).toHaveText(String(sent.length));
      await expect(figure(page, 'Successful answers (%)'), name).toContainText(
        String(Math.floor(summary.success_rate)),
      );

      // The points of the picture add up to the same.
      const points = panel(page, 'Questions per minute').getByRole('table').getByRole('row');
      const total = async () => {
        const values = await points.locator('td:last-child').allTextContents();
        return values.reduce((sum, value) => sum + Number(value), 0);
      };
      await expect.poll(total, name).toBe(sent.length);

      // And so do the shares of the user types.
      const share = panel(page, 'Share of user types');
      const { total_queries, distribution } = await answerOf('user-type', days);
      expect(total_queries, name).toBe(sent.length);
      expect(distribution, name).toHaveLength(4);
      for (const { user_type: type, query_count: count } of distribution) {
        expect(count, `${type}, ${name}`).toBe(sent.filter(({ userType }) => userType === type).length);
        const entry = share.getByRole('listitem').filter({ hasText: type });
        await expect(entry.locator('.legend-count'), `${type}, ${name}`).toHaveText(String(count));
      }
    }

    // Periods whose points are minutes, hours and days take turns, on the page of a table too.
    await page.goto(`${weir.http}/explore/timeseries_minute`);
    const values = page.getByRole('table', { name: 'query_count over time' }).locator('td:last-child');
    const sum = async () =>
      (await values.allTextContents()).reduce((total, value) => total + Number(value), 0);
    for (const [days, name] of [
      [30, '30 days'],
      [1, '24 h'],
      [30, '30 days'],
    ] as const) {
      await page.getByRole('button', { name, exact: true }).click();
      await expect.poll(sum, name).toBe(within(days).length);
    }
    expect(complaints).toEqual([]);
  } finally {
    await weir.stop();
  }
});
