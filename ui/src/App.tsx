// Which of the three faces the page has: the dashboard, nothing yet, or nobody there.
import { lazy, Suspense } from 'react';
import { isEmpty, type State } from './api/state';
import { useStore } from './api/store';
import { EmptyState } from './views/EmptyState';
import { Header } from './views/Header';
import { Unreachable } from './views/Unreachable';

// The charts are most of the code: they are fetched while the connection is made.
const dashboard = import('./views/Dashboard');
const Dashboard = lazy(() => dashboard);

type Face = 'dashboard' | 'empty' | 'unreachable';

export function App({ onRetry }: { onRetry: () => void }) {
  const face = useStore(faceOf);
  return (
    <>
      <Header onRetry={onRetry} />
      <main>
        {face === 'dashboard' && (
          <Suspense>
            <Dashboard />
          </Suspense>
        )}
        {face === 'empty' && <EmptyState />}
        {face === 'unreachable' && <Unreachable onRetry={onRetry} />}
      </main>
    </>
  );
}

/** What was once shown stays: after a loss the last figures are better than none. */
function faceOf(state: State): Face {
  if (isEmpty(state)) return 'empty';
  if (!state.hasSnapshot && state.connection.attempt > 0) return 'unreachable';
  return 'dashboard';
}
