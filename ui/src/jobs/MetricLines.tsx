// The lines of a metric, one for each subtask. ECharts is loaded with this file.
import type { LineSeriesOption } from 'echarts/charts';
import { useMemo } from 'react';
import { Chart } from '../components/Chart';
import { type ChartOption, legend, text, tooltip, valueAxis } from '../components/option';
import { locale, t } from '../i18n';
import { type Theme, useTheme } from '../theme';
import { formatMetric } from './format';
import type { Sample } from './samples';

interface MetricLinesProps {
  metric: string;
  subtasks: number;
  samples: Sample[];
}

export default function MetricLines({ metric, subtasks, samples }: MetricLinesProps) {
  const theme = useTheme();
  const option = useMemo(() => draw(metric, subtasks, samples, theme), [metric, subtasks, samples, theme]);
  return (
    <Chart option={option} label={t('{{metric}} over time, with a line for each subtask.', { metric })} />
  );
}

const clock = new Intl.DateTimeFormat(locale, { timeStyle: 'medium' });

function draw(metric: string, subtasks: number, samples: Sample[], theme: Theme): ChartOption {
  const format = (value: number) => formatMetric(metric, value);
  const series = Array.from(
    { length: subtasks },
    (_, subtask): LineSeriesOption => ({
      type: 'line',
      name: t('Subtask {{number}}', { number: subtask + 1 }),
      color: theme.groups[subtask % theme.groups.length] ?? theme.accent,
      showSymbol: samples.length < 3,
      lineStyle: { width: 2 },
      data: samples.map(({ at, values }) => [at, values[subtask] ?? null]),
    }),
  );

  return {
    animation: false,
    grid: { left: 8, right: 24, top: subtasks > 1 ? 36 : 12, bottom: 8, containLabel: true },
    // As text of the picture: the page's content policy allows no styles within HTML.
    tooltip: {
      ...tooltip(theme, 'axis'),
      renderMode: 'richText',
      valueFormatter: (value) => format(Number(value)),
    },
    ...(subtasks > 1 && { legend: { ...legend(theme), type: 'scroll' } }),
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
