// How the store, the log and the jobs stand, in a sentence or two; null where there is nothing to say.
import type { components } from '../api/schema';
import { t } from '../i18n';
import { formatSince } from './time';

/** How one of the things behind the server stands. */
type Standing = components['schemas']['Standing'];

/** When it is, and in which zone times are shown. */
export interface Now {
  at: number;
  timeZone: string | null;
}

export function sayStore(store: Standing, now: Now): string | null {
  if (store.ok) return remark(store, now);
  return `${t('Results are not arriving')}${since(store, now)}${why(store)}. ${t('Nothing is lost: they arrive when the store is back.')}`;
}

export function sayLog(log: Standing, now: Now): string | null {
  if (log.ok) return remark(log, now);
  return `${t('Events are refused')}${since(log, now)}${why(log)}. ${t('Their senders get an error.')}`;
}

export function sayJobs(jobs: Standing, now: Now): string | null {
  if (jobs.ok) return remark(jobs, now);
  return `${t('Figures are outdated or incomplete')}${since(jobs, now)}${why(jobs)}.`;
}

function remark(standing: Standing, now: Now): string | null {
  const { message } = standing;
  return message ? `${message.charAt(0).toUpperCase()}${message.slice(1)}${since(standing, now)}.` : null;
}

// The number of an error says nothing to who reads the words before it.
function why({ message }: Standing): string {
  return message ? `: ${message.replace(/ \(os error \d+\)/, '').replace(/\.$/, '')}` : '';
}

function since({ since }: Standing, now: Now): string {
  const at = Date.parse(since ?? '');
  return Number.isNaN(at) ? '' : ` ${t('since {{time}}', { time: formatSince(at, now.at, now.timeZone) })}`;
}
