// Says in words what the figures of a panel are. A number of windows is not always the number of the period: the greatest
// percentile of a period's windows is not the percentile of the period, and the panel must not look as if it were.
import { t } from '../i18n';
import type { Measure } from './queries';

const AGGREGATE = /^(sum|avg|min|max)\((.+?)(?: weighted by (.+))?\)$/;
/** Numbers of different users or things: windows that are added up count some of them more than once. */
const DISTINCT = /(^|_)(unique|distinct)(_|$)/i;
const AVERAGED = /(^|_)(avg|mean|median|p\d\d?)(_|$)/i;

/** What one figure is: `sum of query_count`. */
export function sayMeasure({ text }: Measure): string {
  const [, combination, number = '', weight] = AGGREGATE.exec(text) ?? [];
  switch (combination) {
    case 'sum':
      return DISTINCT.test(number)
        ? t('{{number}} of all windows added up', { number })
        : t('sum of {{number}}', { number });
    case 'avg':
      if (weight) return t('mean of {{number}}, each window by its {{weight}}', { number, weight });
      return AVERAGED.test(number)
        ? t('mean of the {{number}} of the windows', { number })
        : t('mean of {{number}}', { number });
    case 'max':
      return t('highest {{number}} of a window', { number });
    case 'min':
      return t('lowest {{number}} of a window', { number });
    default:
      return t('number of rows');
  }
}

/** What the figures of a panel are, and by what they are given: `sum of query_count, by minute`. */
export function sayFigures(measure: Measure, unit: string | null, columns: string[] = []): string {
  const by = [...(unit ? [unitName(unit)] : []), ...columns].join(', ');
  return by
    ? t('{{measure}}, by {{columns}}', { measure: sayMeasure(measure), columns: by })
    : sayMeasure(measure);
}

/** `minute(window_start)` in words. */
function unitName(unit: string): string {
  switch (unit.split('(')[0]) {
    case 'second':
      return t('second');
    case 'minute':
      return t('minute');
    case 'hour':
      return t('hour');
    default:
      return t('day');
  }
}
