// The dashboard with figures.
import { connection, expect, panel, test, total } from './fixtures';

test('shows all that the server sends on connect, without a complaint', async ({
  page,
  mock,
  complaints,
}) => {
  await page.goto(mock.url);
  await expect(connection(page)).toHaveText('Live');
  await expect(total(page, 'Queries')).toHaveText('28,646');
  await expect(total(page, 'Success rate')).toHaveText('96.4%');
  await expect(total(page, 'Failures')).toHaveText('1,031');
  await expect(total(page, 'Average response')).toHaveText('829ms');
  // Percentiles are those of one minute, and called so.
  await expect(total(page, '95th percentile')).toHaveText('2.48s');
  await expect(page.getByRole('region', { name: 'Totals' })).toContainText(
    'minute 14:29, slowest: Giảng viên',
  );
  await expect(panel(page, 'Response times')).toContainText('minute 14:29');
  // One zone for all times, and it is named.
  await expect(page.getByRole('banner')).toContainText('Asia/Ho_Chi_Minh');

  // One figure of each of the others, from the table or list that says the same as the picture.
  const figures: [string, string][] = [
    ['Queries over time', 'Tue, Dec 9, 14:30'],
    ['Queries over time', 'so far'],
    ['Success', '96.4%'],
    ['Response times', '1.9s'],
    ['Hours of the day', '10:00'],
    ['Popular questions', 'học phí kỳ này là bao nhiêu?'],
    ['Popular by year', 'lịch thi cuối kỳ khi nào có?'],
    ['Departments', 'Công nghệ thông tin'],
    ['Who asks', '63.7%'],
    ['User types compared', '18,240'],
    ['User type × year', 'Sinh viên, Year 6'],
    ['Years of study', '6,820'],
    ['Students by year', '6,400'],
  ];
  for (const [name, text] of figures) await expect(panel(page, name)).toContainText(text);

  await expect(page.locator('.chart svg')).toHaveCount(9);
  expect(complaints).toEqual([]);
});

test('an update changes the figures', async ({ page, mock, complaints }) => {
  await page.goto(mock.url);
  await expect(total(page, 'Queries')).toHaveText('28,646');
  const [first, ...others] = mock.analytics.popularQuestions;
  if (!first) throw new Error('the mock has questions');
  mock.push({
    overall: { ...mock.analytics.overall, total_queries: 28_647 },
    popularQuestions: [{ ...first, total_count: 1_999 }, ...others],
  });
  await expect(total(page, 'Queries')).toHaveText('28,647');
  await expect(panel(page, 'Popular questions').getByRole('listitem').first()).toContainText('1,999');
  expect(complaints).toEqual([]);
});

test('a series takes updates over what it loaded', async ({ page, mock }) => {
  await page.goto(mock.url);
  const newest = panel(page, 'Queries over time').getByRole('row').last();
  await expect(newest).toContainText('14:30');
  mock.push({
    timeseriesMinute: [
      {
        timestamp: '2025-12-09T14:32:00',
        query_count: 777,
        is_final: true,
        window_start: '2025-12-09T14:31:00',
        window_end: '2025-12-09T14:32:00',
      },
    ],
  });
  await expect(newest).toContainText('14:31');
  await expect(newest).toContainText('777');
  await expect(panel(page, 'Queries over time').getByRole('row').nth(-2)).toContainText('14:30');
});

test('frames that mean nothing to it are ignored', async ({ page, mock, complaints }) => {
  await page.goto(mock.url);
  await expect(connection(page)).toHaveText('Live');
  mock.send('{"type":"tomorrow","data":{"faculty":"none"}}');
  mock.send('{"type":"update","data":{"faculty":"none","tomorrow":[]}}');
  mock.send('{"type":"error","message":"no"}');
  mock.send('not json');
  mock.push({ overall: { ...mock.analytics.overall, total_queries: 5 } });
  await expect(total(page, 'Queries')).toHaveText('5');
  await expect(panel(page, 'User types compared')).toContainText('18,240');
  expect(complaints).toEqual([]);
});

test('an update moves nothing', async ({ page, mock }) => {
  await page.goto(mock.url);
  await expect(total(page, 'Queries')).toHaveText('28,646');
  const places = () =>
    page
      .locator('.panel, .total')
      .evaluateAll((all) => all.map((one) => JSON.stringify(one.getBoundingClientRect())));
  const before = await places();
  mock.push({ ...mock.analytics, popularQuestions: [], responseTime: [], departments: [] });
  await expect(panel(page, 'Departments')).toContainText('Nothing in this range yet');
  expect(await places()).toEqual(before);
});

test('charts are drawn on, not drawn anew', async ({ page, mock }) => {
  await page.goto(mock.url);
  const svg = panel(page, 'Years of study').locator('svg');
  await svg.evaluate((element) => element.setAttribute('data-same', ''));
  mock.push({ year: mock.analytics.year.map((row) => ({ ...row, query_count: row.query_count + 1 })) });
  await expect(panel(page, 'Years of study')).toContainText('6,821');
  await expect(svg).toHaveAttribute('data-same');
});

test('minute, hour and day are switched by keys', async ({ page, mock }) => {
  await page.goto(mock.url);
  const traffic = panel(page, 'Queries over time');
  await traffic.getByRole('tab', { name: 'Minute' }).focus();
  await page.keyboard.press('ArrowRight');
  await expect(traffic.getByRole('tab', { name: 'Hour' })).toBeFocused();
  await expect(traffic).toContainText('newest 7 days');
  await page.keyboard.press('End');
  await expect(traffic).toContainText('newest 30 days');
});

test('each year of study has its list', async ({ page, mock }) => {
  await page.goto(mock.url);
  const years = panel(page, 'Popular by year');
  await expect(years.getByRole('listitem').first()).toContainText('học phí kỳ này');
  await years.getByRole('tab', { name: '3' }).click();
  await expect(years.getByRole('listitem').first()).toContainText('điểm chuẩn ngành');
});

test('what a user asked is text, never markup', async ({ page, mock, complaints }) => {
  await page.goto(mock.url);
  const query_text = '<img src=x onerror=alert(1)>';
  mock.push({ popularQuestions: [{ query_text, total_count: 1, unique_users: 1, is_final: true }] });
  await expect(panel(page, 'Popular questions')).toContainText(query_text);
  expect(complaints).toEqual([]);
});
