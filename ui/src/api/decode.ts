// Frame to message: the one place where JSON from outside becomes typed data.
//
// Shapes are checked as deep as the views rely on them to iterate; a part that does not fit is left out and the
// rest is used, since a newer server may say more than we know.
import type { Analytics, AnalyticsKey, FeedMessage, Standing } from './types';

type Shape = (value: unknown) => boolean;

const isObject: Shape = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const isRows: Shape = (value) => Array.isArray(value) && value.every(isObject);
const isGroups: Shape = (value) => isObject(value) && Object.values(value as object).every(isRows);
const isSuccessRate: Shape = (value) => isObject(value) && isRows((value as { records?: unknown }).records);

const SHAPES: Record<AnalyticsKey, Shape> = {
  faculty: isRows,
  year: isRows,
  heatmap: isRows,
  popularQuestions: isRows,
  departments: isRows,
  overall: isObject,
  studentYear: isRows,
  popularByYear: isGroups,
  userType: isRows,
  successRate: isSuccessRate,
  responseTime: isRows,
  timeseriesMinute: isRows,
  timeseriesHour: isRows,
  timeseriesDay: isRows,
  hourlyHeatmap: isRows,
};

/** The message in a frame, or null where there is none that we know. Never throws. */
export function decode(frame: unknown): FeedMessage | null {
  const message = parse(frame);
  switch (message?.type) {
    case 'initial':
      return { type: 'snapshot', data: decodeData(message.data), timeZone: decodeText(message.time_zone) };
    case 'update':
      return { type: 'update', data: decodeData(message.data) };
    case 'status':
      return {
        type: 'status',
        status: {
          store: decodeStanding(message.store),
          log: decodeStanding(message.log),
          results: decodeStanding(message.results),
          jobs: decodeStanding(message.jobs),
        },
      };
    case 'heartbeat':
    case 'pong':
      return { type: 'alive' };
    default:
      return null;
  }
}

/** The rows in an HTTP answer's `data`, or null where it does not have the shape of `key`. */
export function decodeRows<K extends AnalyticsKey>(key: K, answer: unknown): Analytics[K] | null {
  const data = isObject(answer) ? (answer as { data?: unknown }).data : undefined;
  return SHAPES[key](data) ? (data as Analytics[K]) : null;
}

function parse(frame: unknown): Record<string, unknown> | null {
  if (typeof frame !== 'string') return null;
  try {
    const value: unknown = JSON.parse(frame);
    return isObject(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** What is not said is taken to be well. */
function decodeStanding(value: unknown): Standing {
  const { ok, since, message } = (isObject(value) ? value : {}) as Record<string, unknown>;
  return { ok: ok !== false, since: decodeText(since), message: decodeText(message) };
}

function decodeText(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function decodeData(data: unknown): Partial<Analytics> {
  if (!isObject(data)) return {};
  const known = Object.entries(data as object).filter(
    ([key, value]) => Object.hasOwn(SHAPES, key) && SHAPES[key as AnalyticsKey](value),
  );
  return Object.fromEntries(known) as Partial<Analytics>;
}
