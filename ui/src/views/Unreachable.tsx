// Nothing was ever received: say so, and that we keep trying.
import { t } from '../i18n';

export function Unreachable({ onRetry }: { onRetry: () => void }) {
  return (
    <section className="notice" aria-labelledby="unreachable-title">
      <h2 id="unreachable-title">{t('Weir cannot be reached')}</h2>
      <p>
        {t(
          '{{host}} does not answer. This page retries and continues by itself as soon as the server is back.',
          {
            host: location.host,
          },
        )}
      </p>
      <button type="button" className="button" onClick={onRetry}>
        {t('Retry now')}
      </button>
    </section>
  );
}
