// The file with the charts did not arrive: a lost connection, or a server that was replaced while the page was open.
import { t } from '../i18n';

export function ChartsMissing() {
  return (
    <section className="notice" role="alert" aria-labelledby="charts-title">
      <h2 id="charts-title">{t('The charts could not be loaded')}</h2>
      <p>
        {t('A file of this page could not be loaded from {{host}}. Reload the page to get it.', {
          host: location.host,
        })}
      </p>
      <button type="button" className="button" onClick={() => location.reload()}>
        {t('Reload')}
      </button>
    </section>
  );
}
