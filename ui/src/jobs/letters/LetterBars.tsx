// Dead letters by reason over time, as bars on top of each other. ECharts is loaded with this file.
import type { BarSeriesOption } from 'echarts/charts';
import { useMemo } from 'react';
import { Chart } from '../../components/Chart';
import { type ChartOption, legend, text, tooltip, valueAxis } from '../../components/option';
import { formatCount } from '../../format/number';
import { locale, t } from '../../i18n';
import { type Theme, useTheme } from '../../theme';
import type { LetterCounts } from './queries';

/** More reasons than this are one colour. */
const COLOURS = 8;
const DAY_MS = 86_400_000;

export default function LetterBars({ counts }: { counts: LetterCounts }) {
  const theme = useTheme();
  const option = useMemo(() => draw(counts, theme), [counts, theme]);
  return (
    <Chart
      option={option}
      label={t('Dead letters over time, with a bar for each reason; the table has the sums.')}
    />
  );
}

function draw({ buckets, reasons, every_ms: every }: LetterCounts, theme: Theme): ChartOption {
  const first = buckets[0]?.start_ms ?? 0;
  const last = buckets.at(-1)?.start_ms ?? 0;
  // Intervals without dead letters are left out of the answer, and drawn as empty.
  const starts = Array.from({ length: Math.round((last - first) / every) + 1 }, (_, n) => first + n * every);
  const clock = new Intl.DateTimeFormat(
    locale,
    every >= DAY_MS ? { dateStyle: 'medium' } : { dateStyle: 'short', timeStyle: 'short' },
  );

  const series = reasons.map(({ reason }, index): BarSeriesOption => {
    const of = new Map(
      buckets.filter((bucket) => bucket.reason === reason).map(({ start_ms, count }) => [start_ms, count]),
    );
    return {
      type: 'bar',
      name: reason,
      stack: 'all',
      color: (index < COLOURS ? theme.groups[index] : undefined) ?? theme.rest,
      barMaxWidth: 40,
      data: starts.map((start) => of.get(start) ?? 0),
    };
  });

  return {
    animation: false,
    grid: { left: 8, right: 24, top: 36, bottom: 8, containLabel: true },
    // As text of the picture: the page's content policy allows no styles within HTML.
    tooltip: {
      ...tooltip(theme, 'axis'),
      renderMode: 'richText',
      valueFormatter: (value) => formatCount(Number(value)),
    },
    legend: { ...legend(theme), type: 'scroll' },
    xAxis: {
      type: 'category',
      data: starts.map((start) => clock.format(start)),
      axisLine: { lineStyle: { color: theme.line } },
      axisTick: { show: false },
      axisLabel: { ...text(theme), hideOverlap: true },
    },
    yAxis: { ...valueAxis(theme, formatCount), minInterval: 1 },
    series,
  };
}
