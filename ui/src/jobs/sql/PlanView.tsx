// The plan of a script, as a graph and as the text that `weir explain` prints.
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';
import { Boundary } from '../../components/Boundary';
import { t } from '../../i18n';
import { act } from '../api';
import type { Explained } from './types';

const PlanDrawing = lazy(() => import('./PlanDrawing'));

export function PlanView({ script, onClose }: { script: string; onClose: () => void }) {
  const { data, error } = useQuery({
    queryKey: ['explain', script],
    queryFn: () => act<Explained>('POST', 'weir/sql/explain', { script }),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 5_000,
  });
  return (
    <section className="jobs-section" aria-labelledby="plan">
      <div className="jobs-title">
        <h2 id="plan">{t('Plan')}</h2>
        <button type="button" className="jobs-quiet-button" onClick={onClose}>
          {t('Close')}
        </button>
      </div>
      {!data && !error && <p className="jobs-note">{t('Loading…')}</p>}
      {error && (
        <pre className="jobs-log jobs-error" role="alert">
          {error.message}
        </pre>
      )}
      {data && (
        <>
          <Boundary
            fallback={<p className="jobs-note">{t('The graph cannot be drawn; the text is below.')}</p>}
          >
            <Suspense fallback={<div className="jobs-graph" />}>
              <PlanDrawing plan={data} />
            </Suspense>
          </Boundary>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard. */}
          <section className="jobs-log" tabIndex={0} aria-label={t('Plan as text')}>
            {data.text.trimEnd()}
          </section>
        </>
      )}
    </section>
  );
}
