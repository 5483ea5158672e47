// The first page: the built-in dashboard, or the first steps while there is nothing to show.
import { getRouteApi } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { DashboardView } from '../dashboards/DashboardView';
import { GENERATED } from '../dashboards/tables';
import { useTables } from '../explore/tables';
import { usePulse } from '../head/pulse';
import { t } from '../i18n';
import { useGenerated } from './generated';

const FirstRun = lazy(async () => ({ default: (await import('./FirstRun')).FirstRun }));

/** The name of the dashboard over the built-in analytics. */
const BUILT_IN = 'analytics';

const route = getRouteApi('/');

export function Home() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { data, error, refetch } = useTables();
  const { data: pulse } = usePulse();
  const { data: generated, isPending } = useGenerated();

  if (error && !data) {
    return pulse && !pulse.results.ok ? <Loading /> : <Unreachable onRetry={() => void refetch()} />;
  }
  const isEmpty = data?.tables.every(({ name, rows }) => rows === 0 || name.startsWith(GENERATED));
  if (isEmpty && isPending) return null;
  if (isEmpty && (generated?.state ?? 'off') === 'off') {
    return (
      <Suspense>
        <FirstRun />
      </Suspense>
    );
  }
  return (
    <DashboardView
      name={BUILT_IN}
      search={search}
      onSearch={(changed, replace) =>
        void navigate({ search: (before) => ({ ...before, ...changed }), replace })
      }
      missing={<p className="explore-note">{t('There is no dashboard {{name}}.', { name: BUILT_IN })}</p>}
    />
  );
}

/** The server reads its results into memory: nobody knows yet whether there are any. */
function Loading() {
  return (
    <section className="notice" aria-labelledby="loading-title">
      <h1 id="loading-title">{t('Loading results')}</h1>
      <p>
        {t('Weir has just started and loads its stored results. They appear here as soon as all are loaded.')}
      </p>
    </section>
  );
}

/** Nothing was ever received. */
function Unreachable({ onRetry }: { onRetry: () => void }) {
  return (
    <section className="notice" aria-labelledby="unreachable-title">
      <h1 id="unreachable-title">{t('Weir cannot be reached')}</h1>
      <p>
        {t(
          '{{host}} does not answer. This page retries and continues by itself as soon as the server is back.',
          {
            host: location.host,
          },
        )}
      </p>
      <button type="button" className="button" onClick={onRetry}>
        {t('Retry now')}
      </button>
    </section>
  );
}
