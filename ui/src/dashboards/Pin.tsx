// Puts what a page of a table shows on a dashboard.
import { useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { Table } from '../explore/api';
import { conditionsOf, type Search } from '../explore/plan';
import { t } from '../i18n';
import { fetchDashboard, saveDashboard } from './api';
import { useDashboards } from './dashboards';
import { type Dashboard, type PanelDocument, slug, titleOf, withPanel } from './document';
import { Menu } from './Menu';

interface PinProps {
  table: Table;
  search: Search;
}

export function Pin({ table, search }: PinProps) {
  const { data: dashboards } = useDashboards();
  const queries = useQueryClient();
  const [pinned, setPinned] = useState<{ name: string; title: string } | null>(null);
  const [refused, setRefused] = useState<string | null>(null);

  async function pin(name: string | null) {
    setRefused(null);
    setPinned(null);
    try {
      const kept = name === null ? null : await fetchDashboard(name);
      const target =
        name ??
        slug(
          table.name,
          dashboards?.map(({ name }) => name),
        );
      const before: Dashboard = kept?.document ?? { version: 1, title: table.name, panels: [] };
      const after = withPanel(before, panelOf(table, search));
      await saveDashboard(target, after, kept?.etag ?? null);
      await queries.invalidateQueries({ queryKey: ['dashboards'] });
      await queries.invalidateQueries({ queryKey: ['dashboard', target] });
      setPinned({ name: target, title: titleOf(after) });
    } catch (error) {
      setRefused((error as Error).message);
    }
  }

  return (
    <div className="board-pin">
      <Menu label={t('Pin this chart to a dashboard')} face={t('Pin…')}>
        {(dashboards ?? []).map(({ name, title }) => (
          <button key={name} type="button" onClick={() => void pin(name)}>
            {title}
          </button>
        ))}
        <button type="button" onClick={() => void pin(null)}>
          {t('A new dashboard')}
        </button>
      </Menu>
      <span role="status">
        {pinned && (
          <>
            {t('Pinned to')}{' '}
            <Link
              className="explore-note-link"
              to="/d/$dashboard"
              params={{ dashboard: pinned.name }}
              search={{}}
            >
              {pinned.title}
            </Link>
          </>
        )}
      </span>
      {refused && (
        <p className="board-error" role="alert">
          {refused}
        </p>
      )}
    </div>
  );
}

/** The panel that draws what the page of a table draws. */
export function panelOf(table: Table, search: Search): Omit<PanelDocument, 'id' | 'at'> {
  const where = conditionsOf(search);
  const number = search.number ?? null;
  const by = search.by ? [search.by] : null;
  return {
    title: [number ?? table.name, by && `by ${by[0]}`].filter(Boolean).join(' '),
    table: table.name,
    chart: 'line',
    ...(number && { number }),
    ...(search.combination && { combination: search.combination }),
    ...(by && { by }),
    ...(where && { where }),
    ...(search.chart === 'bar' && { options: { bars: true } }),
  };
}
