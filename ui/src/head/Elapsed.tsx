// The seconds or minutes since a moment, as they pass.
import { useEffect, useState } from 'react';
import { t } from '../i18n';

export function Elapsed({ since }: { since: number }) {
  const [now, setNow] = useState(Date.now);

  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);

  const seconds = Math.max(0, Math.floor((now - since) / 1_000));
  return (
    <>
      {seconds < 120
        ? t('{{seconds}} s', { seconds })
        : t('{{minutes}} min', { minutes: Math.floor(seconds / 60) })}
    </>
  );
}
