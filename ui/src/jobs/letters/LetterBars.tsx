// Dead letters by reason over time, as bars on top of each other. ECharts is loaded with this file.
import type { BarSeriesOption } from 'echarts/charts';
import { useMemo } from 'react';
import { Chart } from '../../components/Chart';
import { type ChartOption, text, tooltip, valueAxis } from '../../components/option';
import { hiddenAmong } from '../../components/series/hidden';
import { type Named, SeriesLegend } from '../../components/series/SeriesLegend';
import { sayHidden } from '../../components/series/say';
import type { Switching } from '../../components/series/switches';
import { formatCount } from '../../format/number';
import { locale, t } from '../../i18n';
import { type Theme, useTheme } from '../../theme';
import type { LetterCounts } from './queries';

/** More reasons than this are one colour. */
const COLOURS = 8;
const DAY_MS = 86_400_000;

interface LetterBarsProps extends Switching {
  counts: LetterCounts;
}

export default function LetterBars({ counts, hidden, onHidden }: LetterBarsProps) {
  const theme = useTheme();
  const bars = useMemo(() => barsOf(counts, theme), [counts, theme]);
  const option = useMemo(() => draw(counts, bars, hidden, theme), [counts, bars, hidden, theme]);
  return (
    <>
      <SeriesLegend series={bars} hidden={hidden} onHidden={onHidden} />
      <Chart
        option={option}
        label={t('Dead letters over time, with a bar for each reason; the table has the sums.')}
        note={sayHidden(bars, hidden)}
      />
    </>
  );
}

function barsOf({ reasons }: LetterCounts, theme: Theme): Named[] {
  return reasons.map(({ reason }, index) => ({
    id: reason,
    name: reason,
    color: (index < COLOURS ? theme.groups[index] : undefined) ?? theme.rest,
  }));
}

function draw(
  { buckets, every_ms: every }: LetterCounts,
  bars: Named[],
  hidden: readonly string[] | undefined,
  theme: Theme,
): ChartOption {
  const first = buckets[0]?.start_ms ?? 0;
  const last = buckets.at(-1)?.start_ms ?? 0;
  // Intervals without dead letters are left out of the answer, and drawn as empty.
  const starts = Array.from({ length: Math.round((last - first) / every) + 1 }, (_, n) => first + n * every);
  const clock = new Intl.DateTimeFormat(
    locale,
    every >= DAY_MS ? { dateStyle: 'medium' } : { dateStyle: 'short', timeStyle: 'short' },
  );

  const away = hiddenAmong(
    bars.map(({ id }) => id),
    hidden,
  );
  const series = bars.map(({ id, name, color }): BarSeriesOption => {
    const of = new Map(
      buckets.filter(({ reason }) => reason === id).map(({ start_ms, count }) => [start_ms, count]),
    );
    return {
      type: 'bar',
      name,
      stack: 'all',
      color,
      barMaxWidth: 40,
      data: away.has(id) ? [] : starts.map((start) => of.get(start) ?? 0),
    };
  });

  return {
    animation: false,
    grid: { left: 8, right: 24, top: 12, bottom: 8, containLabel: true },
    // As text of the picture: the page's content policy allows no styles within HTML.
    tooltip: {
      ...tooltip(theme, 'axis'),
      renderMode: 'richText',
      valueFormatter: (value) => formatCount(Number(value)),
    },
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
