// The addresses, behind `#`: the paths of this server are Flink's routes, and `/jobs/{id}` is one of them.
import {
  createHashHistory,
  createRootRoute,
  createRoute,
  createRouter,
  Link,
  Outlet,
  redirect,
} from '@tanstack/react-router';
import { readHidden } from '../components/series/hidden';
import { t } from '../i18n';
import { CheckpointsTab } from './CheckpointsTab';
import { Completed } from './Completed';
import { ConfigurationTab } from './ConfigurationTab';
import { ExceptionsTab } from './ExceptionsTab';
import { FlameTab } from './FlameTab';
import { GraphTab } from './GraphTab';
import { Head } from './Head';
import { JobManager } from './JobManager';
import { JobPage } from './JobPage';
import { DeadLetters } from './letters/DeadLetters';
import { MetricsTab } from './MetricsTab';
import { Overview } from './Overview';
import { SqlPage } from './sql/SqlPage';
import { TaskManagerPage } from './TaskManagerPage';
import { TaskManagers } from './TaskManagers';
import { WindowsTab } from './WindowsTab';

const root = createRootRoute({
  component: () => (
    <>
      <Head />
      <main className="jobs">
        <Outlet />
      </main>
    </>
  ),
  notFoundComponent: () => (
    <div className="jobs-note">
      <h1>{t('There is no such page')}</h1>
      <Link to="/">{t('Overview')}</Link>
    </div>
  ),
});

const overview = createRoute({ getParentRoute: () => root, path: '/', component: Overview });
const completed = createRoute({ getParentRoute: () => root, path: '/completed', component: Completed });
const taskManagers = createRoute({
  getParentRoute: () => root,
  path: '/task-managers',
  component: TaskManagers,
});

/** A part of a process that has a tab. */
export type ProcessTab = 'metrics' | 'configuration' | 'log' | 'stdout' | 'threads';

function readProcessSearch(search: Record<string, unknown>): { tab?: ProcessTab } {
  const tabs: ProcessTab[] = ['metrics', 'configuration', 'log', 'stdout', 'threads'];
  const tab = tabs.find((tab) => tab === search.tab);
  return tab ? { tab } : {};
}

export const taskManagerRoute = createRoute({
  getParentRoute: () => root,
  path: '/task-managers/$id',
  validateSearch: readProcessSearch,
  component: TaskManagerPage,
});

export const jobManagerRoute = createRoute({
  getParentRoute: () => root,
  path: '/job-manager',
  validateSearch: readProcessSearch,
  component: JobManager,
});

export const jobRoute = createRoute({ getParentRoute: () => root, path: '/job/$job', component: JobPage });

/** The address of a job without a tab is that of its graph. */
const bare = createRoute({
  getParentRoute: () => jobRoute,
  path: '/',
  beforeLoad: ({ params }) => {
    throw redirect({
      to: '/job/$job/graph',
      params: { job: (params as { job: string }).job },
      replace: true,
    });
  },
});

function word(search: Record<string, unknown>, name: string): string | undefined {
  const value = search[name];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

/** The parameters of an address that are there. */
function words<K extends string>(
  search: Record<string, unknown>,
  ...names: K[]
): { [Name in K]?: string | undefined } {
  const found: { [Name in K]?: string } = {};
  for (const name of names) {
    const value = word(search, name);
    if (value !== undefined) found[name] = value;
  }
  return found;
}

/** The series of the page's chart that are not drawn. */
function hiddenOf(search: Record<string, unknown>): { hidden?: string[] | undefined } {
  const hidden = readHidden(search.hidden);
  return hidden ? { hidden } : {};
}

export const graphRoute = createRoute({
  getParentRoute: () => jobRoute,
  path: '/graph',
  validateSearch: (search: Record<string, unknown>) => words(search, 'vertex'),
  component: GraphTab,
});

export const checkpointsRoute = createRoute({
  getParentRoute: () => jobRoute,
  path: '/checkpoints',
  validateSearch: (search: Record<string, unknown>) => words(search, 'checkpoint'),
  component: CheckpointsTab,
});

const exceptions = createRoute({
  getParentRoute: () => jobRoute,
  path: '/exceptions',
  component: ExceptionsTab,
});
const configuration = createRoute({
  getParentRoute: () => jobRoute,
  path: '/configuration',
  component: ConfigurationTab,
});

export const lettersRoute = createRoute({
  getParentRoute: () => root,
  path: '/dead-letters',
  validateSearch: (search: Record<string, unknown>) => ({
    ...words(search, 'reason', 'job', 'before', 'letter'),
    ...hiddenOf(search),
  }),
  component: DeadLetters,
});

const windows = createRoute({ getParentRoute: () => jobRoute, path: '/windows', component: WindowsTab });

export const sqlRoute = createRoute({
  getParentRoute: () => root,
  path: '/sql',
  validateSearch: (search: Record<string, unknown>) => words(search, 'from', 'replace'),
  component: SqlPage,
});

export const flameRoute = createRoute({
  getParentRoute: () => jobRoute,
  path: '/flame-graph',
  validateSearch: (search: Record<string, unknown>) => words(search, 'vertex', 'kind', 'subtask'),
  component: FlameTab,
});

export const metricsRoute = createRoute({
  getParentRoute: () => jobRoute,
  path: '/metrics',
  validateSearch: (search: Record<string, unknown>) => ({
    ...words(search, 'vertex', 'metric'),
    ...hiddenOf(search),
  }),
  component: MetricsTab,
});

export const router = createRouter({
  routeTree: root.addChildren([
    overview,
    completed,
    taskManagers,
    taskManagerRoute,
    jobManagerRoute,
    lettersRoute,
    sqlRoute,
    jobRoute.addChildren([
      bare,
      graphRoute,
      windows,
      checkpointsRoute,
      exceptions,
      configuration,
      metricsRoute,
      flameRoute,
    ]),
  ]),
  history: createHashHistory(),
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
