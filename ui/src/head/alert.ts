// What an alert says.
import type { components } from '../api/schema';
import { formatNumber } from '../explore/cells';
import { formatSince } from '../format/time';
import { language, t } from '../i18n';

type Alert = components['schemas']['AlertInfo'];

/** Series of an alert that are named. */
const NAMED = 3;

/** Says which series of an alert fire, with their numbers and since when. */
export function sentence(alert: Alert, timeZone: string | null): string {
  const series = alert.firing.slice(0, NAMED).map(({ series, value, since }) => {
    const of = Object.values(series).join(', ') || alert.table;
    const at = formatSince(Date.parse(since), Date.now(), timeZone);
    return t('{{series}} ({{value}}, since {{time}})', {
      series: of,
      value: formatNumber(value, alert.number),
      time: at,
    });
  });
  const title = (language === 'vi' && alert.title_vi) || alert.title;
  const rest = alert.firing_count - series.length;
  const named = series.join('; ');
  if (rest === 0) return t('Alert “{{title}}”: {{series}}', { title, series: named });
  return t('Alert “{{title}}”: {{series}} and {{rest}} more', { title, series: named, rest });
}
