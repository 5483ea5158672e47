// Who is logged in, and the way out. A reader whom the server does not know is led to the login page.
import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { fetchSession, loginUrl } from '../api/session';
import { BASE } from '../explore/api';
import { t } from '../i18n';

export function LogOut() {
  const { data: session } = useQuery({
    queryKey: ['session'],
    queryFn: () => fetchSession(BASE),
    staleTime: Number.POSITIVE_INFINITY,
  });

  useEffect(() => {
    const login = session ? loginUrl(session, BASE, location.href) : null;
    if (login) location.assign(login);
  }, [session]);

  if (!session || session.name === null) return null;
  return (
    <form className="log-out" method="post" action={`${BASE}logout`}>
      <span>{session.name}</span>
      <button type="submit">{t('Log out')}</button>
    </form>
  );
}
