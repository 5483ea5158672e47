// The addresses, with the view in their search parameters: `explore/`, `explore/{table}`, `d/` and `d/{dashboard}`.
import { createRootRoute, createRoute, createRouter, Outlet } from '@tanstack/react-router';
import { DashboardList } from '../dashboards/DashboardList';
import { DashboardPage } from '../dashboards/DashboardPage';
import { readView } from '../dashboards/view';
import { t } from '../i18n';
import { BASE } from './api';
import { ExploreHead } from './ExploreHead';
import { readSearch } from './plan';
import { TableList } from './TableList';
import { TablePage } from './TablePage';

const root = createRootRoute({
  component: () => (
    <>
      <ExploreHead />
      <main className="explore">
        <Outlet />
      </main>
    </>
  ),
  notFoundComponent: () => <p className="explore-note">{t('There is no such page.')}</p>,
});

const list = createRoute({ getParentRoute: () => root, path: '/explore/', component: TableList });

export const tableRoute = createRoute({
  getParentRoute: () => root,
  path: '/explore/$table',
  validateSearch: readSearch,
  component: TablePage,
});

const dashboards = createRoute({ getParentRoute: () => root, path: '/d/', component: DashboardList });

export const dashboardRoute = createRoute({
  getParentRoute: () => root,
  path: '/d/$dashboard',
  validateSearch: readView,
  component: DashboardPage,
});

export const router = createRouter({
  routeTree: root.addChildren([list, tableRoute, dashboards, dashboardRoute]),
  basepath: new URL(BASE).pathname,
  // `explore/` and `d/` keep their slash: the page's files are beside them.
  trailingSlash: 'preserve',
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
