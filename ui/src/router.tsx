// The addresses, with the view in their search parameters:
//
//   /                the dashboard `analytics`, or the first steps while there are no results
//   /d/, /d/NAME     dashboards
//   /explore/, /explore/TABLE   result tables
//   /alerts          alerts; a program that asks for this address gets their list
//
// The code of each page is loaded when it is first shown.
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  retainSearchParams,
} from '@tanstack/react-router';
import { readView } from './dashboards/view';
import { BASE } from './explore/api';
import { readSearch } from './explore/plan';
import { Home } from './first/Home';
import { isZone } from './format/zone';
import { Head } from './head/Head';
import { t } from './i18n';

const root = createRootRoute({
  // The zone of times stays in the address from page to page.
  validateSearch: ({ tz }: Record<string, unknown>): { tz?: string } =>
    typeof tz === 'string' && isZone(tz) ? { tz } : {},
  search: { middlewares: [retainSearchParams(['tz'])] },
  component: () => (
    <>
      <Head />
      <main className="explore">
        <Outlet />
      </main>
    </>
  ),
  notFoundComponent: () => <p className="explore-note">{t('There is no such page.')}</p>,
});

const home = createRoute({
  getParentRoute: () => root,
  path: '/',
  validateSearch: readView,
  component: Home,
});

const tables = createRoute({
  getParentRoute: () => root,
  path: '/explore/',
  component: lazyRouteComponent(() => import('./explore/TableList'), 'TableList'),
});

const table = createRoute({
  getParentRoute: () => root,
  path: '/explore/$table',
  validateSearch: readSearch,
  component: lazyRouteComponent(() => import('./explore/TablePage'), 'TablePage'),
});

const dashboards = createRoute({
  getParentRoute: () => root,
  path: '/d/',
  component: lazyRouteComponent(() => import('./dashboards/DashboardList'), 'DashboardList'),
});

const dashboard = createRoute({
  getParentRoute: () => root,
  path: '/d/$dashboard',
  validateSearch: readView,
  component: lazyRouteComponent(() => import('./dashboards/DashboardPage'), 'DashboardPage'),
});

const alerts = createRoute({
  getParentRoute: () => root,
  path: '/alerts',
  validateSearch: ({ alert }: Record<string, unknown>): { alert?: string } =>
    typeof alert === 'string' ? { alert } : {},
  component: lazyRouteComponent(() => import('./alerts/AlertsPage'), 'AlertsPage'),
});

export const router = createRouter({
  routeTree: root.addChildren([home, tables, table, dashboards, dashboard, alerts]),
  basepath: new URL(BASE).pathname,
  // `explore/` and `d/` keep their slash: the page's files are beside them.
  trailingSlash: 'preserve',
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
