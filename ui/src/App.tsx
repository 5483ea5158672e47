// Which of the faces the page has: the dashboard, results that are being loaded, nothing yet, or nobody there.
import { lazy, Suspense } from 'react';
import { isEmpty, isLoading, type State } from './api/state';
import { useStore } from './api/store';
import { Boundary } from './components/Boundary';
import { ChartsMissing } from './views/ChartsMissing';
import { EmptyState } from './views/EmptyState';
import { Header } from './views/Header';
import { Loading } from './views/Loading';
import { Unreachable } from './views/Unreachable';

// The charts are most of the code: they are fetched while the connection is made.
const dashboard = import('./views/Dashboard');
// It is looked at when it is drawn; until then a file that does not arrive is nobody's error.
dashboard.catch(() => {});
const Dashboard = lazy(() => dashboard);

type Face = 'dashboard' | 'empty' | 'loading' | 'unreachable';

export function App({ onRetry }: { onRetry: () => void }) {
  const face = useStore(faceOf);
  return (
    <>
      <Header onRetry={onRetry} />
      <main>
        {face === 'dashboard' && (
          <Boundary fallback={<ChartsMissing />}>
            <Suspense>
              <Dashboard />
            </Suspense>
          </Boundary>
        )}
        {face === 'empty' && <EmptyState />}
        {face === 'loading' && <Loading />}
        {face === 'unreachable' && <Unreachable onRetry={onRetry} />}
      </main>
    </>
  );
}

/** What was once shown stays: after a loss the last figures are better than none. */
function faceOf(state: State): Face {
  if (isEmpty(state)) return 'empty';
  if (!state.hasSnapshot && state.connection.attempt > 0) return 'unreachable';
  if (isLoading(state)) return 'loading';
  return 'dashboard';
}
