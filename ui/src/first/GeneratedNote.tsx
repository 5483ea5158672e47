// Says that the figures are made up, and offers the way back: own figures, and removing the generated ones.
import type { Dashboard } from '../dashboards/document';
import { hasRows, isGenerated } from '../dashboards/tables';
import type { View } from '../dashboards/view';
import type { Table } from '../explore/api';
import { formatCount } from '../format/number';
import { t } from '../i18n';
import { useGenerated, useGenerator } from './generated';

interface GeneratedNoteProps {
  dashboard: Dashboard;
  tables: Table[];
  view: View;
  onView: (changed: Partial<View>) => void;
}

export function GeneratedNote({ dashboard, tables, view, onView }: GeneratedNoteProps) {
  const { data } = useGenerated();
  const remove = useGenerator('DELETE');
  if (!data || data.state === 'off') return null;

  const isShown = isGenerated(tables, dashboard, view, data.state);
  const isEmpty = !hasRows(tables, dashboard);
  return (
    <section className="generated-note" aria-label={t('Generated events')}>
      <p role="status">
        {isShown
          ? t('These figures are made up: they come from {{count}} generated events.', {
              count: formatCount(data.events),
            })
          : t('These are the figures of your own events. There are generated events, too.')}
        {data.state === 'filling' && ` ${t('The past week is being filled.')}`}
        {data.state === 'failed' && ` ${t('The generator has failed; the log of Weir says why.')}`}
      </p>
      {isShown && !isEmpty && (
        <button type="button" onClick={() => onView({ generated: undefined })}>
          {t('Show my own figures')}
        </button>
      )}
      {!isShown && (
        <button type="button" onClick={() => onView({ generated: true })}>
          {t('Show generated figures')}
        </button>
      )}
      <button type="button" disabled={remove.isPending} onClick={() => remove.mutate()}>
        {remove.isPending ? t('Removing…') : t('Remove generated events')}
      </button>
      {remove.error && (
        <p className="board-error" role="alert">
          {remove.error.message}
        </p>
      )}
    </section>
  );
}
