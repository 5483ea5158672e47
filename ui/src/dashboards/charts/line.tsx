// A number over time, with a line for each value of a column. Points of open windows are drawn hollow: their values still
// grow. Dragging over the picture chooses a period.
import { useCallback, useMemo } from 'react';
import { sayHidden } from '../../components/series/say';
import type { TimeData, TimePoint, TimeSeries } from '../../components/time/plot';
import { TimeChart } from '../../components/time/TimeChart';
import type { Row } from '../../explore/api';
import { formatNumber, formatValue, shownMs } from '../../explore/cells';
import { isValue, LINES, type Value } from '../../explore/plan';
import { formatCompact } from '../../format/number';
import { formatWallFull } from '../../format/time';
import { toData } from '../../format/zone';
import { t } from '../../i18n';
import { type Theme, useTheme } from '../../theme';
import { useAnswer } from '../answer';
import type { ChartProps } from '../charts';
import type { Threshold } from '../document';
import { titleOf } from '../document';
import { Frame } from '../Frame';
import { aggregateQuery, among, byOf, measureOf, unitOf } from '../queries';
import { colorOf, limitsOf } from '../thresholds';
import { rangeBefore, wallText, withHidden } from '../view';
import { sayFigures } from '../words';

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
  const data = useMemo(
    () =>
      dataOf({
        rows: answer.rows ?? [],
        before: beforeRows ?? [],
        lines,
        by,
        unit: unit ?? '',
        measure: aggregate,
        name: name ?? t('rows'),
        isBars,
        thresholds: panel.thresholds,
        theme,
      }),
    [answer.rows, beforeRows, lines, by, unit, aggregate, name, isBars, panel.thresholds, theme],
  );
  const format = useCallback((value: number) => formatNumber(value, name ?? ''), [name]);
  const short = useCallback(
    (value: number) =>
      /response_time|_ms$/.test(name ?? '') ? formatNumber(value, name ?? '') : formatCompact(value),
    [name],
  );

  const rows = answer.rows ?? [];
  const hidden = view.hidden?.[panel.id];
  return (
    <Frame
      panel={panel}
      table={table}
      about={sayFigures(measure, unit, by ? [by] : [])}
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
        note: sayHidden(data.series, hidden),
        columns: [t('Time'), ...(by ? [by] : []), measure.text],
        rows: rows
          .slice(-FIGURES)
          .reverse()
          .map((row) => [
            formatWallFull(shownMs(row[unit ?? ''], unit ?? '')),
            ...(by ? [formatValue(row[by], by)] : []),
            formatValue(row[measure.text], measure.name ?? ''),
          ]),
      }}
    >
      <TimeChart
        data={data}
        theme={theme}
        format={format}
        short={short}
        label={`${titleOf(panel)}: ${t('{{name}} over time', { name: measure.text })}${by ? ` ${t('by {{columns}}', { columns: by })}` : ''}.`}
        hidden={hidden}
        onHidden={(ids) => onView(withHidden(view, panel.id, ids))}
        onRange={(from, to) =>
          onView({ from: wallText(toData(from)), to: wallText(toData(to)), period: undefined })
        }
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
  thresholds: readonly Threshold[] | undefined;
  theme: Theme;
}

function dataOf(drawn: Drawn): TimeData {
  const { rows, before, lines, by, unit, measure, name, isBars, thresholds, theme } = drawn;
  const points = new Map<string, TimePoint[]>((lines ?? ['']).map((line) => [String(line), []]));
  for (const row of rows) {
    const value = Number(row[measure]);
    if (row[measure] === null || !Number.isFinite(value)) continue;
    points.get(by === undefined ? '' : String(row[by]))?.push({
      at: shownMs(row[unit], unit),
      value,
      isOpen: row._is_final === false,
      color: colorOf(value, thresholds, theme),
    });
  }

  const series = [...points].map(
    ([line, points], index): TimeSeries => ({
      id: `line-${line}`,
      name: line || name,
      color: theme.groups[index % theme.groups.length] ?? theme.accent,
      points,
    }),
  );
  const [first, firstBefore] = [rows[0], before[0]];
  if (first && firstBefore) {
    // The period before lies under the present one.
    const shift = shownMs(first[unit], unit) - shownMs(firstBefore[unit], unit);
    series.push({
      id: 'before',
      name: t('the period before'),
      color: theme.muted,
      isDashed: true,
      points: before.map((row) => ({ at: shownMs(row[unit], unit) + shift, value: Number(row[measure]) })),
    });
  }
  return { series, bars: isBars, limits: limitsOf(thresholds, theme) };
}
