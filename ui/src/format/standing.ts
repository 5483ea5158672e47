// How the store and the log stand, in a sentence or two; null where there is nothing to say.
import type { Standing } from '../api/types';
import { formatSince } from './time';

export function sayStore(store: Standing, now: number): string | null {
  if (store.ok) return remark(store, now);
  return `Results are not arriving${since(store, now)}${why(store)}. Nothing is lost: they come once it is back.`;
}

export function sayLog(log: Standing, now: number): string | null {
  if (log.ok) return remark(log, now);
  return `Events are not taken in${since(log, now)}${why(log)}. Whoever sends them is told so.`;
}

function remark(standing: Standing, now: number): string | null {
  const { message } = standing;
  return message ? `${message.charAt(0).toUpperCase()}${message.slice(1)}${since(standing, now)}.` : null;
}

// The number of an error says nothing to who reads the words before it.
function why({ message }: Standing): string {
  return message ? `: ${message.replace(/ \(os error \d+\)/, '').replace(/\.$/, '')}` : '';
}

function since({ since }: Standing, now: number): string {
  const at = Date.parse(since ?? '');
  return Number.isNaN(at) ? '' : ` since ${formatSince(at, now)}`;
}
