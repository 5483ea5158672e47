// Head of the pages: the way to each, whether the job manager answers, and who is logged in.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { fetchSession } from '../api/session';
import { Mark } from '../components/Mark';
import { BASE } from './api';
import { formatMoment } from './format';
import { useReach, useRefusal } from './queries';

export function Head() {
  const { lostAt, answeredAt } = useReach();
  const refusal = useRefusal();
  const queries = useQueryClient();
  const status = lostAt !== null ? 'Not reachable' : answeredAt === null ? 'Connecting' : 'Live';

  return (
    <header className="page-head">
      <div className="page-bar jobs-bar">
        <Link to="/" className="explore-home">
          <Mark />
          <span>Weir</span>
        </Link>
        <nav aria-label="Pages" className="jobs-nav">
          <Link to="/" className="explore-link" activeOptions={{ exact: true }}>
            Overview
          </Link>
          <Link to="/completed" className="explore-link">
            Completed
          </Link>
          <Link to="/task-managers" className="explore-link">
            Task managers
          </Link>
          <Link to="/job-manager" className="explore-link">
            Job manager
          </Link>
        </nav>
        <div className={`connection jobs-status connection-${lostAt !== null ? 'stale' : 'live'}`}>
          <span role="status" aria-live="polite">
            {status}
          </span>
        </div>
        <LogOut />
      </div>
      {lostAt !== null && (
        <div className="standings">
          <p role="alert">
            The job manager is not reachable since {formatMoment(lostAt)}.{' '}
            {answeredAt === null
              ? 'There is nothing to show yet.'
              : 'The figures are the last ones that it gave.'}{' '}
            <button type="button" className="connection-retry" onClick={() => void queries.refetchQueries()}>
              Try again
            </button>
          </p>
        </div>
      )}
      {lostAt === null && refusal !== null && (
        <div className="standings">
          <p role="alert">Some figures are the last ones that the job manager gave. It says: {refusal}</p>
        </div>
      )}
    </header>
  );
}

function LogOut() {
  const { data } = useQuery({
    queryKey: ['session'],
    queryFn: () => fetchSession(BASE),
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (!data?.name) return null;
  return (
    <form className="log-out" method="post" action="logout">
      <span>{data.name}</span>
      <button type="submit">Log out</button>
    </form>
  );
}
