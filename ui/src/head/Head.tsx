// Head of the pages: their names, whether the figures are current, how Weir works at the moment, and what is wrong.
import { Link } from '@tanstack/react-router';
import { type ReactNode, useEffect, useState, useSyncExternalStore } from 'react';
import { LanguageChoice } from '../components/LanguageChoice';
import { Mark } from '../components/Mark';
import { client, statusSince, subscribeStatus } from '../explore/live';
import { useTables } from '../explore/tables';
import { sayJobs, sayLog, sayStore } from '../format/standing';
import { formatClock } from '../format/time';
import { shownZone } from '../format/zone';
import { t } from '../i18n';
import { Alerts } from './Alerts';
import { type Currency, currencyOf } from './currency';
import { Elapsed } from './Elapsed';
import { Figures } from './Figures';
import { jobManagerUrl } from './jobManager';
import { LogOut } from './LogOut';
import { type Pulse, usePulse } from './pulse';
import { ZoneChoice } from './ZoneChoice';

const LABELS: Record<Currency, string> = {
  connecting: t('Connecting'),
  live: t('Live'),
  stale: t('Stale'),
  reconnecting: t('Reconnecting'),
  loading: t('Loading'),
  stopped: t('Counting stopped'),
  degraded: t('Degraded'),
};

export function Head() {
  const status = useSyncExternalStore(subscribeStatus, () => client.status);
  const { data: pulse, dataUpdatedAt, refetch } = usePulse();
  const { data: tables } = useTables();
  const now = useNow();
  const currency = currencyOf(status, pulse, now - dataUpdatedAt);
  const jobs = pulse && jobManagerUrl(pulse);

  return (
    <header className="page-head">
      <div className="page-bar">
        <Link to="/" className="explore-home" activeOptions={{ exact: true }}>
          <Mark />
          <span>Weir</span>
        </Link>
        <nav aria-label={t('Pages')}>
          <Page to="/d/">{t('Dashboards')}</Page>
          <Page to="/explore/">{t('Explore')}</Page>
          <Page to="/alerts">{t('Alerts')}</Page>
          {jobs && (
            <a className="explore-link" href={jobs.href}>
              {t('Jobs')}
            </a>
          )}
        </nav>
        {pulse && (status === 'live' || status === 'connecting') && currency !== 'stale' && (
          <Figures pulse={pulse} tables={tables?.tables} />
        )}
        <div className={`connection connection-${currency} explore-status`}>
          <span role="status" aria-live="polite">
            {LABELS[currency]}
          </span>
          {currency === 'stale' && (
            <span className="explore-elapsed">
              {t('since {{time}}', { time: formatClock(dataUpdatedAt, shownZone()) })}
            </span>
          )}
          {status === 'reconnecting' && (
            <>
              <span className="explore-elapsed">
                {t('for')} <Elapsed since={statusSince()} />
              </span>
              <button
                type="button"
                className="connection-retry"
                onClick={() => {
                  client.retryNow();
                  void refetch();
                }}
              >
                {t('Retry now')}
              </button>
            </>
          )}
        </div>
        {tables && <ZoneChoice />}
        <LanguageChoice />
        <LogOut />
      </div>
      <Troubles pulse={status === 'live' && currency !== 'stale' ? pulse : undefined} />
    </header>
  );
}

function Page({ to, children }: { to: '/d/' | '/explore/' | '/alerts'; children: ReactNode }) {
  return (
    <Link to={to} className="explore-link">
      {children}
    </Link>
  );
}

/** The time, which passes also when nothing comes from the server. */
function useNow(): number {
  const [now, setNow] = useState(Date.now);

  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);

  return now;
}

/** A line for each thing that is wrong, for as long as it is. */
function Troubles({ pulse }: { pulse: Pulse | undefined }) {
  const now = { at: Date.now(), timeZone: shownZone() };
  const told = pulse ? [sayStore(pulse.store, now), sayLog(pulse.log, now), sayJobs(pulse.jobs, now)] : [];
  return (
    <div className="standings" aria-live="polite">
      {told
        .filter((line) => line !== null)
        .map((line) => (
          <p key={line}>{line}</p>
        ))}
      {pulse && <Alerts timeZone={now.timeZone} />}
    </div>
  );
}
