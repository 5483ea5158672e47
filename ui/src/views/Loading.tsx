// The server is there, and reads its results into memory: nobody knows yet whether there are any.
import { t } from '../i18n';
export function Loading() {
  return (
    <section className="notice" aria-labelledby="loading-title">
      <h2 id="loading-title">{t('Loading results')}</h2>
      <p>
        {t('Weir has just started and loads its stored results. They appear here as soon as all are loaded.')}
      </p>
    </section>
  );
}
