// A dashboard, wherever it is shown: its panels, the period and the values that the reader has chosen, and its editing.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { lazy, type ReactNode, Suspense, useEffect, useState } from 'react';
import { BASE, Refused } from '../explore/api';
import { useTables } from '../explore/tables';
import { GeneratedNote } from '../first/GeneratedNote';
import { useGenerated } from '../first/generated';
import { t } from '../i18n';
import { fetchDashboard, inlinedDashboard, type Kept } from './api';
import { Bar } from './Bar';
import { Board } from './Board';
import { type Dashboard, descriptionOf, type PanelDocument, titleOf } from './document';
import { EditBar } from './EditBar';
import { Actions } from './Frame';
import { shownTables } from './tables';
import type { View } from './view';

const PanelEditor = lazy(async () => ({ default: (await import('./PanelEditor')).PanelEditor }));

interface DashboardViewProps {
  name: string;
  /** What the address says. */
  search: View;
  /** Changes the address; with `replace`, without a new entry in the history. */
  onSearch: (changed: Partial<View>, replace: boolean) => void;
  /** Shown if there is no such dashboard. */
  missing: ReactNode;
}

export function DashboardView({ name, missing, ...shown }: DashboardViewProps) {
  const { data, error } = useQuery({
    queryKey: ['dashboard', name],
    queryFn: ({ signal }) => fetchDashboard(name, signal),
    initialData: () => inlinedDashboard(name),
  });

  if (error instanceof Refused && error.status === 404) return missing;
  if (error && !data)
    return (
      <p className="explore-note">{t('The dashboard cannot be read: {{why}}', { why: error.message })}</p>
    );
  if (!data) return <p className="explore-note">{t('Loading…')}</p>;
  return <Shown name={name} kept={data} {...shown} />;
}

interface ShownProps extends Omit<DashboardViewProps, 'missing'> {
  kept: Kept;
}

function Shown({ name, kept, search, onSearch }: ShownProps) {
  const queries = useQueryClient();
  const { data: known } = useTables();
  const [draft, setDraft] = useState<Dashboard | null>(null);
  const [changed, setChanged] = useState<string | null>(null);

  const dashboard = draft ?? kept.document;
  const view: View = search.from || search.period ? search : { ...search, period: dashboard.period ?? '24h' };
  const onView = (changed: Partial<View>) => onSearch(changed, !('panel' in changed));
  const generated = useGenerated();
  const tables = shownTables(known?.tables, dashboard, view, generated.data?.state);
  const title = titleOf(dashboard);
  const description = descriptionOf(dashboard);

  useEffect(() => {
    document.title = `${title} · Weir`;
  }, [title]);
  useEffect(() => {
    document.documentElement.classList.toggle('wall', search.wall === true);
    return () => document.documentElement.classList.remove('wall');
  }, [search.wall]);
  useEffect(() => {
    if (draft === null) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener('beforeunload', warn);
    return () => window.removeEventListener('beforeunload', warn);
  }, [draft]);

  const panel = dashboard.panels.find(({ id }) => id === changed);
  const actions = {
    onFull: (id: string) => onView({ panel: id }),
    exploreUrl: (panel: PanelDocument) => {
      const { name } = tables?.find((table) => table.shows === panel.table) ?? { name: panel.table };
      return `${BASE}explore/${encodeURIComponent(name)}`;
    },
    editing: draft && {
      onEdit: setChanged,
      onRemove: (id: string) =>
        setDraft({ ...draft, panels: draft.panels.filter((panel) => panel.id !== id) }),
    },
  };

  return (
    <Actions value={actions}>
      {!search.wall && (
        <>
          <div className="explore-title">
            <h1>{title}</h1>
            {description && <span className="explore-job">{description}</span>}
            <EditBar
              name={name}
              kept={kept}
              draft={draft}
              tables={known?.tables ?? []}
              onDraft={setDraft}
              onSaved={(saved) => {
                queries.setQueryData(['dashboard', name], saved);
                void queries.invalidateQueries({ queryKey: ['dashboards'] });
                setDraft(null);
              }}
              onWall={() => onView({ wall: true })}
              onEditPanel={setChanged}
            />
          </div>
          <Bar view={view} onView={onView} />
          <GeneratedNote dashboard={dashboard} tables={known?.tables ?? []} view={view} onView={onView} />
        </>
      )}
      <Board dashboard={dashboard} tables={tables} view={view} onView={onView} onDraft={draft && setDraft} />
      {search.wall && (
        <button type="button" className="board-leave" onClick={() => onView({ wall: undefined })}>
          {t('Leave the wall view')}
        </button>
      )}
      {draft && panel && (
        <Suspense>
          <PanelEditor
            key={panel.id}
            panel={panel}
            tables={known?.tables ?? []}
            onClose={() => setChanged(null)}
            onChange={(after) =>
              setDraft({ ...draft, panels: draft.panels.map((of) => (of.id === panel.id ? after : of)) })
            }
          />
        </Suspense>
      )}
    </Actions>
  );
}
