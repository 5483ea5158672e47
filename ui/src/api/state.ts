// What the page knows, and how it changes: a pure reducer.
//
// The snapshot has no time series and no hours of the day; those are asked for over HTTP when a connection becomes
// live. An answer may be older than an update that overtook it, so each key has a revision.
import { type Connection, INITIAL } from './connection';
import { mergeSeries } from './series';
import type { Session } from './session';
import type { Analytics, AnalyticsKey, SeriesKey, Standing, Status } from './types';

export interface State {
  connection: Connection;
  data: Partial<Analytics>;
  /** Counts the pushes of each key. */
  revisions: Partial<Record<AnalyticsKey, number>>;
  /** Whether there was ever a snapshot: before it nothing is known, not even that there is nothing. */
  hasSnapshot: boolean;
  /** How what is behind the server stands. */
  status: Status;
  /** The zone of all times in the data; null: the server has not said. */
  timeZone: string | null;
  /** Who the server takes us for; null: it has not said. */
  session: Session | null;
  /** When data last came, in milliseconds since the epoch. */
  updatedAt: number | null;
}

export type Action =
  | { type: 'connection'; connection: Connection }
  | { type: 'snapshot'; data: Partial<Analytics>; timeZone: string | null; at: number }
  | { type: 'update'; data: Partial<Analytics>; at: number }
  | { type: 'status'; status: Status }
  | { type: 'session'; session: Session }
  /** An HTTP answer; `revision` is that of the key when it was asked for. */
  | { [K in LoadedKey]: { type: 'loaded'; key: K; rows: Analytics[K]; revision: number } }[LoadedKey];

/** The keys that the snapshot does not have. */
export type LoadedKey = SeriesKey | 'hourlyHeatmap';

const WELL: Standing = { ok: true, since: null, message: null };

export const INITIAL_STATE: State = {
  connection: INITIAL,
  data: {},
  revisions: {},
  hasSnapshot: false,
  status: { store: WELL, log: WELL, results: WELL, jobs: WELL },
  timeZone: null,
  session: null,
  updatedAt: null,
};

/** The greatest number of points kept of each series: a day, thirty days, a year. */
const KEPT: Record<SeriesKey, number> = { timeseriesMinute: 1_440, timeseriesHour: 720, timeseriesDay: 366 };

export function reduce(state: State, action: Action): State {
  switch (action.type) {
    case 'connection':
      return { ...state, connection: action.connection };
    case 'snapshot':
      // A server says behind the snapshot what is wrong, if anything is.
      return {
        ...pushed(state, action.data),
        hasSnapshot: true,
        status: INITIAL_STATE.status,
        timeZone: action.timeZone,
        updatedAt: action.at,
      };
    case 'status':
      return { ...state, status: action.status };
    case 'session':
      return { ...state, session: action.session };
    case 'update':
      return Object.keys(action.data).length === 0
        ? state
        : { ...pushed(state, action.data), updatedAt: action.at };
    case 'loaded':
      return { ...state, data: { ...state.data, ...loaded(state, action) } };
  }
}

/** Whether the server is there and has not loaded its results yet: what it holds is not known. */
export function isLoading(state: State): boolean {
  return !state.hasSnapshot && !state.status.results.ok;
}

/** Whether there is a snapshot and it holds nothing at all. */
export function isEmpty(state: State): boolean {
  const { overall, successRate, popularByYear, ...rows } = state.data;
  return (
    state.hasSnapshot &&
    !overall?.total_queries &&
    !successRate?.total_queries &&
    Object.values(rows).every((value) => value.length === 0)
  );
}

function pushed(state: State, data: Partial<Analytics>): State {
  const merged = { ...state.data, ...data };
  const revisions = { ...state.revisions };
  for (const key of Object.keys(data) as AnalyticsKey[]) {
    revisions[key] = (revisions[key] ?? 0) + 1;
    if (isSeries(key)) merged[key] = mergeSeries(state.data[key] ?? [], data[key] ?? [], KEPT[key]);
  }
  return { ...state, data: merged, revisions };
}

function loaded(state: State, action: Extract<Action, { type: 'loaded' }>): Partial<Analytics> {
  const overtaken = (state.revisions[action.key] ?? 0) !== action.revision;
  if (action.key === 'hourlyHeatmap') return overtaken ? {} : { hourlyHeatmap: action.rows };
  // The server has nothing (any more): what is known is of another life of it.
  if (!overtaken && action.rows.length === 0) return { [action.key]: [] };
  const known = state.data[action.key] ?? [];
  const [older, newer] = overtaken ? [action.rows, known] : [known, action.rows];
  return { [action.key]: mergeSeries(older, newer, KEPT[action.key]) };
}

function isSeries(key: AnalyticsKey): key is SeriesKey {
  return key in KEPT;
}
