// Why a window is still open.
import { formatCount } from '../format/number';
import { t } from '../i18n';
import { formatMoment, formatSpan } from './format';
import type { QueryFigures } from './types';

/** Why the next window has not closed yet, in one or two sentences. */
export function whyOpen(
  { watermark_ms: watermark, open_until_ms: end, newest_ms: newest, behind }: QueryFigures,
  heldBack: string | null,
  now: number,
): string {
  if (heldBack !== null) return heldBack;
  if (newest === null) return t('No event has come yet.');
  if (behind && behind.watermark_ms === null) {
    return t('Partition {{partition}} has given no event with a time yet, and is waited for.', {
      partition: `${behind.topic}-${behind.partition}`,
    });
  }
  if (watermark === null || end === null) return t('No event with a time has been read to its end yet.');

  const missing = formatSpan(end - watermark);
  if (end > now) {
    return t('Its end has not come: it is {{span}} ahead of the clock.', { span: formatSpan(end - now) });
  }
  if (behind && behind.watermark_ms !== null && (behind.unread ?? 0) > 0) {
    return t(
      'The watermark is {{span}} before its end. Partition {{partition}} is the furthest behind, with {{records}} unread records.',
      {
        span: missing,
        partition: `${behind.topic}-${behind.partition}`,
        records: formatCount(behind.unread),
      },
    );
  }
  return t(
    'The watermark is {{span}} before its end, because no later event has come than that of {{newest}}.',
    { span: missing, newest: formatMoment(newest, now) },
  );
}
