// The kinds of charts: each file in `charts/` is one, and its name is what documents call it.
import { type ComponentType, type LazyExoticComponent, lazy } from 'react';
import type { Table } from '../explore/api';
import { t } from '../i18n';
import type { PanelDocument } from './document';
import type { View } from './view';

export interface ChartProps {
  table: Table;
  panel: PanelDocument;
  view: View;
  /** Grows when the panel should ask again. */
  asked: number;
  onView: (changed: Partial<View>) => void;
}

type ChartFile = { default: ComponentType<ChartProps> };

const files = import.meta.glob<ChartFile>('./charts/*.tsx');
const loaded = new Map<string, LazyExoticComponent<ComponentType<ChartProps>>>();

/** The names of all kinds. */
export const KINDS = Object.keys(files).map((path) => path.replace(/^.*\/|\.tsx$/g, ''));

/** The chart of a kind, whose file is loaded when it is first drawn; null: there is no such kind. */
export function chartOf(kind: string): LazyExoticComponent<ComponentType<ChartProps>> | null {
  const load = files[`./charts/${kind}.tsx`];
  if (!load) return null;
  const chart = loaded.get(kind) ?? lazy(load);
  loaded.set(kind, chart);
  return chart;
}

/** Loads the code of a kind that will be drawn soon, beside what else is being loaded. */
export function preload(kind: string): void {
  // A file that does not arrive is told by the panel that needs it.
  files[`./charts/${kind}.tsx`]?.().catch(() => {});
}

/** The kinds that are built in, as people call them. */
const LABELS: Record<string, string> = {
  bars: t('Bars'),
  'heat-map': t('Heat map'),
  latest: t('Numbers of the newest window'),
  line: t('Lines'),
  number: t('One number'),
  share: t('Shares'),
  table: t('Table'),
};

/** A kind as people read it. */
export function kindLabel(kind: string): string {
  const known = LABELS[kind];
  if (known) return known;
  const words = kind.replaceAll('-', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
