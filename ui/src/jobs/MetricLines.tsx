// The lines of a metric, one for each subtask. ECharts is loaded with this file.
import type { LineSeriesOption } from 'echarts/charts';
import { useMemo } from 'react';
import { Chart } from '../components/Chart';
import { type ChartOption, text, tooltip, valueAxis } from '../components/option';
import { hiddenAmong } from '../components/series/hidden';
import { type Named, SeriesLegend } from '../components/series/SeriesLegend';
import { sayHidden } from '../components/series/say';
import type { Switching } from '../components/series/switches';
import { locale, t } from '../i18n';
import { type Theme, useTheme } from '../theme';
import { formatMetric } from './format';
import type { Sample } from './samples';

interface MetricLinesProps extends Switching {
  metric: string;
  subtasks: number;
  samples: Sample[];
}

export default function MetricLines({ metric, subtasks, samples, hidden, onHidden }: MetricLinesProps) {
  const theme = useTheme();
  const lines = useMemo(() => linesOf(subtasks, theme), [subtasks, theme]);
  const option = useMemo(
    () => draw(metric, lines, hidden, samples, theme),
    [metric, lines, hidden, samples, theme],
  );
  return (
    <>
      <SeriesLegend series={lines} hidden={hidden} onHidden={onHidden} />
      <Chart
        option={option}
        label={t('{{metric}} over time, with a line for each subtask.', { metric })}
        note={sayHidden(lines, hidden)}
      />
    </>
  );
}

/** The lines by subtask, from 0. */
function linesOf(subtasks: number, theme: Theme): Named[] {
  return Array.from({ length: subtasks }, (_, subtask) => ({
    id: String(subtask),
    name: t('Subtask {{number}}', { number: subtask + 1 }),
    color: theme.groups[subtask % theme.groups.length] ?? theme.accent,
  }));
}

const clock = new Intl.DateTimeFormat(locale, { timeStyle: 'medium' });

function draw(
  metric: string,
  lines: Named[],
  hidden: readonly string[] | undefined,
  samples: Sample[],
  theme: Theme,
): ChartOption {
  const format = (value: number) => formatMetric(metric, value);
  const away = hiddenAmong(
    lines.map(({ id }) => id),
    hidden,
  );
  const series = lines.map(
    ({ id, name, color }, subtask): LineSeriesOption => ({
      type: 'line',
      name,
      color,
      showSymbol: samples.length < 3,
      lineStyle: { width: 2 },
      data: away.has(id) ? [] : samples.map(({ at, values }) => [at, values[subtask] ?? null]),
    }),
  );

  return {
    animation: false,
    grid: { left: 8, right: 24, top: 12, bottom: 8, containLabel: true },
    // As text of the picture: the page's content policy allows no styles within HTML.
    tooltip: {
      ...tooltip(theme, 'axis'),
      renderMode: 'richText',
      valueFormatter: (value) => format(Number(value)),
    },
    xAxis: {
      type: 'time',
      splitNumber: 4,
      axisLine: { lineStyle: { color: theme.line } },
      axisTick: { show: false },
      splitLine: { show: false },
      axisLabel: { ...text(theme), hideOverlap: true, formatter: (at: number) => clock.format(at) },
    },
    yAxis: { ...valueAxis(theme, format), scale: /watermark$|Timestamp$/i.test(metric) },
    series,
  };
}
