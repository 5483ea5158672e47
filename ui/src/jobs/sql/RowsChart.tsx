// The rows of a query as lines. ECharts is loaded with this file.
import type { LineSeriesOption } from 'echarts/charts';
import { useMemo, useState } from 'react';
import { Chart } from '../../components/Chart';
import { type ChartOption, text, tooltip, valueAxis } from '../../components/option';
import { hiddenAmong } from '../../components/series/hidden';
import { type Named, SeriesLegend } from '../../components/series/SeriesLegend';
import { sayHidden } from '../../components/series/say';
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
  const [hidden, setHidden] = useState<string[]>();
  const named = useMemo(() => namedOf(lines, theme), [lines, theme]);
  const option = useMemo(
    () => draw(lines, named, hidden, isOverTime, theme),
    [lines, named, hidden, isOverTime, theme],
  );
  const height = columns[choice.height]?.name ?? '';
  return (
    <>
      <div className="jobs-chart">
        <SeriesLegend series={named} hidden={hidden} onHidden={setHidden} />
        <Chart
          option={option}
          label={t('{{column}} of the newest rows as lines.', { column: height })}
          note={sayHidden(named, hidden)}
        />
      </div>
      {more > 0 && <p className="jobs-note">{t('{{more}} more lines are not drawn.', { more })}</p>}
    </>
  );
}

type Lines = ReturnType<typeof linesOf>['lines'];

function namedOf(lines: Lines, theme: Theme): Named[] {
  return lines.map(({ name }, index) => ({
    id: name,
    name: name || t('(empty)'),
    color: theme.groups[index] ?? theme.accent,
  }));
}

function draw(
  lines: Lines,
  named: Named[],
  hidden: readonly string[] | undefined,
  isOverTime: boolean,
  theme: Theme,
): ChartOption {
  const format = (value: number) => formatMetric('', value);
  const away = hiddenAmong(
    named.map(({ id }) => id),
    hidden,
  );
  return {
    animation: false,
    useUTC: true,
    grid: { left: 8, right: 24, top: 12, bottom: 8, containLabel: true },
    // As text of the picture: the page's content policy allows no styles within HTML.
    tooltip: {
      ...tooltip(theme, 'axis'),
      renderMode: 'richText',
      valueFormatter: (value) => format(Number(value)),
    },
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
        color: named[index]?.color ?? theme.accent,
        showSymbol: points.length < 30,
        lineStyle: { width: 2 },
        data: away.has(name) ? [] : points,
      }),
    ),
  };
}
