// Rows of a query as lines: what stands across, what is the height, and which rows make a line of their own.
import { cellText, isNumeric, isTime, timeOf } from './cells';
import type { Row } from './rows';
import type { Column } from './types';

export interface Choice {
  /** Indices of columns; -1 for the order of arrival, and for one line of all rows. */
  across: number;
  height: number;
  by: number;
}

export const LINES_MAX = 8;

export interface Line {
  name: string;
  points: [x: number, y: number][];
}

/** What a chart of these columns shows at first; null if no column is a number. */
export function firstChoice(columns: Column[]): Choice | null {
  const height = columns.findLastIndex(({ logicalType }) => isNumeric(logicalType.type));
  if (height < 0) return null;
  const across = columns.findIndex(({ logicalType }) => isTime(logicalType.type));
  const by = columns.findIndex(({ logicalType }) => /CHAR/.test(logicalType.type));
  return { across, height, by };
}

/** The lines of the rows that stand: a row that replaces another one with the same place takes its place. */
export function linesOf(columns: Column[], rows: Row[], choice: Choice): { lines: Line[]; more: number } {
  const isOverTime = isTime(columns[choice.across]?.logicalType.type ?? '');
  const lines = new Map<string, Map<number, number>>();
  for (const { number, kind, fields } of rows) {
    const name = choice.by < 0 ? '' : (cellText(fields[choice.by]) ?? 'NULL');
    const value = fields[choice.across];
    const x = choice.across < 0 ? number : isOverTime ? timeOf(value) : Number(value);
    const height = fields[choice.height];
    if (height === null || !Number.isFinite(x) || !Number.isFinite(Number(height))) continue;
    const points = lines.get(name) ?? new Map<number, number>();
    lines.set(name, points);
    if (kind === 'INSERT' || kind === 'UPDATE_AFTER') points.set(x, Number(height));
    else points.delete(x);
  }

  const all = [...lines].map(([name, points]) => ({
    name,
    points: [...points].toSorted(([a], [b]) => a - b),
  }));
  const longest = all.toSorted((a, b) => b.points.length - a.points.length);
  return { lines: longest.slice(0, LINES_MAX), more: Math.max(0, longest.length - LINES_MAX) };
}
