// How values of result tables are written.
import { formatCount, formatDuration, NONE } from '../format/number';
import { toShown } from '../format/zone';
import { locale } from '../i18n';
import type { Column } from './api';

const decimals = new Intl.NumberFormat(locale, { maximumFractionDigits: 3 });
const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });

/** A value as people read it. Only names that say so are durations in milliseconds. */
export function formatValue(value: unknown, name: string): string {
  if (value === null || value === undefined) return NONE;
  if (typeof value === 'number') return formatNumber(value, name);
  if (typeof value === 'object') return JSON.stringify(value);
  return String(value);
}

export function formatNumber(value: number, name: string): string {
  if (/(_ms$|response_time|latency|duration)/.test(name)) return formatDuration(value);
  return Number.isInteger(value) ? formatCount(value) : decimals.format(value);
}

/** Numbers are written to the right, so that their digits stand below each other. */
export function isNumeric({ kind }: Column): boolean {
  return kind === 'integer' || kind === 'number';
}

/** `updated` of a table: 5 seconds ago. */
export function formatAgo(moment: string): string {
  const seconds = Math.round((Date.parse(moment) - Date.now()) / 1_000);
  const units = [
    ['day', 86_400],
    ['hour', 3_600],
    ['minute', 60],
  ] as const;
  const [unit, length] = units.find(([, length]) => Math.abs(seconds) >= length) ?? (['second', 1] as const);
  return relative.format(Math.trunc(Math.min(seconds, 0) / length), unit);
}

/** A wall-clock time of a row, as a text in the shown zone; other texts stay as they are. */
export function formatTime(value: unknown): string {
  const wall = wallMs(value);
  if (typeof value !== 'string' || Number.isNaN(wall)) return formatValue(value, '');
  return new Date(toShown(wall)).toISOString().replace(/\.000Z$|Z$/, '');
}

/** The beginning of a unit of time, such as `hour(window_start)`, in the shown zone. Days stay those of the data. */
export function shownMs(time: unknown, unit: string): number {
  const wall = wallMs(time);
  return unit.startsWith('day') ? wall : toShown(wall);
}

/** A wall-clock time of the server, in milliseconds as if it were UTC; for charts that say `useUTC`. */
export function wallMs(time: unknown): number {
  return typeof time === 'string' ? Date.parse(time.endsWith('Z') ? time : `${time}Z`) : Number.NaN;
}
