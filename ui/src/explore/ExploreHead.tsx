// Head of the pages: name, way back to the dashboard, and state of the connection.
import { Link } from '@tanstack/react-router';
import { useSyncExternalStore } from 'react';
import { Mark } from '../components/Mark';
import { BASE } from './api';
import { client, subscribeStatus } from './live';

const LABELS = { connecting: 'Connecting', live: 'Live', reconnecting: 'Reconnecting' };

export function ExploreHead() {
  const status = useSyncExternalStore(subscribeStatus, () => client.status);
  return (
    <header className="page-head">
      <div className="page-bar">
        <a className="explore-home" href={BASE}>
          <Mark />
          <span>Weir</span>
        </a>
        <nav aria-label="Pages">
          <Link to="/d/" className="explore-link">
            Dashboards
          </Link>
          <Link to="/explore/" className="explore-link">
            Explore
          </Link>
        </nav>
        <div className={`connection connection-${status} explore-status`}>
          <span role="status" aria-live="polite">
            {LABELS[status]}
          </span>
          {status === 'reconnecting' && (
            <button type="button" className="connection-retry" onClick={() => client.retryNow()}>
              Retry now
            </button>
          )}
        </div>
      </div>
    </header>
  );
}
