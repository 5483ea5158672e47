// The life of the connection as a pure table: what happened → what we show and how long we wait.
//
//   connecting ──heard──► live ──silent──► stale ──heard──► live
//       ▲                   └───closed───┐   └──closed──┐
//       └──────opening────── reconnecting ◄─────────────┘

/** All times are milliseconds since the epoch. */
export type Connection =
  | { phase: 'connecting'; attempt: number }
  | { phase: 'live'; attempt: number; since: number }
  | { phase: 'stale'; attempt: number; since: number }
  | { phase: 'reconnecting'; attempt: number; retryAt: number };

export type ConnectionEvent =
  | { type: 'opening' }
  | { type: 'heard'; at: number }
  | { type: 'silent'; at: number }
  /** `jitter` in [0, 1) spreads the clients of a restarted server. */
  | { type: 'closed'; at: number; jitter: number };

/** Silence after which the server is asked whether it is there. */
export const SILENCE_MS = 5_000;
/** How long it has for the answer before it counts as silent, */
export const PONG_MS = 3_000;
/** and how long a silent server is waited for before the connection is given up. */
export const GRACE_MS = 10_000;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 15_000;
/** A connection that lived this long was a good one, so the next loss starts from the shortest wait again. */
const GOOD_MS = 10_000;

export const INITIAL: Connection = { phase: 'connecting', attempt: 0 };

export function advance(connection: Connection, event: ConnectionEvent): Connection {
  switch (event.type) {
    case 'opening':
      return { phase: 'connecting', attempt: connection.attempt };
    case 'heard':
      return connection.phase === 'live'
        ? connection
        : { phase: 'live', attempt: connection.attempt, since: event.at };
    case 'silent':
      return { phase: 'stale', attempt: connection.attempt, since: event.at };
    case 'closed': {
      const attempt = (wasGood(connection, event.at) ? 0 : connection.attempt) + 1;
      return { phase: 'reconnecting', attempt, retryAt: event.at + wait(attempt, event.jitter) };
    }
  }
}

/** Half of the wait is fixed, half is jitter: 0.5-1 s, 1-2 s, … 7.5-15 s. */
function wait(attempt: number, jitter: number): number {
  const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (attempt - 1));
  return Math.round(longest / 2 + (longest / 2) * jitter);
}

function wasGood(connection: Connection, at: number): boolean {
  return (connection.phase === 'live' || connection.phase === 'stale') && at - connection.since >= GOOD_MS;
}
