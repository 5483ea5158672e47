// The pages of jobs in Vietnamese, by the browser's language, and in English, by the reader's choice.
import { fileURLToPath } from 'node:url';
import { breaches } from '../axe';
import { connection, expect, test } from '../fixtures';
import { BUILT_IN, COUNTS, expectNoOverflow, FAILS, row, send, statusOf, submit } from './pages';
import { startWeir } from './weir';

const OUTPUT = fileURLToPath(new URL('../output/', import.meta.url));

test.use({ locale: 'vi-VN' });

test('the overview and the page of a job speak Vietnamese, until the reader chooses English', async ({
  page,
  request,
  complaints,
}) => {
  const weir = await startWeir();
  try {
    const job = await submit(request, weir, 'counts', COUNTS);
    await send(request, weir, 1_500);

    await page.goto(weir.jobs);
    await expect(page.locator('html')).toHaveAttribute('lang', 'vi');
    await expect(page).toHaveTitle('Công việc · Weir');
    await expect(connection(page)).toHaveText('Trực tiếp');
    const running = row(page, 'Công việc đang chạy', 'counts');
    await expect(running).toContainText('RUNNING');
    await expect(running).toContainText('4 trên 4');
    await expect(running).toContainText(/\d\/s/);
    await expect(running.getByRole('button', { name: 'Huỷ counts' })).toBeVisible();
    expect(await breaches(page)).toEqual([]);

    await page.getByRole('link', { name: 'counts' }).click();
    const graph = page.getByRole('region', { name: 'Đồ thị' });
    await expect(graph.getByRole('link', { name: 'Source: q' })).toContainText('Vào, ra');
    const source = row(page, 'Các đỉnh của công việc', 'Source: q');
    await expect(source).toContainText('RUNNING');
    await expect(source.getByRole('cell', { name: '1.500', exact: true })).toBeVisible();
    expect(await breaches(page)).toEqual([]);

    await page.getByRole('button', { name: 'Dừng với savepoint' }).click();
    await expect(page.getByRole('dialog')).toContainText('Dừng counts với một savepoint?');
    expect(await breaches(page)).toEqual([]);
    await page.getByRole('button', { name: 'Chạy tiếp' }).click();

    await page.getByLabel('Ngôn ngữ').selectOption('en');
    await expect(page.locator('html')).toHaveAttribute('lang', 'en');
    await expect(page).toHaveURL(new RegExp(`/#/job/${job}/graph`));
    await expect(row(page, 'Vertices of the job', 'Source: q')).toContainText('RUNNING');
    await page.reload();
    await expect(page.getByRole('button', { name: 'Stop with savepoint' })).toBeVisible();
    await expect(connection(page)).toHaveText('Live');
    expect(complaints).toEqual([]);
  } finally {
    await weir.stop();
  }
});

test('the longer texts stick out nowhere', async ({ page, request }) => {
  test.setTimeout(300_000);
  const weir = await startWeir();
  try {
    const job = await submit(request, weir, 'counts', COUNTS);
    await send(request, weir, 10);
    const failed = await submit(request, weir, 'fails', FAILS);
    await expect.poll(() => statusOf(request, weir, failed)).toBe('FAILED');
    const { vertices } = await (await request.get(`${weir.jobs}/jobs/${job}`)).json();
    await request.post(`${weir.jobs}/jobs/${job}/checkpoints`, { data: {} });

    const pages: [address: string, seen: string | RegExp][] = [
      ['/', BUILT_IN],
      ['/completed', 'FAILED'],
      [`/job/${job}/graph`, 'Các đỉnh'],
      [`/job/${job}/graph?vertex=${vertices[1].id}`, /toán tử và subtask/],
      [`/job/${job}/checkpoints?checkpoint=1`, 'Checkpoint 1 theo đỉnh'],
      [`/job/${job}/windows`, 'Cửa sổ sắp đóng'],
      [`/job/${job}/flame-graph`, /mẫu trong một giây/],
      ['/dead-letters', 'Không có sự kiện nào bị gác lại.'],
      ['/sql', 'Không có lỗi. Truy vấn chạy được.'],
      [`/job/${job}/configuration`, 'Thiết lập của tập lệnh'],
      [`/job/${job}/metrics`, /theo subtask, từ khi mở trang này/],
      [`/job/${failed}/exceptions`, 'Nguyên nhân thất bại'],
      ['/task-managers', 'Nhịp báo cuối'],
      ['/task-managers/weir', 'Slot đang dùng'],
      ['/task-managers/weir?tab=threads', /\d+ luồng/],
      ['/job-manager', 'Thiết lập đang dùng'],
      ['/job-manager?tab=log', 'dòng mới nhất trước'],
      ['/job/0123/graph', 'Không có công việc này'],
      ['/nowhere', 'Không có trang này'],
    ];
    for (const [address, seen] of pages) {
      for (const width of [360, 1024]) {
        await page.setViewportSize({ width, height: 900 });
        await page.goto(`${weir.jobs}/#${address}`);
        await expect(page.getByText(seen).locator('visible=true').first(), address).toBeVisible();
        const name = address.replace(/[0-9a-f]{32}/g, '').replace(/[^a-z]+/g, '-');
        await page.screenshot({ path: `${OUTPUT}jobs-vi${name}-${width}.png` });
        await expectNoOverflow(page, `${address} at ${width} px`);
        expect(await breaches(page), `${address} at ${width} px`).toEqual([]);
      }
    }

    // The job is real, its load is not: wide figures, and a bottleneck.
    await page.route('**/subtasks/metrics?get=*', (route) => {
      const isSource = route.request().url().includes(vertices[0].id);
      const metric = (id: string, value: number) => ({ id, min: value, max: value, avg: value, sum: value });
      return route.fulfill({
        json: [
          metric('numRecordsInPerSecond', 1_234_567),
          metric('numRecordsOutPerSecond', 1_234_567),
          metric('busyTimeMsPerSecond', isSource ? 120 : 980),
          metric('backPressuredTimeMsPerSecond', isSource ? 850 : 0),
          metric('currentInputWatermark', Date.now() - 45 * 60_000),
        ],
      });
    });
    await page.goto(`${weir.jobs}/#/job/${job}/graph`);
    await expect(
      page.getByText('GlobalWindowAggregate là điểm nghẽn: nó bận 98% thời gian, và Source: q phải chờ 85%'),
    ).toBeVisible();
    const figures = page.locator('.jobs-vertex-figure');
    await expect(figures.last()).toContainText(/trễ 45 phút \d+ giây/);
    await page.screenshot({ path: `${OUTPUT}jobs-vi-bottleneck.png` });
    const isWide = (elements: Element[]) =>
      elements.some((element) => element.scrollWidth > element.clientWidth);
    expect(await figures.evaluateAll(isWide)).toBe(false);
    await page.setViewportSize({ width: 360, height: 900 });
    await expectNoOverflow(page, 'a bottleneck at 360 px');
    expect(await breaches(page)).toEqual([]);
  } finally {
    await weir.stop();
  }
});
