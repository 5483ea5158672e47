// The newest transitions of an alert, and what became of their notifications.
import { formatNumber } from '../explore/cells';
import { formatSince } from '../format/time';
import { shownZone } from '../format/zone';
import { t } from '../i18n';
import { type Delivery, useHistory } from './api';

export const OUTCOMES: Record<Delivery['outcome'], string> = {
  pending: t('not sent yet'),
  delivered: t('delivered'),
  retrying: t('is sent again'),
  'given-up': t('given up'),
};

export function History({ name }: { name: string }) {
  const { data, error } = useHistory(name);
  return (
    <section className="alert-panel" aria-labelledby="history-title">
      <h2 id="history-title">{t('Last notifications')}</h2>
      {error && (
        <p className="board-error" role="alert">
          {error.message}
        </p>
      )}
      {data?.transitions.length === 0 && <p>{t('This alert has not fired yet.')}</p>}
      {data && data.transitions.length > 0 && (
        <section
          className="explore-rows alert-history"
          aria-label={t('Rows of {{title}}', { title: t('Last notifications') })}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard.
          tabIndex={0}
        >
          <table>
            <thead>
              <tr>
                <th scope="col">{t('Time')}</th>
                <th scope="col">{t('state')}</th>
                <th scope="col">{t('Series')}</th>
                <th scope="col" className="number">
                  {t('Value')}
                </th>
                <th scope="col">{t('Notification')}</th>
              </tr>
            </thead>
            <tbody>
              {data.transitions.map((transition) => (
                <tr key={transition.id}>
                  <td>{formatSince(Date.parse(transition.at), Date.now(), shownZone())}</td>
                  <td>
                    <span className={`alert-state alert-${transition.state === 'firing' ? 'firing' : 'ok'}`}>
                      {transition.state === 'firing' ? t('firing') : t('resolved')}
                    </span>
                  </td>
                  <td>{Object.values(transition.series).join(', ') || '–'}</td>
                  <td className="number">
                    {transition.value == null ? '–' : formatNumber(transition.value, transition.number)}
                  </td>
                  <td>{transition.delivery ? deliveryOf(transition.delivery) : t('no webhook')}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </section>
  );
}

function deliveryOf({ outcome, status, error }: Delivery): string {
  const why = error ?? (status ? String(status) : '');
  return why ? `${OUTCOMES[outcome]} (${why})` : OUTCOMES[outcome];
}
