// Name, state of the connection, time of the last figures, and what is wrong behind the server.
import type { Connection } from '../api/connection';
import { useStore } from '../api/store';
import type { Status } from '../api/types';
import { Countdown } from '../components/Countdown';
import { LanguageChoice } from '../components/LanguageChoice';
import { Mark } from '../components/Mark';
import { formatClock, NO_TIME, zoneName } from '../format/time';
import { t } from '../i18n';
import { LogOut } from './LogOut';
import { Standings } from './Standings';

/** How current the figures are: an open connection alone does not make them so. */
type Currency = Connection['phase'] | 'loading' | 'degraded';

const LABELS: Record<Currency, string> = {
  connecting: t('Connecting'),
  live: t('Live'),
  loading: t('Loading'),
  degraded: t('Degraded'),
  stale: t('Stale'),
  reconnecting: t('Reconnecting'),
};

export function Header({ onRetry }: { onRetry: () => void }) {
  const connection = useStore((state) => state.connection);
  const updatedAt = useStore((state) => state.updatedAt);
  const timeZone = useStore((state) => state.timeZone);
  const currency = useStore((state) => currencyOf(state.connection, state.status));
  return (
    <header className="page-head">
      <div className="page-bar">
        <Mark />
        <h1>Weir</h1>
        <a className="explore-link" href="./d/">
          {t('Dashboards')}
        </a>
        <a className="explore-link" href="./explore/">
          {t('Explore')}
        </a>
        <p className="page-updated">
          <span>{t('Updated')} </span>
          <time dateTime={updatedAt === null ? undefined : new Date(updatedAt).toISOString()}>
            {updatedAt === null ? NO_TIME : formatClock(updatedAt, timeZone)}
          </time>
          {/* All times of the page are in this zone. */}
          <span className="page-zone"> {zoneName(timeZone)}</span>
        </p>
        <div className={`connection connection-${currency}`}>
          <span role="status" aria-live="polite">
            {LABELS[currency]}
          </span>
          {connection.phase === 'reconnecting' && (
            <>
              <Countdown until={connection.retryAt} />
              <button type="button" className="connection-retry" onClick={onRetry}>
                {t('Retry now')}
              </button>
            </>
          )}
        </div>
        <LanguageChoice />
        <LogOut />
      </div>
      <Standings />
    </header>
  );
}

function currencyOf({ phase }: Connection, { store, log, results, jobs }: Status): Currency {
  if (phase !== 'live') return phase;
  if (!results.ok) return 'loading';
  return store.ok && log.ok && jobs.ok ? 'live' : 'degraded';
}
