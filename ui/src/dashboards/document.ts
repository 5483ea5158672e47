// A dashboard as a document: what the server keeps, what a file in `dashboards/` holds, and what is exported.
import type { components } from '../api/schema';
import { language } from '../i18n';
import { isPeriod } from './view';

type Schemas = components['schemas'];

export type Dashboard = Schemas['Dashboard'];
/** `chart` is the name of a file in `charts/`, and `options` is what only this chart understands. */
export type PanelDocument = Schemas['Panel'];
export type Threshold = Schemas['Threshold'];
/** A place in a grid of twelve columns. */
export type Place = Schemas['PanelPlace'];

export const COLUMNS = 12;

/** A name for an address, from a title: `Câu hỏi mỗi phút` becomes `cau-hoi-moi-phut`. */
export function slug(title: string, taken: readonly string[] = []): string {
  const plain = title
    .toLowerCase()
    .replaceAll('đ', 'd')
    .normalize('NFD')
    .replace(/[^a-z0-9]+/g, (signs) => (/^\p{M}+$/u.test(signs) ? '' : '-'))
    .replace(/^-+|-+$/g, '')
    .slice(0, 36)
    .replace(/-+$/, '');
  const name = plain || 'panel';
  if (!taken.includes(name)) return name;
  let number = 2;
  while (taken.includes(`${name}-${number}`)) number += 1;
  return `${name}-${number}`;
}

/** The first place below all panels. */
export function placeBelow(panels: readonly PanelDocument[], w: number, h: number): Place {
  return { x: 0, y: Math.max(0, ...panels.map(({ at }) => at.y + at.h)), w, h };
}

/** Adds a panel below the others, with an id of its own. */
export function withPanel(dashboard: Dashboard, panel: Omit<PanelDocument, 'id' | 'at'>): Dashboard {
  const ids = dashboard.panels.map(({ id }) => id);
  const added = { ...panel, id: slug(panel.title, ids), at: placeBelow(dashboard.panels, 6, 5) };
  return { ...dashboard, panels: [...dashboard.panels, added] };
}

/** Puts panels where the grid has them. */
export function withPlaces(dashboard: Dashboard, places: ReadonlyMap<string, Place>): Dashboard {
  const panels = dashboard.panels.map((panel) => ({ ...panel, at: places.get(panel.id) ?? panel.at }));
  return { ...dashboard, panels };
}

/** Reads an exported file as far as drawing it needs; the server checks everything when it is saved. */
export function readDocument(text: string): Dashboard {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new Error(`The file is not JSON: ${(error as Error).message}`);
  }
  if (!isObject(value)) throw new Error('A dashboard is a JSON object.');
  if (value.version !== 1) throw new Error('The file is not a dashboard of version 1: `version` must be 1.');
  if (typeof value.title !== 'string') throw new Error('`title` must be a text.');
  if (!Array.isArray(value.panels)) throw new Error('`panels` must be a list.');
  for (const [index, panel] of value.panels.entries()) {
    const wrong = faultOf(panel);
    if (wrong) throw new Error(`\`panels[${index}]${wrong}`);
  }
  const { period, ...rest } = value as unknown as Dashboard;
  return isPeriod(period) ? { ...rest, period } : rest;
}

function faultOf(panel: unknown): string | null {
  if (!isObject(panel)) return '` must be an object.';
  for (const name of ['id', 'title', 'table', 'chart']) {
    if (typeof panel[name] !== 'string') return `.${name}\` must be a text.`;
  }
  const at = panel.at;
  if (!isObject(at)) return '.at` must be an object.';
  for (const name of ['x', 'y', 'w', 'h']) {
    if (!Number.isInteger(at[name])) return `.at.${name}\` must be a whole number.`;
  }
  if (panel.by !== undefined && !Array.isArray(panel.by)) return '.by` must be a list of columns.';
  return null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function titleOf(of: { title: string; title_vi?: string | null }): string {
  return (language === 'vi' && of.title_vi) || of.title;
}

export function labelOf({ label, label_vi }: Threshold): string | undefined {
  return (language === 'vi' && label_vi) || label || undefined;
}

export function descriptionOf({ description, description_vi }: Dashboard): string | undefined {
  return (language === 'vi' && description_vi) || description || undefined;
}
