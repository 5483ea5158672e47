// A number over time, with a line for each value of a dimension. Points whose windows are still open are drawn hollow:
// their values still grow.
import type { BarSeriesOption, LineSeriesOption } from 'echarts/charts';
import { useMemo } from 'react';
import { Chart } from '../components/Chart';
import { DataTable } from '../components/DataTable';
import { type ChartOption, legend, text, tooltip, valueAxis } from '../components/option';
import { Panel } from '../components/Panel';
import { formatCompact } from '../format/number';
import { formatWallFull } from '../format/time';
import { t } from '../i18n';
import { type Theme, useTheme } from '../theme';
import type { Row, Table } from './api';
import { formatNumber, formatValue, wallMs } from './cells';
import { aggregateOf, type Search, unitOf, type Value } from './plan';

interface TimeSeriesProps {
  table: Table;
  search: Search;
  rows: Row[] | null;
  /** The values that have lines; null: there is one line. */
  lines: Value[] | null;
  error: Error | null;
}

/** Rows of the table behind the drawing: the newest points. */
const TABLE_ROWS = 60;

export function TimeSeries({ table, search, rows, lines, error }: TimeSeriesProps) {
  const theme = useTheme();
  const { text: aggregate, number } = aggregateOf(table, search);
  const unit = `${unitOf(search.period, table)}(${table.time_column})`;
  const option = useMemo(
    () =>
      draw({ rows: rows ?? [], lines, by: search.by, unit, aggregate, number, chart: search.chart, theme }),
    [rows, lines, search.by, search.chart, unit, aggregate, number, theme],
  );
  const name = number ?? t('rows');

  if (!table.time_column) return null;
  return (
    <Panel
      title={t('{{name}} over time', { name })}
      range={`${aggregate} by ${unitOf(search.period, table)}`}
      area="series"
      rows={error ? [error] : (rows ?? undefined)}
    >
      {error && <p role="alert">{error.message}</p>}
      <Chart
        option={option}
        label={`${t('{{name}} over time', { name })}${search.by ? ` ${t('by {{columns}}', { columns: search.by })}` : ''}.`}
      >
        <DataTable
          caption={t('{{name}} over time', { name })}
          columns={['Time', ...(search.by ? [search.by] : []), aggregate]}
          rows={(rows ?? [])
            .slice(-TABLE_ROWS)
            .map((row) => [
              formatWallFull(wallMs(row[unit])),
              ...(search.by ? [formatValue(row[search.by], search.by)] : []),
              formatValue(row[aggregate], name),
            ])}
        />
      </Chart>
    </Panel>
  );
}

interface Drawn {
  rows: Row[];
  lines: Value[] | null;
  by: string | undefined;
  unit: string;
  aggregate: string;
  number: string | null;
  chart: Search['chart'];
  theme: Theme;
}

function draw({ rows, lines, by, unit, aggregate, number, chart, theme }: Drawn): ChartOption {
  const format = (value: unknown) => formatNumber(Number(value), number ?? '');
  const points = new Map<string, Row[]>((lines ?? ['']).map((line) => [String(line), []]));
  for (const row of rows) points.get(by === undefined ? '' : String(row[by] ?? ''))?.push(row);

  const series = [...points].map(([line, rows], index): LineSeriesOption | BarSeriesOption => {
    const color = theme.groups[index % theme.groups.length] ?? theme.accent;
    const data = rows.map((row) => ({
      value: [wallMs(row[unit]), Number(row[aggregate])] as [number, number],
      ...(row._is_final === false && {
        symbol: 'emptyCircle',
        symbolSize: 7,
        itemStyle: { color, opacity: 0.45 },
      }),
    }));
    const common = { id: `line-${line}`, name: line || (number ?? 'rows'), color, data };
    if (chart === 'bar') return { ...common, type: 'bar', ...(lines && { stack: 'all' }), barMaxWidth: 24 };
    return {
      ...common,
      type: 'line',
      symbol: 'circle',
      symbolSize: data.length > 1 ? 4 : 8,
      showSymbol: data.length < 80,
      lineStyle: { width: 2 },
      ...(!lines && { areaStyle: { opacity: 0.1 } }),
    };
  });

  return {
    useUTC: true,
    grid: { top: lines ? 40 : 16, right: 12, bottom: 26, left: 56 },
    ...(lines && {
      legend: {
        ...legend(theme),
        type: 'scroll',
        pageIconColor: theme.accent,
        pageIconInactiveColor: theme.line,
        pageTextStyle: text(theme),
      },
    }),
    tooltip: { ...tooltip(theme, 'axis'), valueFormatter: format },
    xAxis: {
      type: 'time',
      axisLine: { lineStyle: { color: theme.line } },
      axisTick: { show: false },
      axisLabel: { ...text(theme), hideOverlap: true },
    },
    yAxis: valueAxis(theme, (value) =>
      number && /response_time|_ms$/.test(number) ? format(value) : formatCompact(value),
    ),
    series,
  } as ChartOption;
}
