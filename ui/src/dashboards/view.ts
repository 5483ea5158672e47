// What the address of a dashboard says: the period, the values that are chosen, and how the page is shown.
import { readHidden } from '../components/series/hidden';
import { isValue, PERIODS, type Period, type Value } from '../explore/plan';

export type { Period };

export interface View {
  /** Without it the period of the document counts. */
  period?: Period | undefined;
  /** A period of the reader's own, on the wall clock of the server; it goes before `period`. */
  from?: string | undefined;
  to?: string | undefined;
  /** The period before is shown too. */
  compare?: true | undefined;
  /** Values of columns: they apply to every panel whose table has the column. */
  only?: Record<string, Value> | undefined;
  /** Whether the results of generated events are shown; without it, as long as there are no others. */
  generated?: boolean | undefined;
  /** Everything on one screen, without controls. */
  wall?: true | undefined;
  /** The panel that fills the page. */
  panel?: string | undefined;
  /** The series that are not drawn, by the id of their panel. */
  hidden?: Record<string, string[]> | undefined;
}

/** Times of an answer, as the routes take them. */
export interface Range {
  from?: string | undefined;
  to?: string | undefined;
}

const WALL_TIME = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?)?$/;

const PERIOD_MS: Record<Exclude<Period, 'all'>, number> = {
  '15m': 900_000,
  '1h': 3_600_000,
  '6h': 6 * 3_600_000,
  '24h': 24 * 3_600_000,
  '7d': 7 * 24 * 3_600_000,
  '30d': 30 * 24 * 3_600_000,
};

const TWICE: Record<Exclude<Period, 'all'>, string> = {
  '15m': '30m',
  '1h': '2h',
  '6h': '12h',
  '24h': '48h',
  '7d': '14d',
  '30d': '60d',
};

export function isPeriod(value: unknown): value is Period {
  return PERIODS.includes(value as Period);
}

/** Reads the address; what makes no sense is left out. */
export function readView(raw: Record<string, unknown>): View {
  const wallTime = (value: unknown) =>
    typeof value === 'string' && WALL_TIME.test(value) && !Number.isNaN(wallMs(value)) ? value : undefined;
  const flag = (value: unknown) => (value === true ? true : undefined);
  const chosen = typeof raw.only === 'object' && raw.only !== null ? Object.entries(raw.only) : [];
  const only = chosen.filter((entry): entry is [string, Value] => isValue(entry[1]));
  const [from, to] = [wallTime(raw.from), wallTime(raw.to)];
  const isRange = from !== undefined && to !== undefined && wallMs(from) < wallMs(to);
  return {
    period: isPeriod(raw.period) ? raw.period : undefined,
    ...(isRange && { from, to }),
    compare: flag(raw.compare),
    only: only.length > 0 ? Object.fromEntries(only) : undefined,
    generated: typeof raw.generated === 'boolean' ? raw.generated : undefined,
    wall: flag(raw.wall),
    panel: typeof raw.panel === 'string' ? raw.panel : undefined,
    hidden: hiddenOf(raw.hidden),
  };
}

function hiddenOf(raw: unknown): Record<string, string[]> | undefined {
  const panels = typeof raw === 'object' && raw !== null ? Object.entries(raw) : [];
  const read = panels.flatMap(([panel, ids]) => {
    const list = readHidden(ids);
    return list ? [[panel, list] as const] : [];
  });
  return read.length > 0 ? Object.fromEntries(read) : undefined;
}

/** The view after the series of a panel were hidden or shown. */
export function withHidden(view: View, panel: string, hidden: string[] | undefined): Partial<View> {
  return { hidden: hiddenOf({ ...view.hidden, [panel]: hidden }) };
}

function wallMs(time: string): number {
  return Date.parse(time.length === 10 ? `${time}T00:00:00Z` : `${time}Z`);
}

export function wallText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19);
}

export function rangeOf(view: View): Range {
  if (view.from && view.to) return { from: view.from, to: view.to };
  return view.period && view.period !== 'all' ? { from: `-${view.period}` } : {};
}

/** The period of the same length before; null: there is none. */
export function rangeBefore(view: View): Range | null {
  if (view.from && view.to) {
    const [from, to] = [wallMs(view.from), wallMs(view.to)];
    return { from: wallText(from - (to - from)), to: view.from };
  }
  if (!view.period || view.period === 'all') return null;
  return { from: `-${TWICE[view.period]}`, to: `-${view.period}` };
}

/** The length of the period; null: it is as long as there are rows. */
export function lengthOf(view: View): number | null {
  if (view.from && view.to) return wallMs(view.to) - wallMs(view.from);
  return view.period && view.period !== 'all' ? PERIOD_MS[view.period] : null;
}

/** The unit of time of a drawing of this length: some hundred points at most. */
export function unitFor(lengthMs: number): 'second' | 'minute' | 'hour' | 'day' {
  if (lengthMs <= 5 * 60_000) return 'second';
  if (lengthMs <= 6 * 3_600_000) return 'minute';
  return lengthMs <= 8 * 24 * 3_600_000 ? 'hour' : 'day';
}

/** Pause between two questions of a panel while rows change: a long period need not move every second. */
export function paceOf(view: View): number {
  const length = lengthOf(view);
  if (length !== null && length <= 3_600_000) return 2_000;
  return length !== null && length <= 24 * 3_600_000 ? 5_000 : 15_000;
}
