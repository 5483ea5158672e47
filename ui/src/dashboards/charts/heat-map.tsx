// A number by two columns as colours; without columns, by weekday and hour of the day.
import { useMemo } from 'react';
import { Chart } from '../../components/Chart';
import { type ChartOption, categoryAxis, FONT, nameAxis, text, tooltip } from '../../components/option';
import { formatNumber } from '../../explore/cells';
import { formatCompact } from '../../format/number';
import { t } from '../../i18n';
import { type Theme, useTheme } from '../../theme';
import { useAnswer } from '../answer';
import type { ChartProps } from '../charts';
import { titleOf } from '../document';
import { Frame } from '../Frame';
import { cellsOf, clockOf, type HeatMapCells } from '../figures';
import { aggregateQuery, byOf, type Measure, measureOf } from '../queries';

const CELLS = 20_000;

export default function HeatMap({ table, panel, view, asked }: ChartProps) {
  const theme = useTheme();
  const measure = measureOf(table, panel);
  const [x, y] = byOf(table, panel);
  const hour = table.time_column ? `hour(${table.time_column})` : null;
  const isClock = x === undefined && hour !== null && /^(sum|count)/.test(measure.text);

  const groups = x && y ? [x, y] : isClock && hour ? [hour] : [];
  const query =
    groups.length > 0 ? aggregateQuery({ table, panel, view }, groups, `-${measure.text}`, CELLS) : null;
  const answer = useAnswer(table, query, asked);

  const { text: aggregate, name } = measure;
  const map = useMemo(() => {
    const rows = answer.rows ?? [];
    return x && y ? cellsOf(rows, x, y, aggregate) : clockOf(rows, hour ?? '', aggregate);
  }, [answer.rows, x, y, hour, aggregate]);
  const option = useMemo(() => draw(map, name ?? '', isClock, theme), [map, name, isClock, theme]);

  return (
    <Frame
      panel={panel}
      table={table}
      about={`${measure.text} by ${isClock ? t('weekday and hour') : `${y} and ${x}`}`}
      isLoading={groups.length > 0 && answer.rows === undefined}
      isEmpty={map.cells.length === 0}
      error={answer.error ?? (groups.length > 0 ? null : new Error(advice(x, measure)))}
      query={query}
      isPicture
      figures={{
        columns: [isClock ? t('Weekday and hour') : `${y}, ${x}`, measure.text],
        rows: map.cells.map((cell) => [`${cell.y}, ${cell.x}`, formatNumber(cell.value, measure.name ?? '')]),
      }}
    >
      <Chart
        option={option}
        label={`${titleOf(panel)}: ${t('{{number}} as colours', { number: measure.text })}.`}
      />
    </Frame>
  );
}

function advice(x: string | undefined, measure: Measure): string {
  if (x !== undefined) return t('Choose a second column (`by`): a heat map has two axes.');
  return t(
    'Weekdays and hours need a sum or a count, and {{number}} cannot be added up: choose two columns (`by`).',
    { number: measure.text },
  );
}

function draw({ xs, ys, cells }: HeatMapCells, name: string, isClock: boolean, theme: Theme): ChartOption {
  const values = cells.map(({ value }) => value);
  const most = Math.max(1e-9, ...values);
  const isRoomy = cells.length <= 60;
  const width = Math.min(120, 24 + 8 * Math.max(0, ...ys.map((value) => value.length)));
  const axis = categoryAxis(theme, xs);
  return {
    grid: { top: 4, right: 4, bottom: 54, left: width },
    tooltip: {
      ...tooltip(theme, 'item'),
      valueFormatter: (value) => formatNumber(Number(Array.isArray(value) ? value[2] : value), name),
    },
    visualMap: {
      type: 'continuous',
      orient: 'horizontal',
      left: 'center',
      bottom: 0,
      itemHeight: 120,
      itemWidth: 10,
      text: [formatCompact(most), '0'],
      textStyle: text(theme),
      min: 0,
      max: most,
      dimension: 2,
      inRange: { color: [theme.heatFrom, theme.accent] },
    },
    xAxis: {
      ...axis,
      axisLine: { show: false },
      axisLabel: { ...axis.axisLabel, ...(isClock && { interval: 2 }) },
    },
    yAxis: {
      ...nameAxis(theme, ys),
      axisLabel: { ...text(theme), width: width - 12, overflow: 'truncate', hideOverlap: true },
    },
    series: [
      {
        id: 'cells',
        name,
        type: 'heatmap',
        data: cells.map((cell) => ({
          name: `${cell.y}, ${cell.x}`,
          value: [xs.indexOf(cell.x), ys.indexOf(cell.y), cell.value],
          label: { color: cell.value / most > theme.heatTurn ? theme.onAccent : theme.text },
        })),
        label: {
          show: isRoomy,
          fontFamily: FONT,
          fontSize: 12,
          formatter: ({ value }) => formatCompact(Array.isArray(value) ? Number(value[2]) : null),
        },
        labelLayout: { hideOverlap: true },
        itemStyle: { borderColor: theme.panel, borderWidth: 2, borderRadius: 4 },
      },
    ],
  } as ChartOption;
}
