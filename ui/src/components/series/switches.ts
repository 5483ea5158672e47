// Legends whose names are buttons: a click, Enter or the space bar hides or shows a series; a double click, or Shift with one
// of them, shows only this one.
import { type MouseEvent, useRef } from 'react';
import { t } from '../../i18n';
import { alone, hiddenAmong, toggled } from './hidden';

export interface Switching {
  /** Ids of the series that are not drawn. */
  hidden: readonly string[] | undefined;
  /** Called with the ids after the reader has hidden or shown a series. */
  onHidden: (hidden: string[] | undefined) => void;
}

/** What the button of each series needs. */
export function useSwitches(ids: readonly string[], { hidden, onHidden }: Switching) {
  const away = hiddenAmong(ids, hidden);
  /** What was hidden before the first click of a double click. */
  const before = useRef(hidden);

  return (id: string, name: string) => ({
    type: 'button' as const,
    'aria-pressed': !away.has(id),
    title: t('Hides or shows {{name}}. Double click, or Shift: only this one, or all again', { name }),
    onClick({ detail, shiftKey }: MouseEvent) {
      // The second click of two is part of the double click.
      if (detail === 2) return;
      before.current = hidden;
      onHidden(shiftKey ? alone(ids, hidden, id) : toggled(hidden, id));
    },
    onDoubleClick({ shiftKey }: MouseEvent) {
      if (!shiftKey) onHidden(alone(ids, before.current, id));
    },
  });
}
