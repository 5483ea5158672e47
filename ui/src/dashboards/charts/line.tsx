// A number over time, with a line for each value of a column. Points of open windows are drawn hollow: their values still
// grow. Dragging over the picture chooses a period.
import type { BarSeriesOption, LineSeriesOption } from 'echarts/charts';
import { useMemo } from 'react';
import { Chart } from '../../components/Chart';
import { type ChartOption, legend, text, tooltip, valueAxis } from '../../components/option';
import type { Row } from '../../explore/api';
import { formatNumber, formatValue, wallMs } from '../../explore/cells';
import { isValue, LINES, type Value } from '../../explore/plan';
import { formatCompact } from '../../format/number';
import { formatWallFull } from '../../format/time';
import { t } from '../../i18n';
import { type Theme, useTheme } from '../../theme';
import { useAnswer } from '../answer';
import type { ChartProps } from '../charts';
import { titleOf } from '../document';
import { Frame } from '../Frame';
import { aggregateQuery, among, byOf, measureOf, unitOf } from '../queries';
import { rangeBefore, wallText } from '../view';

/** Rows of the figures behind the picture: the newest points. */
const FIGURES = 200;
const POINTS = 20_000;

export default function LineChart({ table, panel, view, asked, onView }: ChartProps) {
  const theme = useTheme();
  const measure = measureOf(table, panel);
  const unit = unitOf(table, view);
  const by = byOf(table, panel)[0];
  const question = { table, panel, view };

  // First the values that have lines: the greatest.
  const limit = Math.min(panel.limit ?? LINES, LINES * 2);
  const valuesQuery = by ? aggregateQuery(question, [by], `-${measure.text}`, limit) : null;
  const values = useAnswer(table, valuesQuery, asked);
  const lines = useMemo(
    () => (by && values.rows ? values.rows.map((row) => row[by]).filter(isValue) : null),
    [by, values.rows],
  );

  const waits = by !== undefined && !lines?.length;
  const also = by && lines?.length ? among(by, lines) : undefined;
  const groups = unit ? [unit, ...(by ? [by] : [])] : [];
  const query = unit && !waits ? aggregateQuery({ ...question, also }, groups, unit, POINTS) : null;
  const answer = useAnswer(table, query, asked);

  const earlier = view.compare && !by ? rangeBefore(view) : null;
  const beforeQuery =
    query && unit && earlier ? aggregateQuery({ ...question, range: earlier }, [unit], unit, POINTS) : null;
  const before = useAnswer(table, beforeQuery, asked);

  const beforeRows = earlier ? before.rows : undefined;
  const isBars = panel.options?.bars === true;
  const { text: aggregate, name } = measure;
  const option = useMemo(
    () =>
      draw({
        rows: answer.rows ?? [],
        before: beforeRows ?? [],
        lines,
        by,
        unit: unit ?? '',
        measure: aggregate,
        name: name ?? 'rows',
        isBars,
        theme,
      }),
    [answer.rows, beforeRows, lines, by, unit, aggregate, name, isBars, theme],
  );

  const rows = answer.rows ?? [];
  return (
    <Frame
      panel={panel}
      table={table}
      about={`${measure.text}${unit ? ` by ${unit.split('(')[0]}` : ''}`}
      isLoading={unit !== null && answer.rows === undefined && !(by && values.rows?.length === 0)}
      isEmpty={rows.length === 0}
      error={
        answer.error ??
        values.error ??
        (unit ? null : new Error(t('{{table}} has no times to draw.', { table: table.name })))
      }
      query={query}
      isPicture
      figures={{
        columns: [t('Time'), ...(by ? [by] : []), measure.text],
        rows: rows
          .slice(-FIGURES)
          .reverse()
          .map((row) => [
            formatWallFull(wallMs(row[unit ?? ''])),
            ...(by ? [formatValue(row[by], by)] : []),
            formatValue(row[measure.text], measure.name ?? ''),
          ]),
      }}
    >
      <Chart
        option={option}
        label={`${titleOf(panel)}: ${t('{{name}} over time', { name: measure.text })}${by ? ` ${t('by {{columns}}', { columns: by })}` : ''}.`}
        onRange={(from, to) => onView({ from: wallText(from), to: wallText(to), period: undefined })}
      />
    </Frame>
  );
}

interface Drawn {
  rows: Row[];
  before: Row[];
  lines: Value[] | null;
  by: string | undefined;
  unit: string;
  measure: string;
  name: string;
  isBars: boolean;
  theme: Theme;
}

function draw({ rows, before, lines, by, unit, measure, name, isBars, theme }: Drawn): ChartOption {
  const format = (value: unknown) => formatNumber(Number(value), name);
  const points = new Map<string, Row[]>((lines ?? ['']).map((line) => [String(line), []]));
  for (const row of rows) points.get(by === undefined ? '' : String(row[by]))?.push(row);

  const series = [...points].map(([line, rows], index): LineSeriesOption | BarSeriesOption => {
    const color = theme.groups[index % theme.groups.length] ?? theme.accent;
    const data = rows.map((row) => ({
      value: [wallMs(row[unit]), Number(row[measure])] as [number, number],
      ...(row._is_final === false && {
        symbol: 'emptyCircle',
        symbolSize: 7,
        itemStyle: { color, opacity: 0.45 },
      }),
    }));
    const common = { id: `line-${line}`, name: line || name, color, data };
    if (isBars) return { ...common, type: 'bar', ...(lines && { stack: 'all' }), barMaxWidth: 24 };
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

  const first = rows[0];
  const firstBefore = before[0];
  if (first && firstBefore) {
    const shift = wallMs(first[unit]) - wallMs(firstBefore[unit]);
    series.push({
      id: 'before',
      type: 'line',
      name: t('the period before'),
      color: theme.muted,
      symbol: 'none',
      lineStyle: { width: 1.5, type: 'dashed' },
      data: before.map((row) => [wallMs(row[unit]) + shift, Number(row[measure])]),
    });
  }

  const hasLegend = series.length > 1;
  return {
    useUTC: true,
    grid: { top: hasLegend ? 40 : 16, right: 12, bottom: 26, left: 56 },
    legend: {
      ...legend(theme),
      show: hasLegend,
      type: 'scroll',
      pageIconColor: theme.accent,
      pageIconInactiveColor: theme.line,
      pageTextStyle: text(theme),
    },
    tooltip: { ...tooltip(theme, 'axis'), valueFormatter: format },
    xAxis: {
      type: 'time',
      axisLine: { lineStyle: { color: theme.line } },
      axisTick: { show: false },
      axisLabel: { ...text(theme), hideOverlap: true },
    },
    yAxis: valueAxis(theme, (value) =>
      /response_time|_ms$/.test(name) ? format(value) : formatCompact(value),
    ),
    series,
  } as ChartOption;
}
