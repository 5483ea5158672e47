// The tables behind the panels. While generated events are shown, a panel reads the table with their results.
import type { Table } from '../explore/api';
import type { Dashboard } from './document';
import type { View } from './view';

/** Begins the names of the tables with the results of generated events. */
export const GENERATED = 'generated_';

/** A table, and the name that panels call it. */
export interface ShownTable extends Table {
  shows: string;
}

/** Whether the reader sees the results of generated events: by default as long as there are no others. */
export function isGenerated(tables: Table[], dashboard: Dashboard, view: View, state?: string): boolean {
  if (state === undefined || state === 'off') return false;
  if (view.generated !== undefined) return view.generated;
  return !hasRows(tables, dashboard);
}

/** Whether a table of the dashboard has rows. */
export function hasRows(tables: Table[], dashboard: Dashboard): boolean {
  const wanted = new Set(dashboard.panels.map(({ table }) => table));
  return tables.some(({ name, rows }) => wanted.has(name) && rows > 0);
}

/** The tables that panels read; undefined while they are not known. */
export function shownTables(
  tables: Table[] | undefined,
  dashboard: Dashboard,
  view: View,
  state?: string,
): ShownTable[] | undefined {
  if (!tables) return undefined;
  const prefix = isGenerated(tables, dashboard, view, state) ? GENERATED : '';
  const wanted = new Set(dashboard.panels.map(({ table }) => table));
  return [...wanted].flatMap((shows) => {
    const own = tables.find(({ name }) => name === `${prefix}${shows}`);
    const table = own ?? tables.find(({ name }) => name === shows);
    return table ? [{ ...table, shows }] : [];
  });
}
