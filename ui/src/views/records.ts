// Windows of the success rate, in the order and at the places of time.
import { wallTime } from '../api/series';
import type { SuccessRecord } from '../api/types';
import { MINUTE_MS } from '../format/time';

/** The rate of one window that is closed; `at` is when the window began, on the wall clock. */
export interface Rate {
  at: number;
  percent: number | null;
  record: SuccessRecord;
}

/** The windows that are closed, in the order of time. */
export function closedRates(records: SuccessRecord[]): Rate[] {
  const closed = records.filter((record) => record.is_final !== false);
  const rates = closed.map((record) => ({
    at: startOf(record),
    percent: record.success_rate_pct ?? null,
    record,
  }));
  return rates.sort((a, b) => a.at - b.at);
}

/** The rates of the newest minutes, one a minute; null where nobody asked anything. */
export function ratesByMinute(rates: Rate[], minutes: number): (number | null)[] {
  const last = rates.at(-1);
  if (!last) return [];
  const byMinute = new Map(rates.map((rate) => [Math.round(rate.at / MINUTE_MS), rate.percent]));
  const newest = Math.round(last.at / MINUTE_MS);
  return Array.from({ length: minutes }, (_, index) => byMinute.get(newest - minutes + 1 + index) ?? null);
}

function startOf(record: SuccessRecord): number {
  return wallTime(record.window_start) ?? (wallTime(record.timestamp) ?? 0) - MINUTE_MS;
}
