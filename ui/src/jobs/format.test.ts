import i18next from 'i18next';
import { expect, test } from 'vitest';
import { NONE } from '../format/number';
import { t } from '../i18n';
import {
  formatAge,
  formatBytes,
  formatMetric,
  formatPart,
  formatRate,
  formatShare,
  formatSpan,
  formatWatermark,
  watermarkOf,
} from './format';
import { RateMeter } from './rates';
import { Sentence } from './Sentence';
import { addSample } from './samples';
import { plainWords, wordsOf } from './words';

test('a span is in its two largest units', () => {
  expect(formatSpan(4.4)).toBe('4 ms');
  expect(formatSpan(1_500)).toMatch(/^1.5 s$/);
  expect(formatSpan(59_999)).toBe('59 s');
  expect(formatSpan(200_000)).toBe('3 min 20 s');
  expect(formatSpan(3_600_000 * 5 + 120_000)).toBe('5 h 2 min');
  expect(formatSpan(3_600_000 * 51)).toBe('2 d 3 h');
  expect([formatSpan(-1), formatSpan(undefined), formatSpan(Number.NaN)]).toEqual([NONE, NONE, NONE]);
  expect(formatAge(1_500)).toBe('1 s');
});

test('sizes, rates and shares', () => {
  expect([formatBytes(0), formatBytes(1_023), formatBytes(1_536)]).toEqual(['0 B', '1,023 B', '1.5 KiB']);
  expect(formatBytes(3 * 1_024 ** 3)).toBe('3 GiB');
  expect([formatRate(0), formatRate(2.53), formatRate(1_234.6)]).toEqual(['0/s', '2.5/s', '1,235/s']);
  expect([formatShare(0.987), formatShare(null)]).toEqual(['99 %', NONE]);
});

test('a metric is written by its name', () => {
  expect(formatMetric('stateBytes', 2_048)).toBe('2 KiB');
  expect(formatMetric('numBytesInPerSecond', 2_048)).toBe('2 KiB/s');
  expect(formatMetric('numRecordsInPerSecond', 300.4)).toBe('300/s');
  expect(formatMetric('busyTimeMsPerSecond', 250)).toBe('25 %');
  expect(formatMetric('watermarkLag', 5_100)).toBe('5.1 s');
  expect(formatMetric('records-lag-max', 12)).toBe('12');
  expect(formatMetric('numRecordsIn', 1_234)).toBe('1,234');
});

test('a watermark says how far it is behind', () => {
  expect(watermarkOf('-9223372036854775808')).toBe('none');
  expect(watermarkOf('9223372036854775807')).toBe('end');
  expect(watermarkOf(undefined)).toBe('none');
  expect(formatWatermark(10_000, 15_000)).toBe('5 s behind');
  expect(formatWatermark(10_000, 9_000)).toBe('1 s ahead');
  expect(formatWatermark('none', 0)).toBe('none yet');
});

test('units and words are those of the language', async () => {
  await i18next.changeLanguage('vi');
  try {
    expect([formatSpan(4), formatSpan(12_000), formatSpan(200_000)]).toEqual([
      '4 ms',
      '12 giây',
      '3 phút 20 giây',
    ]);
    expect([formatSpan(3_600_000 * 5), formatSpan(3_600_000 * 51)]).toEqual(['5 giờ 0 phút', '2 ngày 3 giờ']);
    expect([formatShare(0.987), formatPart(3, 4)]).toEqual(['99%', '3 trên 4']);
    expect([formatWatermark(10_000, 30_000), formatWatermark('none', 0)]).toEqual(['trễ 20 giây', 'chưa có']);
  } finally {
    await i18next.changeLanguage('en');
  }
});

test('a sentence has its elements where its text has their names', () => {
  const text = t('Savepoint {{id}} at {{time}}', { id: 3 });
  const sentence = Sentence({ text, values: { time: 'NOON', id: 'unused' } });
  expect(sentence.props).toEqual({ children: ['Savepoint 3 at ', 'NOON', ''] });
  const server = Sentence({ text: 'It says: {{why}}', values: { why: 'no {{time}} here' } });
  expect(server.props).toEqual({ children: ['It says: ', 'no {{time}} here', ''] });
});

test("an error is the server's words without Java's", () => {
  const flink =
    'org.apache.flink.runtime.rest.NotFoundException: Job ab not found\n\tat org.apache.flink.X.y(X.java:1)';
  expect(wordsOf({ errors: [flink] })).toBe('Job ab not found');
  expect(wordsOf({ errors: ['Internal server error.', 'the disk is full'] })).toBe('the disk is full');
  expect([wordsOf(null), wordsOf({ errors: [] }), wordsOf('x')]).toEqual([null, null, null]);
  expect(plainWords('the sink failed: table a.B: no such column')).toBe(
    'the sink failed: table a.B: no such column',
  );
});

test('a rate is over the last seconds, and starts again after a count that fell', () => {
  const meter = new RateMeter();
  expect(meter.add(0, 1_000)).toBeNull();
  expect(meter.add(2_000, 1_600)).toBe(300);
  expect(meter.add(20_000, 1_600)).toBeNull();
  expect(meter.add(22_000, 1_600)).toBe(0);
  expect(meter.add(24_000, 10)).toBeNull();
});

test('samples are by subtask, and a watermark before the first is a gap', () => {
  const metrics = [
    { id: '1.numRecordsIn', value: '7' },
    { id: '0.numRecordsIn', value: '-9223372036854775808' },
  ];
  const samples = addSample([], 5, metrics);
  expect(samples).toEqual([{ at: 5, values: [null, 7] }]);
  expect(addSample(samples, 5, metrics)).toBe(samples);
  expect(addSample(samples, 6, [])).toHaveLength(2);
});
