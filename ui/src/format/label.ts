// Names of groups. The API writes the group without a value as `unknown`.
import { t } from '../i18n';

const UNKNOWN = 'unknown';

export function groupLabel(group: string | number): string {
  return group === UNKNOWN ? t('Unknown') : String(group);
}

export function yearLabel(year: string | number): string {
  return year === UNKNOWN ? t('Unknown') : t('Year {{year}}', { year });
}

/** As short as an axis needs it. */
export function yearTick(year: string | number): string {
  return year === UNKNOWN ? '?' : String(year);
}

/** Ascending by number; what is no number comes last. */
export function byYear(a: string | number, b: string | number): number {
  return rank(a) - rank(b);
}

function rank(year: string | number): number {
  const number = Number(year);
  return Number.isNaN(number) ? Number.POSITIVE_INFINITY : number;
}
