// A dashboard: its panels, the period and the values that the reader has chosen, and its editing.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { Refused } from '../explore/api';
import { dashboardRoute } from '../explore/router';
import { useTables } from '../explore/TableList';
import { t } from '../i18n';
import { fetchDashboard, type Kept } from './api';
import { Bar } from './Bar';
import { Board } from './Board';
import { type Dashboard, descriptionOf, titleOf } from './document';
import { EditBar } from './EditBar';
import { Actions } from './Frame';
import { PanelEditor } from './PanelEditor';
import type { View } from './view';

export function DashboardPage() {
  const { dashboard: name } = dashboardRoute.useParams();
  const { data, error } = useQuery({
    queryKey: ['dashboard', name],
    queryFn: ({ signal }) => fetchDashboard(name, signal),
  });

  if (error instanceof Refused && error.status === 404) {
    return (
      <p className="explore-note">
        {t('There is no dashboard {{name}}.', { name })}{' '}
        <Link to="/d/" className="explore-note-link">
          {t('All dashboards')}
        </Link>
      </p>
    );
  }
  if (error && !data)
    return (
      <p className="explore-note">{t('The dashboard cannot be read: {{why}}', { why: error.message })}</p>
    );
  if (!data) return <p className="explore-note">{t('Loading…')}</p>;
  return <Shown key={name} name={name} kept={data} />;
}

function Shown({ name, kept }: { name: string; kept: Kept }) {
  const search = dashboardRoute.useSearch();
  const navigate = dashboardRoute.useNavigate();
  const queries = useQueryClient();
  const { data: tables } = useTables();
  const [draft, setDraft] = useState<Dashboard | null>(null);
  const [changed, setChanged] = useState<string | null>(null);

  const dashboard = draft ?? kept.document;
  const view: View = search.from || search.period ? search : { ...search, period: dashboard.period ?? '24h' };
  const onView = (changed: Partial<View>) =>
    void navigate({ search: (before) => ({ ...before, ...changed }), replace: !('panel' in changed) });
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
    exploreUrl: ({ table }: { table: string }) => `../explore/${encodeURIComponent(table)}`,
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
              tables={tables?.tables ?? []}
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
          <Bar view={view} timeZone={tables?.time_zone} onView={onView} />
        </>
      )}
      <Board
        dashboard={dashboard}
        tables={tables?.tables}
        view={view}
        onView={onView}
        onDraft={draft && setDraft}
      />
      {search.wall && (
        <button type="button" className="board-leave" onClick={() => onView({ wall: undefined })}>
          {t('Leave the wall view')}
        </button>
      )}
      {draft && panel && (
        <PanelEditor
          key={panel.id}
          panel={panel}
          tables={tables?.tables ?? []}
          onClose={() => setChanged(null)}
          onChange={(after) =>
            setDraft({ ...draft, panels: draft.panels.map((of) => (of.id === panel.id ? after : of)) })
          }
        />
      )}
    </Actions>
  );
}
