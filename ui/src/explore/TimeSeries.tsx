// A number over time, with a line for each value of a dimension. Points whose windows are still open are drawn hollow:
// their values still grow.
import { useCallback, useMemo } from 'react';
import { DataTable } from '../components/DataTable';
import { Panel } from '../components/Panel';
import { sayHidden } from '../components/series/say';
import type { TimeData, TimePoint } from '../components/time/plot';
import { TimeChart } from '../components/time/TimeChart';
import { formatCompact } from '../format/number';
import { formatWallFull } from '../format/time';
import { t } from '../i18n';
import { type Theme, useTheme } from '../theme';
import type { Row, Table } from './api';
import { formatNumber, formatValue, shownMs } from './cells';
import { aggregateOf, type Search, unitOf, type Value } from './plan';

interface TimeSeriesProps {
  table: Table;
  search: Search;
  rows: Row[] | null;
  /** The values that have lines; null: there is one line. */
  lines: Value[] | null;
  error: Error | null;
  onChange: (changed: Partial<Search>) => void;
}

/** Rows of the table behind the drawing: the newest points. */
const TABLE_ROWS = 60;

export function TimeSeries({ table, search, rows, lines, error, onChange }: TimeSeriesProps) {
  const theme = useTheme();
  const { text: aggregate, number } = aggregateOf(table, search);
  const unit = `${unitOf(search.period, table)}(${table.time_column})`;
  const data = useMemo(
    () =>
      dataOf({ rows: rows ?? [], lines, by: search.by, unit, aggregate, number, chart: search.chart, theme }),
    [rows, lines, search.by, search.chart, unit, aggregate, number, theme],
  );
  const format = useCallback((value: number) => formatNumber(value, number ?? ''), [number]);
  const short = useCallback(
    (value: number) =>
      number && /response_time|_ms$/.test(number) ? formatNumber(value, number) : formatCompact(value),
    [number],
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
      <figure className="chart">
        <TimeChart
          data={data}
          theme={theme}
          format={format}
          short={short}
          hidden={search.hidden}
          onHidden={(hidden) => onChange({ hidden })}
          label={`${t('{{name}} over time', { name })}${search.by ? ` ${t('by {{columns}}', { columns: search.by })}` : ''}.`}
        />
        <DataTable
          caption={t('{{name}} over time', { name })}
          note={sayHidden(data.series, search.hidden)}
          columns={['Time', ...(search.by ? [search.by] : []), aggregate]}
          rows={(rows ?? [])
            .slice(-TABLE_ROWS)
            .map((row) => [
              formatWallFull(shownMs(row[unit], unit)),
              ...(search.by ? [formatValue(row[search.by], search.by)] : []),
              formatValue(row[aggregate], name),
            ])}
        />
      </figure>
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

function dataOf({ rows, lines, by, unit, aggregate, number, chart, theme }: Drawn): TimeData {
  const points = new Map<string, TimePoint[]>((lines ?? ['']).map((line) => [String(line), []]));
  for (const row of rows) {
    const value = Number(row[aggregate]);
    if (row[aggregate] === null || !Number.isFinite(value)) continue;
    points
      .get(by === undefined ? '' : String(row[by] ?? ''))
      ?.push({ at: shownMs(row[unit], unit), value, isOpen: row._is_final === false });
  }
  const series = [...points].map(([line, points], index) => ({
    id: `line-${line}`,
    name: line || (number ?? t('rows')),
    color: theme.groups[index % theme.groups.length] ?? theme.accent,
    points,
  }));
  return { series, bars: chart === 'bar', limits: [] };
}
