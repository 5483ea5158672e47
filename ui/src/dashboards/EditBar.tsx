// What can be done with a dashboard: edit, save, save under another name, export, delete.
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { Refused, type Table } from '../explore/api';
import { t } from '../i18n';
import { deleteDashboard, fetchDashboard, type Kept, saveDashboard } from './api';
import { useDashboards } from './dashboards';
import { type Dashboard, slug, withPanel } from './document';
import { saveText } from './download';
import { Menu } from './Menu';

interface EditBarProps {
  name: string;
  kept: Kept;
  /** The dashboard as it is edited; null: it is not. */
  draft: Dashboard | null;
  tables: Table[];
  onDraft: (draft: Dashboard | null) => void;
  onSaved: (kept: Kept) => void;
  onWall: () => void;
  onEditPanel: (id: string) => void;
}

export function EditBar({ name, kept, draft, tables, onDraft, onSaved, onWall, onEditPanel }: EditBarProps) {
  const navigate = useNavigate();
  const { data: dashboards } = useDashboards();
  const [refused, setRefused] = useState<string | null>(null);
  const source = dashboards?.find((dashboard) => dashboard.name === name)?.source;

  /** Does something that the server may refuse, and says why it did. */
  async function attempt(action: () => Promise<void>) {
    setRefused(null);
    try {
      await action();
    } catch (error) {
      const isChanged = error instanceof Refused && error.status === 412;
      setRefused(
        isChanged
          ? t(
              'Somebody else has changed this dashboard meanwhile. Save yours under another name, or discard it.',
            )
          : (error as Error).message,
      );
    }
  }

  const save = (document: Dashboard) =>
    attempt(async () => {
      const etag = await saveDashboard(name, document, kept.etag);
      onSaved({ document, etag });
    });

  const saveAs = (document: Dashboard) =>
    attempt(async () => {
      const title = window
        .prompt(t('Title of the copy'), t('{{title}} (copy)', { title: document.title }))
        ?.trim();
      if (!title) return;
      const copy = slug(
        title,
        dashboards?.map(({ name }) => name),
      );
      await saveDashboard(copy, { ...document, title }, null);
      onDraft(null);
      await navigate({ to: '/d/$dashboard', params: { dashboard: copy }, search: {} });
    });

  const remove = () =>
    attempt(async () => {
      if (
        !window.confirm(
          t('Delete the dashboard “{{title}}”? This cannot be undone.', { title: kept.document.title }),
        )
      )
        return;
      const { etag } = await fetchDashboard(name);
      await deleteDashboard(name, etag);
      await navigate({ to: '/d/' });
    });

  function addPanel(dashboard: Dashboard) {
    const table = tables[0];
    if (!table) return setRefused(t('There is no result table yet: start a job that writes one.'));
    const added = withPanel(dashboard, { title: table.name, table: table.name, chart: 'line' });
    onDraft(added);
    onEditPanel(added.panels.at(-1)?.id ?? '');
  }

  return (
    <div className="board-actions">
      {draft ? (
        <>
          <input
            aria-label={t('Title of the dashboard')}
            value={draft.title}
            maxLength={120}
            onChange={(event) => onDraft({ ...draft, title: event.target.value })}
          />
          <button type="button" onClick={() => addPanel(draft)}>
            {t('Add a panel')}
          </button>
          <button type="button" className="board-primary" onClick={() => void save(draft)}>
            {t('Save')}
          </button>
          <button type="button" onClick={() => void saveAs(draft)}>
            {t('Save as…')}
          </button>
          <button type="button" onClick={() => onDraft(null)}>
            {t('Discard')}
          </button>
        </>
      ) : (
        <>
          <button type="button" onClick={() => onDraft(kept.document)}>
            {t('Edit')}
          </button>
          <button type="button" onClick={onWall}>
            {t('Wall view')}
          </button>
          <Menu label={t('More about this dashboard')}>
            <button type="button" onClick={() => void saveAs(kept.document)}>
              {t('Save a copy…')}
            </button>
            <button
              type="button"
              onClick={() => saveText(`${JSON.stringify(kept.document, null, 2)}\n`, `${name}.json`)}
            >
              {t('Export as JSON')}
            </button>
            {source === 'saved' && (
              <button type="button" onClick={() => void remove()}>
                {t('Delete…')}
              </button>
            )}
          </Menu>
        </>
      )}
      {refused && (
        <p className="board-error" role="alert">
          {refused}
        </p>
      )}
    </div>
  );
}
