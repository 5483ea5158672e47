// The questions of panels, as parameters of `GET /results/{table}`.
import type { Column, Table } from '../explore/api';
import {
  type Combination,
  combinationOf,
  dimensionsOf,
  literal,
  numbersOf,
  quoted,
  type Value,
} from '../explore/plan';
import type { PanelDocument } from './document';
import { lengthOf, type Range, rangeOf, unitFor, type View } from './view';

/** The number of a panel, as an aggregate of the routes; `name` is null where rows are counted. */
export interface Measure {
  text: string;
  name: string | null;
}

export function measureOf(table: Table, panel: PanelDocument): Measure {
  const numbers = numbersOf(table);
  const number = panel.number ?? numbers[0]?.name;
  if (number === undefined || panel.combination === 'count') return { text: 'count(*)', name: null };
  const combination: Combination = panel.combination ?? combinationOf(number);
  const weight = combination === 'avg' && panel.weight ? ` weighted by ${panel.weight}` : '';
  return { text: `${combination}(${number}${weight})`, name: number };
}

/** The columns by which a panel divides, as far as its table has them. */
export function byOf(table: Table, panel: PanelDocument): string[] {
  return (panel.by ?? []).filter((name) => table.columns.some((column) => column.name === name));
}

/** The columns that a panel of this table can divide by. */
export function choicesOf(table: Table): Column[] {
  return dimensionsOf(table);
}

/** The conditions of a panel: its own, and the values that the reader has chosen. */
export function conditionsFor(table: Table, panel: PanelDocument, view: View, except?: string): string {
  const columns = new Set(table.columns.map(({ name }) => name));
  const chosen = Object.entries(view.only ?? {}).filter(([name]) => columns.has(name) && name !== except);
  const conditions = chosen.map(([name, value]) => `${quoted(name)} = ${literal(value)}`);
  return [panel.where?.trim(), ...conditions].filter(Boolean).join(' AND ');
}

interface Question {
  table: Table;
  panel: PanelDocument;
  view: View;
  /** Otherwise the period of the view. */
  range?: Range | undefined;
  /** A column whose chosen value does not count, because its other values are shown too. */
  except?: string | undefined;
  /** Another condition. */
  also?: string | undefined;
}

/** The aggregate of a panel by some columns or periods, in an order. */
export function aggregateQuery(
  { table, panel, view, range = rangeOf(view), except, also }: Question,
  groups: string[],
  order: string,
  limit: number,
): URLSearchParams {
  const query = new URLSearchParams();
  if (range.from) query.set('from', range.from);
  if (range.to) query.set('to', range.to);
  const where = [conditionsFor(table, panel, view, except), also].filter(Boolean).join(' AND ');
  if (where) query.set('where', where);
  if (groups.length > 0) query.set('group_by', groups.join(','));
  query.set('aggregate', measureOf(table, panel).text);
  if (order) query.set('order', order);
  query.set('limit', String(limit));
  return query;
}

/** The unit of time of a table's drawing, as it stands in `group_by`; null: the table has no times. */
export function unitOf(table: Table, view: View): string | null {
  if (!table.time_column) return null;
  return `${unitFor(lengthOf(view) ?? lengthOfRows(table))}(${table.time_column})`;
}

function lengthOfRows({ oldest, newest }: Table): number {
  if (!oldest || !newest) return 0;
  return Date.parse(`${newest}Z`) - Date.parse(`${oldest}Z`);
}

/** The condition that a column has one of these values. */
export function among(column: string, values: Value[]): string {
  return `${quoted(column)} IN (${values.map(literal).join(', ')})`;
}
