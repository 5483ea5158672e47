// The addresses: `explore/` and `explore/{table}`, with the view in the search parameters.
import { createRootRoute, createRoute, createRouter, Outlet } from '@tanstack/react-router';
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
  notFoundComponent: () => <p className="explore-note">There is no such page.</p>,
});

const list = createRoute({ getParentRoute: () => root, path: '/', component: TableList });

export const tableRoute = createRoute({
  getParentRoute: () => root,
  path: '/$table',
  validateSearch: readSearch,
  component: TablePage,
});

export const router = createRouter({
  routeTree: root.addChildren([list, tableRoute]),
  basepath: new URL('explore', BASE).pathname,
  // `explore/` keeps its slash: the page's files are beside it.
  trailingSlash: 'preserve',
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
