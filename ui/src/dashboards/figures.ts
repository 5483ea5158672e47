// What charts compute from the rows of an answer.
import type { Row } from '../explore/api';
import { formatValue, wallMs } from '../explore/cells';
import { NONE } from '../format/number';
import { formatHour } from '../format/time';
import { locale, t } from '../i18n';
import type { Threshold } from './document';

/** Values on an axis that can still be read. */
const VALUES = 40;

export interface Cell {
  x: string;
  y: string;
  value: number;
}

export interface HeatMapCells {
  xs: string[];
  ys: string[];
  cells: Cell[];
}

/** The cells of two columns: numbers in their order, other values by their greatest totals. */
export function cellsOf(rows: Row[], x: string, y: string, aggregate: string): HeatMapCells {
  const cells = rows
    .map((row) => ({
      x: formatValue(row[x], x),
      y: formatValue(row[y], y),
      value: Number(row[aggregate]),
    }))
    .filter(({ value }) => Number.isFinite(value));
  const xs = valuesOf(cells, (cell) => cell.x);
  const ys = valuesOf(cells, (cell) => cell.y);
  return { xs, ys, cells: cells.filter((cell) => xs.includes(cell.x) && ys.includes(cell.y)) };
}

function valuesOf(cells: Cell[], of: (cell: Cell) => string): string[] {
  const totals = new Map<string, number>();
  for (const cell of cells) totals.set(of(cell), (totals.get(of(cell)) ?? 0) + Math.abs(cell.value));
  const greatest = [...totals].sort((a, b) => b[1] - a[1]).slice(0, VALUES);
  const values = greatest.map(([value]) => value);
  return values.every((value) => value === NONE || !Number.isNaN(Number(value)))
    ? values.sort((a, b) => Number(a) - Number(b))
    : values;
}

const WEEKDAY = new Intl.DateTimeFormat(locale, { weekday: 'short', timeZone: 'UTC' });
/** Midnight of a Monday. */
const MONDAY = Date.UTC(2024, 0, 1);
const DAY_MS = 86_400_000;

/** The cells of weekday and hour: sums over all weeks. */
export function clockOf(rows: Row[], hour: string, aggregate: string): HeatMapCells {
  const ys = Array.from({ length: 7 }, (_, day) => WEEKDAY.format(MONDAY + day * DAY_MS));
  const xs = Array.from({ length: 24 }, (_, hour) => formatHour(hour));
  const sums = new Map<string, Cell>();
  for (const row of rows) {
    const at = wallMs(row[hour]);
    const value = Number(row[aggregate]);
    if (Number.isNaN(at) || !Number.isFinite(value)) continue;
    const date = new Date(at);
    const [x, y] = [xs[date.getUTCHours()] ?? '', ys[(date.getUTCDay() + 6) % 7] ?? ''];
    const cell = sums.get(`${y} ${x}`) ?? { x, y, value: 0 };
    sums.set(`${y} ${x}`, { ...cell, value: cell.value + value });
  }
  return { xs, ys, cells: [...sums.values()] };
}

/** The first threshold that a value has reached. */
export function reachedOf(value: number, thresholds: readonly Threshold[]): Threshold | undefined {
  return thresholds.find(
    ({ above, below }) => (above != null && value > above) || (below != null && value < below),
  );
}

export interface Share {
  label: string;
  value: number;
  color: string;
}

/** The greatest groups, and all others as one. Negative values have no share. */
export function sharesOf(
  groups: [string, number][],
  limit: number,
  colorOf: (label: string, index: number) => string,
  rest: string,
): Share[] {
  const positive = groups.filter(([, value]) => value > 0);
  const shown = positive
    .slice(0, limit)
    .map(([label, value], index) => ({ label, value, color: colorOf(label, index) }));
  const others = positive.slice(limit).reduce((sum, [, value]) => sum + value, 0);
  return others > 0 ? [...shown, { label: t('others'), value: others, color: rest }] : shown;
}
