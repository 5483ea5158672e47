// Which questions a page asks about a table, from the types and keys of its columns.
//
//   numbers      integers and decimals                                           drawn over time
//   dimensions   texts, booleans, and integers that are in the key or are ids    ranked lists, lines of the drawing
//   times        the window and other timestamps                                 neither
//
// A sum of averages or of shares says nothing, so the name of a number decides how its values are combined.
import { readHidden } from '../components/series/hidden';
import type { Column, Table } from './api';

export const PERIODS = ['15m', '1h', '6h', '24h', '7d', '30d', 'all'] as const;
export type Period = (typeof PERIODS)[number];

/** How the values of a number are combined. */
export const COMBINATIONS = ['sum', 'avg', 'min', 'max'] as const;
export type Combination = (typeof COMBINATIONS)[number];

/** What the address of the page says. */
export interface Search {
  period: Period;
  /** The drawn number; by default the first. */
  number?: string | undefined;
  combination?: Combination | undefined;
  /** The dimension that has a line for each of its values. */
  by?: string | undefined;
  chart?: 'line' | 'bar' | undefined;
  /** Conditions of the user's own. */
  where?: string | undefined;
  /** Values of dimensions, chosen in the ranked lists. */
  only?: Record<string, Value> | undefined;
  /** The lines that are not drawn. */
  hidden?: string[] | undefined;
}

/** A value of a dimension that conditions can name. */
export type Value = string | number | boolean;

