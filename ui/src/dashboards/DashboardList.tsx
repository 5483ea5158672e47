// All dashboards, and the ways to a new one: empty, or from a file.
import { Link, useNavigate } from '@tanstack/react-router';
import { type ChangeEvent, useEffect, useState } from 'react';
import { t } from '../i18n';
import { saveDashboard } from './api';
import { useDashboards } from './dashboards';
import { type Dashboard, readDocument, slug, titleOf } from './document';

const SOURCES = { 'built-in': t('built in'), file: t('from a file'), saved: t('saved here') };

export function DashboardList() {
  const { data, error } = useDashboards();
  const navigate = useNavigate();
  const [refused, setRefused] = useState<string | null>(null);

  useEffect(() => {
    document.title = `${t('Dashboards')} · Weir`;
  }, []);

  async function create(dashboard: Dashboard) {
    setRefused(null);
    const name = slug(
      dashboard.title,
      data?.map(({ name }) => name),
    );
    try {
      await saveDashboard(name, dashboard, null);
      await navigate({ to: '/d/$dashboard', params: { dashboard: name }, search: {} });
    } catch (error) {
      setRefused((error as Error).message);
    }
  }

  async function importFile(event: ChangeEvent<HTMLInputElement>) {
    const file = event.target.files?.[0];
    event.target.value = '';
    if (!file) return;
    try {
      await create(readDocument(await file.text()));
    } catch (error) {
      setRefused(`${file.name}: ${(error as Error).message}`);
    }
  }

  if (error)
    return (
      <p className="explore-note">{t('The dashboards cannot be read: {{why}}', { why: error.message })}</p>
    );
  if (!data) return <p className="explore-note">{t('Loading…')}</p>;
  return (
    <>
      <div className="explore-title">
        <h1>{t('Dashboards')}</h1>
        <div className="board-actions">
          <button
            type="button"
            onClick={() => void create({ version: 1, title: t('New dashboard'), panels: [] })}
          >
            {t('New dashboard')}
          </button>
          <label className="board-file">
            {t('Import a file')}
            <input type="file" accept="application/json,.json" onChange={(event) => void importFile(event)} />
          </label>
        </div>
      </div>
      {refused && (
        <p className="board-error" role="alert">
          {refused}
        </p>
      )}
      <ul className="explore-tables">
        {data.map((dashboard) => (
          <li key={dashboard.name}>
            <Link
              className="explore-card"
              to="/d/$dashboard"
              params={{ dashboard: dashboard.name }}
              search={{}}
            >
              <strong>{titleOf(dashboard)}</strong>
              <span className="explore-figures">
                {t('{{panels}} panels', { panels: dashboard.panels })} · {SOURCES[dashboard.source]}
                {dashboard.replaces &&
                  `, ${t('in place of the one {{source}}', { source: SOURCES[dashboard.replaces] })}`}
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </>
  );
}
