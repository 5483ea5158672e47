import i18next from 'i18next';
import { expect, test } from 'vitest';
import { bottleneckOf, descriptionLines, edgesOf, type Load, loadOf, NO_LOAD, operatorsOf } from './plan';
import type { Aggregated, PlanNode } from './types';

const source = { id: 's', name: 'Source: orders -> Calc' };
const join = { id: 'j', name: 'Join' };
const sink = { id: 'k', name: 'Sink: cities' };
const vertices = [source, join, sink];
const edges = [
  { from: 's', to: 'j', strategy: 'HASH' },
  { from: 'j', to: 'k', strategy: 'FORWARD' },
];

function loads(shares: Record<string, [busy: number, backpressured: number]>): Map<string, Load> {
  const load = ([busy, backpressured]: [number, number]) => ({ ...NO_LOAD, busy, backpressured });
  return new Map(Object.entries(shares).map(([id, of]) => [id, load(of)]));
}

test('nothing is a bottleneck while nothing waits and nothing is full', () => {
  expect(bottleneckOf(vertices, edges, loads({ s: [0.4, 0.05], j: [0.9, 0], k: [0.2, 0] }))).toBeNull();
  expect(bottleneckOf(vertices, edges, new Map())).toBeNull();
});

test('the bottleneck is the busy vertex behind one that waits', () => {
  const found = bottleneckOf(vertices, edges, loads({ s: [0.2, 0.7], j: [0.99, 0], k: [0.1, 0] }));
  expect(found?.id).toBe('j');
  expect(found?.why).toBe(
    'Join is the bottleneck: it is busy 99 % of the time, and Source: orders waits 70 % of the time to hand its records over.',
  );
});

test('the bottleneck is told in the language of the reader', async () => {
  await i18next.changeLanguage('vi');
  try {
    const found = bottleneckOf(vertices, edges, loads({ s: [0.2, 0.7], j: [0.99, 0], k: [0.1, 0] }));
    expect(found?.why).toBe(
      'Join là điểm nghẽn: nó bận 99% thời gian, và Source: orders phải chờ 70% thời gian mới chuyển tiếp được bản ghi.',
    );
  } finally {
    await i18next.changeLanguage('en');
  }
});

test('a vertex that passes the pressure on is not the bottleneck', () => {
  const found = bottleneckOf(vertices, edges, loads({ s: [0.1, 0.8], j: [0.2, 0.7], k: [0.97, 0] }));
  expect(found?.id).toBe('k');
});

test('a vertex that is full is named although nothing waits for it', () => {
  const found = bottleneckOf([source], [], loads({ s: [0.98, 0] }));
  expect(found).toEqual({
    id: 's',
    why: 'Source: orders works at its limit: it is busy 98 % of the time, so more records would have to wait.',
  });
});

test('a load sums rates, and takes shares of the subtask with the highest', () => {
  const metric = (id: string, of: Partial<Aggregated>): Aggregated => ({
    id,
    min: 0,
    max: 0,
    avg: 0,
    sum: 0,
    ...of,
  });
  expect(
    loadOf([
      metric('numRecordsInPerSecond', { sum: 300, max: 200 }),
      metric('busyTimeMsPerSecond', { sum: 1_100, max: 900, avg: 550 }),
      metric('backPressuredTimeMsPerSecond', { max: 1_020 }),
      metric('currentOutputWatermark', { min: 5_000, max: 9_000 }),
    ]),
  ).toEqual({ recordsIn: 300, recordsOut: null, busy: 0.9, backpressured: 1, watermark: 5_000 });
  expect(loadOf([])).toEqual(NO_LOAD);
  expect(loadOf([metric('currentInputWatermark', { min: -9.223372036854776e18 })]).watermark).toBe('none');
});

test('edges are those of the plan, one between two vertices', () => {
  const node = (id: string, ...inputs: [string, string][]): PlanNode => ({
    id,
    description: '',
    inputs: inputs.map(([id, ship_strategy]) => ({ id, ship_strategy })),
  });
  const nodes = [node('s'), node('j', ['s', 'HASH'], ['s', 'HASH'], ['s', 'BROADCAST'], ['gone', 'HASH'])];
  expect(edgesOf({ plan: { nodes } })).toEqual([{ from: 's', to: 'j', strategy: 'HASH, BROADCAST' }]);
});

test('operators are named, and many sinks are counted', () => {
  expect(operatorsOf('Source: q -> Calc')).toEqual(['Source: q', 'Calc']);
  expect(operatorsOf('Rank -> (Sink: a, Sink: b)')).toEqual(['Rank', 'Sink: a', 'Sink: b']);
  expect(operatorsOf('Rank -> (Sink: a, Sink: b, Sink: c)')).toEqual(['Rank', '3 sinks: a, b, …']);
});

test('a description is plain text again', () => {
  expect(descriptionLines('Calc(a &gt; 1 &amp;&amp; b &lt; 2)<br/>Sink: &amp;lt;<br/>')).toEqual([
    'Calc(a > 1 && b < 2)',
    'Sink: &lt;',
  ]);
});