export function isValue(value: unknown): value is Value {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

/** Lines that a drawing can hold and still be read. */
export const LINES = 8;
/** Values of a ranked list. */
export const RANKS = 10;

const PERIOD_HOURS: Record<Exclude<Period, 'all'>, number> = {
  '15m': 0.25,
  '1h': 1,
  '6h': 6,
  '24h': 24,
  '7d': 168,
  '30d': 720,
};

const AVERAGED = /(^|_)(avg|mean|median|p\d\d?|percent|percentage|rate|ratio|share)(_|$)/i;
// Counts of distinct values cannot be added up either: the greatest of them is a fact.
const GREATEST = /(^|_)(max|maximum|highest|unique|distinct)(_|$)/i;
const LEAST = /(^|_)(min|minimum|lowest)(_|$)/i;

/** Integers that name something: nobody adds them up. */
const NAMING = /(^|_)(id|year|years|month|hour|day|weekday|code|zip)(_|$)/i;
/** Numbers of which a page shows one first. */
const COUNTS = /(count|total|sum|amount|number|events|queries|requests)/i;

/** The numbers of a table; those that count something come first. */
export function numbersOf(table: Table): Column[] {
  const isNumber = ({ kind }: Column) => kind === 'integer' || kind === 'number';
  const numbers = table.columns.filter(
    (column) => isNumber(column) && isPlain(column) && !isNaming(table, column),
  );
  const counts = numbers.filter(({ name }) => COUNTS.test(name));
  return [...counts, ...numbers.filter((column) => !counts.includes(column))];
}

function isNaming(table: Table, { name, kind }: Column): boolean {
  return table.key_columns.includes(name) || (kind === 'integer' && NAMING.test(name));
}

export function dimensionsOf(table: Table): Column[] {
  const times = timesOf(table);
  return table.columns.filter(
    (column) =>
      !times.has(column.name) &&
      isPlain(column) &&
      (column.kind === 'text' ||
        column.kind === 'boolean' ||
        (column.kind === 'integer' && isNaming(table, column))),
  );
}

/** The lists of the routes have no way to write a name that contains their signs. */
function isPlain({ name }: Column): boolean {
  return !/[(),]/.test(name) && !name.startsWith('-') && name.trim() === name;
}

/** The times of a table. Weir's own analytics keep them as texts. */
export function timesOf(table: Table): Set<string> {
  const times = table.columns.filter(
    ({ name, kind }) => kind === 'time' || /(^|_)(at|time|timestamp)$/.test(name),
  );
  return new Set([...times.map(({ name }) => name), ...table.window, table.time_column ?? '']);
}

export function combinationOf(number: string): Combination {
  if (AVERAGED.test(number)) return 'avg';
  if (GREATEST.test(number)) return 'max';
  if (LEAST.test(number)) return 'min';
  return 'sum';
}

/** The unit of time of the drawing: about a hundred points. */
export function unitOf(period: Period, table: Table): 'minute' | 'hour' | 'day' {
  const hours = period === 'all' ? hoursOf(table) : PERIOD_HOURS[period];
  if (hours <= 6) return 'minute';
  return hours <= 24 * 8 ? 'hour' : 'day';
}

function hoursOf(table: Table): number {
  if (!table.oldest || !table.newest) return 1;
  return (Date.parse(`${table.newest}Z`) - Date.parse(`${table.oldest}Z`)) / 3_600_000;
}

/** The number that is drawn, as an aggregate. `null`: the table has none, and its rows are counted. */
export function aggregateOf(table: Table, search: Search): { text: string; number: string | null } {
  const numbers = numbersOf(table);
  const chosen = numbers.find(({ name }) => name === search.number) ?? numbers[0];
  if (!chosen) return { text: 'count(*)', number: null };
  const combination = search.combination ?? combinationOf(chosen.name);
  return { text: `${combination}(${chosen.name})`, number: chosen.name };
}

/** All conditions: those of the user, and the chosen values. */
export function conditionsOf(search: Search): string | undefined {
  const chosen = Object.entries(search.only ?? {}).map(
    ([name, value]) => `${quoted(name)} = ${literal(value)}`,
  );
  const all = [...(search.where?.trim() ? [search.where.trim()] : []), ...chosen];
  return all.length > 0 ? all.join(' AND ') : undefined;
}

/** The drawing: a point for each unit of time, and for each value of `search.by`. */
export function seriesQuery(table: Table, search: Search, values: Value[] | null): URLSearchParams | null {
  if (!table.time_column) return null;
  const unit = `${unitOf(search.period, table)}(${table.time_column})`;
  const query = common(search);
  query.set('group_by', search.by ? `${unit},${search.by}` : unit);
  query.set('aggregate', aggregateOf(table, search).text);
  query.set('order', unit);
  query.set('limit', '10000');
  if (search.by && values) {
    const list = values.map((value) => literal(value)).join(', ');
    const conditions = [conditionsOf(search), `${quoted(search.by)} IN (${list})`];
    query.set('where', conditions.filter(Boolean).join(' AND '));
  }
  return query;
}

/** The greatest values of a dimension. */
export function rankedQuery(table: Table, search: Search, dimension: string, limit: number): URLSearchParams {
  // A chosen value must not hide the other values of its own list.
  const { [dimension]: _, ...only } = search.only ?? {};
  const query = common({ ...search, only });
  const aggregate = aggregateOf(table, search).text;
  query.set('group_by', dimension);
  query.set('aggregate', aggregate);
  query.set('order', `-${aggregate}`);
  query.set('limit', String(limit));
  return query;
}

/** The rows that the page shows, for downloading them. */
export function rowsQuery(search: Search): URLSearchParams {
  const query = common(search);
  query.set('limit', '100000');
  return query;
}

function common(search: Search): URLSearchParams {
  const query = new URLSearchParams();
  if (search.period !== 'all') query.set('from', `-${search.period}`);
  const where = conditionsOf(search);
  if (where) query.set('where', where);
  return query;
}

/** The columns that the answer to a query has, as one text: rows with other columns cannot stand in for it. */
export function columnsOf(query: string): string {
  const parameters = new URLSearchParams(query);
  return JSON.stringify([parameters.get('group_by'), parameters.get('aggregate')]);
}

export function quoted(name: string): string {
  return /^[a-z_][a-z0-9_]*$/i.test(name) ? name : `\`${name.replaceAll('`', '``')}\``;
}

export function literal(value: Value): string {
  return typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value).toUpperCase();
}

/** Reads the address; what makes no sense is left out. */
export function readSearch(raw: Record<string, unknown>): Search {
  const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined);
  const one = <T extends string>(value: unknown, of: readonly T[]) => of.find((known) => known === value);
  const chosen = typeof raw.only === 'object' && raw.only !== null ? Object.entries(raw.only) : [];
  const only = chosen.filter((entry): entry is [string, Value] => isValue(entry[1]));
  return {
    period: one(raw.period, PERIODS) ?? '1h',
    number: text(raw.number),
    combination: one(raw.combination, COMBINATIONS),
    by: text(raw.by),
    chart: one(raw.chart, ['line', 'bar'] as const),
    where: text(raw.where),
    only: only.length > 0 ? Object.fromEntries(only) : undefined,
    hidden: readHidden(raw.hidden),
  };
}
