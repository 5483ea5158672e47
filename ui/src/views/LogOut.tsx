// Who is logged in, and the way out.
import { useStore } from '../api/store';
import { t } from '../i18n';

export function LogOut() {
  const name = useStore((state) => state.session?.name ?? null);
  if (name === null) return null;
  return (
    <form className="log-out" method="post" action="logout">
      <span>{name}</span>
      <button type="submit">{t('Log out')}</button>
    </form>
  );
}
