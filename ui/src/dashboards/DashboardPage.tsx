// The page of a dashboard, at its own address.
import { getRouteApi, Link } from '@tanstack/react-router';
import { t } from '../i18n';
import { DashboardView } from './DashboardView';

const route = getRouteApi('/d/$dashboard');

export function DashboardPage() {
  const { dashboard: name } = route.useParams();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <DashboardView
      key={name}
      name={name}
      search={search}
      onSearch={(changed, replace) =>
        void navigate({ search: (before) => ({ ...before, ...changed }), replace })
      }
      missing={
        <p className="explore-note">
          {t('There is no dashboard {{name}}.', { name })}{' '}
          <Link to="/d/" className="explore-note-link">
            {t('All dashboards')}
          </Link>
        </p>
      }
    />
  );
}
