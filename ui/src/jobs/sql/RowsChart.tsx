// The rows of a query as lines. ECharts is loaded with this file.
import type { LineSeriesOption } from 'echarts/charts';
import { useMemo } from 'react';
import { Chart } from '../../components/Chart';
import { type ChartOption, legend, text, tooltip, valueAxis } from '../../components/option';
import { t } from '../../i18n';
import { type Theme, useTheme } from '../../theme';
import { formatMetric } from '../format';
import { isTime } from './cells';
import { type Choice, linesOf } from './chart';
import type { Run } from './rows';

interface RowsChartProps {
  run: Run;
  choice: Choice;
}

export default function RowsChart({ run: { columns, rows }, choice }: RowsChartProps) {
  const theme = useTheme();
  const { lines, more } = useMemo(() => linesOf(columns, rows, choice), [columns, rows, choice]);
  const isOverTime = isTime(columns[choice.across]?.logicalType.type ?? '');
  const option = useMemo(() => draw(lines, isOverTime, theme), [lines, isOverTime, theme]);
  const height = columns[choice.height]?.name ?? '';
  return (
    <>
      <div className="jobs-chart">
        <Chart option={option} label={t('{{column}} of the newest rows as lines.', { column: height })} />
      </div>
      {more > 0 && <p className="jobs-note">{t('{{more}} more lines are not drawn.', { more })}</p>}
    </>
  );
}

function draw(lines: ReturnType<typeof linesOf>['lines'], isOverTime: boolean, theme: Theme): ChartOption {
  const format = (value: number) => formatMetric('', value);
  const isNamed = lines.some(({ name }) => name !== '');
  return {
    animation: false,
    useUTC: true,
    grid: { left: 8, right: 24, top: isNamed ? 36 : 12, bottom: 8, containLabel: true },
    // As text of the picture: the page's content policy allows no styles within HTML.
    tooltip: {
      ...tooltip(theme, 'axis'),
      renderMode: 'richText',
      valueFormatter: (value) => format(Number(value)),
    },
    ...(isNamed && { legend: { ...legend(theme), type: 'scroll' } }),
    xAxis: {
      type: isOverTime ? 'time' : 'value',
      scale: true,
      axisLine: { lineStyle: { color: theme.line } },
      axisTick: { show: false },
      splitLine: { show: false },
      axisLabel: { ...text(theme), hideOverlap: true },
    },
    yAxis: valueAxis(theme, format),
    series: lines.map(
      ({ name, points }, index): LineSeriesOption => ({
        type: 'line',
        name,
        color: theme.groups[index] ?? theme.accent,
        showSymbol: points.length < 30,
        lineStyle: { width: 2 },
        data: points,
      }),
    ),
  };
}
