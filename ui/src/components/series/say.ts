// In words: what a picture does not show.
import { t } from '../../i18n';
import { hiddenAmong } from './hidden';

/** The names of the hidden series; undefined if all are shown. */
export function sayHidden(
  series: readonly { id: string; name: string }[],
  hidden: readonly string[] | undefined,
): string | undefined {
  const away = hiddenAmong(
    series.map(({ id }) => id),
    hidden,
  );
  const names = series.filter(({ id }) => away.has(id)).map(({ name }) => name);
  return names.length > 0 ? t('Not shown in the picture: {{names}}', { names: names.join(', ') }) : undefined;
}
