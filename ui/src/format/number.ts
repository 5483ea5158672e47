// Numbers as people of the reader's locale write them.
import { locale } from '../i18n';

const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat(locale, { notation: 'compact', maximumFractionDigits: 1 });
const percent = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 1 });
const milliseconds = new Intl.NumberFormat(locale, {
  style: 'unit',
  unit: 'millisecond',
  unitDisplay: 'narrow',
  maximumFractionDigits: 0,
});
const seconds = new Intl.NumberFormat(locale, {
  style: 'unit',
  unit: 'second',
  unitDisplay: 'narrow',
  maximumFractionDigits: 2,
});

/** Shown where there is no figure. */
export const NONE = '–';

type Figure = number | null | undefined;

export function formatCount(value: Figure): string {
  return isFigure(value) ? whole.format(value) : NONE;
}

/** Short, for axes and cells: 12K. */
export function formatCompact(value: Figure): string {
  return isFigure(value) ? compact.format(value) : NONE;
}

/** A share given in percent, 0-100. */
export function formatPercent(value: Figure): string {
  return isFigure(value) ? percent.format(value / 100) : NONE;
}

/** A duration given in milliseconds: 812ms, 1.24s. */
export function formatDuration(value: Figure): string {
  if (!isFigure(value)) return NONE;
  return Math.round(value) < 1_000 ? milliseconds.format(value) : seconds.format(value / 1_000);
}

function isFigure(value: Figure): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
