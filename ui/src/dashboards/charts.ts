// The kinds of charts: each file in `charts/` is one, and its name is what documents call it.
import { type ComponentType, type LazyExoticComponent, lazy } from 'react';
import type { Table } from '../explore/api';
import { t } from '../i18n';
import LineChart from './charts/line';
import NumberChart from './charts/number';
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

type Chart = ComponentType<ChartProps> | LazyExoticComponent<ComponentType<ChartProps>>;

const files = import.meta.glob<ChartFile>(['./charts/*.tsx', '!./charts/{line,number}.tsx']);

/** The kinds of the first picture come with the page. The file of another one is loaded when it is first drawn. */
const loaded = new Map<string, Chart>([
  ['line', LineChart],
  ['number', NumberChart],
]);

/** The names of all kinds. */
export const KINDS = [
  ...loaded.keys(),
  ...Object.keys(files).map((path) => path.replace(/^.*\/|\.tsx$/g, '')),
].sort();

/** The chart of a kind; null: there is no such kind. */
export function chartOf(kind: string): Chart | null {
  const known = loaded.get(kind);
  if (known) return known;
  const load = files[`./charts/${kind}.tsx`];
  if (!load) return null;
  const chart = lazy(load);
  loaded.set(kind, chart);
  return chart;
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
