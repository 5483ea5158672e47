// Head of the pages: the way to each, whether the job manager answers, and who is logged in.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { fetchSession } from '../api/session';
import { LanguageChoice } from '../components/LanguageChoice';
import { Mark } from '../components/Mark';
import { t } from '../i18n';
import { BASE } from './api';
import { formatMoment } from './format';
import { useReach, useRefusal } from './queries';

export function Head() {
  const { lostAt, answeredAt } = useReach();
  const refusal = useRefusal();
  const queries = useQueryClient();
  const status = lostAt !== null ? t('Not reachable') : answeredAt === null ? t('Connecting') : t('Live');

  return (
    <header className="page-head">
      <div className="page-bar jobs-bar">
        <Link to="/" className="explore-home">
          <Mark />
          <span>Weir</span>
        </Link>
        <nav aria-label={t('Pages')} className="jobs-nav">
          <Link to="/" className="explore-link" activeOptions={{ exact: true }}>
            {t('Overview')}
          </Link>
          <Link to="/completed" className="explore-link">
            {t('Completed')}
          </Link>
          <Link to="/sql" className="explore-link" activeOptions={{ includeSearch: false }}>
            SQL
          </Link>
          <Link to="/dead-letters" className="explore-link" activeOptions={{ includeSearch: false }}>
            {t('Dead letters')}
          </Link>
          <Link to="/task-managers" className="explore-link">
            {t('Task managers')}
          </Link>
          <Link to="/job-manager" className="explore-link">
            {t('Job manager')}
          </Link>
        </nav>
        <div className={`connection jobs-status connection-${lostAt !== null ? 'stale' : 'live'}`}>
          <span role="status" aria-live="polite">
            {status}
          </span>
        </div>
        <LanguageChoice />
        <LogOut />
      </div>
      {lostAt !== null && (
        <div className="standings">
          <p role="alert">
            {sayLost(formatMoment(lostAt), answeredAt !== null)}{' '}
            <button type="button" className="connection-retry" onClick={() => void queries.refetchQueries()}>
              {t('Try again')}
            </button>
          </p>
        </div>
      )}
      {lostAt === null && refusal !== null && (
        <div className="standings">
          <p role="alert">
            {t('Some figures are the last ones that the job manager gave. It says: {{refusal}}', { refusal })}
          </p>
        </div>
      )}
    </header>
  );
}

function sayLost(since: string, hasFigures: boolean): string {
  return hasFigures
    ? t('The job manager is not reachable since {{since}}. The figures are the last ones that it gave.', {
        since,
      })
    : t('The job manager is not reachable since {{since}}. There is nothing to show yet.', { since });
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
      <button type="submit">{t('Log out')}</button>
    </form>
  );
}
