// Head of the pages: their names, how Weir works at the moment, and what is wrong.
import { Link } from '@tanstack/react-router';
import { useSyncExternalStore } from 'react';
import { LanguageChoice } from '../components/LanguageChoice';
import { Mark } from '../components/Mark';
import { formatCompact, formatCount, formatDuration } from '../format/number';
import { sayJobs, sayLog, sayStore } from '../format/standing';
import { t } from '../i18n';
import { Alerts } from './Alerts';
import { BASE } from './api';
import { Elapsed } from './Elapsed';
import { client, statusSince, subscribeStatus } from './live';
import { type Currency, currencyOf, type Pulse, usePulse } from './pulse';
import { useTables } from './TableList';

const LABELS: Record<Currency, string> = {
  connecting: t('Connecting'),
  live: t('Live'),
  reconnecting: t('Reconnecting'),
  degraded: t('Degraded'),
};

export function ExploreHead() {
  const status = useSyncExternalStore(subscribeStatus, () => client.status);
  const { data: pulse } = usePulse();
  const currency = currencyOf(status, pulse);
  return (
    <header className="page-head">
      <div className="page-bar">
        <a className="explore-home" href={BASE}>
          <Mark />
          <span>Weir</span>
        </a>
        <nav aria-label={t('Pages')}>
          <Link to="/d/" className="explore-link">
            {t('Dashboards')}
          </Link>
          <Link to="/explore/" className="explore-link">
            {t('Explore')}
          </Link>
        </nav>
        {pulse && status === 'live' && <Figures pulse={pulse} />}
        <div className={`connection connection-${currency} explore-status`}>
          <span role="status" aria-live="polite">
            {LABELS[currency]}
          </span>
          {status === 'reconnecting' && (
            <>
              <span className="explore-elapsed">
                {t('for')} <Elapsed since={statusSince()} />
              </span>
              <button type="button" className="connection-retry" onClick={() => client.retryNow()}>
                {t('Retry now')}
              </button>
            </>
          )}
        </div>
        <LanguageChoice />
      </div>
      <Troubles pulse={status === 'live' ? pulse : undefined} />
    </header>
  );
}

/** The figures of the last minute, and what was not counted. */
function Figures({ pulse }: { pulse: Pulse }) {
  const { events_per_second: rate, latency, late, dead_lettered: dead } = pulse;
  return (
    <dl className="explore-pulse">
      <div title={t('Events that the busiest job has read, per second, in the last minute')}>
        <dt>{t('events/s')}</dt>
        <dd>{rate < 10 ? rate.toFixed(1) : formatCompact(rate)}</dd>
      </div>
      {latency && (
        <div
          title={t(
            'From the arrival of an event until its results can be read, in the last minute: half of them, and 99 of 100',
          )}
        >
          <dt>{t('shown after')}</dt>
          <dd>
            {formatDuration(latency.p50_ms)} / {formatDuration(latency.p99_ms)}
          </dd>
        </div>
      )}
      {late > 0 && (
        <div title={t('Events that came too late for every query, since the jobs started')}>
          <dt>{t('late')}</dt>
          <dd>{formatCount(late)}</dd>
        </div>
      )}
      {dead > 0 && (
        <div title={t('Events that could not be read and became dead letters, since the jobs started')}>
          <dt>{t('dead letters')}</dt>
          <dd>{formatCount(dead)}</dd>
        </div>
      )}
    </dl>
  );
}

/** A line for each thing that is wrong, for as long as it is. */
function Troubles({ pulse }: { pulse: Pulse | undefined }) {
  const { data } = useTables();
  const now = { at: Date.now(), timeZone: data?.time_zone ?? null };
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
