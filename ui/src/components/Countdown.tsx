// Seconds left until a moment; for eyes only, since a voice counting down helps nobody.
import { useEffect, useState } from 'react';
import { t } from '../i18n';

/** `until` in milliseconds since the epoch. */
export function Countdown({ until }: { until: number }) {
  const [now, setNow] = useState(Date.now);

  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(timer);
  }, []);

  return (
    <span className="countdown" aria-hidden="true">
      {t('in {{seconds}} s', { seconds: Math.max(0, Math.ceil((until - now) / 1_000)) })}
    </span>
  );
}
