// All alerts with their states, and the rule that is chosen: to change, to test, to delete, with its notifications.
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useEffect } from 'react';
import { Refused } from '../explore/api';
import { formatNumber } from '../explore/cells';
import { formatSince } from '../format/time';
import { shownZone } from '../format/zone';
import { language, t } from '../i18n';
import { AlertForm } from './AlertForm';
import { type AlertInfo, fetchRule, useAlerts } from './api';
import { History, OUTCOMES } from './History';

const route = getRouteApi('/alerts');

/** The place of a rule that is not saved yet. Names of rules have no capitals. */
const NEW = 'NEW';

const STATES: Record<AlertInfo['state'], string> = {
  ok: t('ok'),
  firing: t('firing'),
  no_data: t('no data'),
  error: t('error'),
};

export function AlertsPage() {
  const { alert: chosen } = route.useSearch();
  const { data, error } = useAlerts();

  useEffect(() => {
    document.title = `${t('Alerts')} · Weir`;
  }, []);

  if (error && !data)
    return <p className="explore-note">{t('The alerts cannot be read: {{why}}', { why: error.message })}</p>;
  if (!data) return <p className="explore-note">{t('Loading…')}</p>;
  return (
    <>
      <div className="explore-title">
        <h1>{t('Alerts')}</h1>
        <span className="explore-job">{t('A rule watches a number, and tells a webhook.')}</span>
        <div className="board-actions">
          <Link className="board-file" to="/alerts" search={{ alert: NEW }}>
            {t('New alert')}
          </Link>
        </div>
      </div>
      {data.alerts.length === 0 && chosen !== NEW && (
        <p className="explore-note">
          {t('There are no alerts yet. Choose “New alert” to be told when a number is beyond a bound.')}
        </p>
      )}
      <div className="alerts">
        <ul className="explore-tables alerts-list">
          {data.alerts.map((alert) => (
            <li key={alert.name}>
              <AlertCard alert={alert} isChosen={alert.name === chosen} />
            </li>
          ))}
        </ul>
        {chosen === NEW && <AlertForm key={NEW} name={null} kept={null} source={null} />}
        {chosen !== undefined && chosen !== NEW && (
          <Chosen key={chosen} name={chosen} alert={data.alerts.find(({ name }) => name === chosen)} />
        )}
      </div>
    </>
  );
}

function AlertCard({ alert, isChosen }: { alert: AlertInfo; isChosen: boolean }) {
  const title = (language === 'vi' && alert.title_vi) || alert.title;
  const delivery = alert.last_delivery;
  return (
    <Link
      className="explore-card"
      to="/alerts"
      search={{ alert: alert.name }}
      aria-current={isChosen ? 'true' : undefined}
    >
      <strong>{title}</strong>
      <span>
        <span className={`alert-state alert-${alert.enabled ? alert.state : 'no_data'}`}>
          {alert.enabled ? STATES[alert.state] : t('disabled')}
        </span>{' '}
        {alert.number} · {alert.table}
      </span>
      {alert.error && <span className="board-error">{alert.error}</span>}
      {alert.firing.slice(0, 3).map(({ series, value, since }) => (
        <span key={JSON.stringify(series)}>
          {t('{{series}} ({{value}}, since {{time}})', {
            series: Object.values(series).join(', ') || alert.table,
            value: formatNumber(value, alert.number),
            time: formatSince(Date.parse(since), Date.now(), shownZone()),
          })}
        </span>
      ))}
      <span className="explore-figures">
        {delivery
          ? t('last notification: {{outcome}}', { outcome: OUTCOMES[delivery.outcome] })
          : t('no notification yet')}
        {alert.undelivered > 0 && ` · ${t('{{count}} wait', { count: alert.undelivered })}`}
      </span>
    </Link>
  );
}

function Chosen({ name, alert }: { name: string; alert: AlertInfo | undefined }) {
  const { data, error } = useQuery({
    queryKey: ['alert', name],
    queryFn: ({ signal }) => fetchRule(name, signal),
    refetchOnWindowFocus: false,
  });
  if (error instanceof Refused && error.status === 404)
    return <p className="explore-note">{t('There is no alert {{name}}.', { name })}</p>;
  if (error && !data)
    return <p className="explore-note">{t('The alerts cannot be read: {{why}}', { why: error.message })}</p>;
  if (!data) return <p className="explore-note">{t('Loading…')}</p>;
  return (
    <>
      <AlertForm key={data.etag} name={name} kept={data} source={alert?.source ?? null} />
      <History name={name} />
    </>
  );
}
