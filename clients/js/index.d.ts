/** Live rows of Weir's result tables. `index.js` explains the protocol. */

/** A value of a column. JavaScript rounds integers beyond 2^53. */
export type Value = string | number | boolean | null | Value[] | { [field: string]: Value };

/** A row of a result table: its columns, and what Weir says about it. */
export interface Row {
  [column: string]: Value;
  /** Key of the row in the result store. */
  _key: string;
  /** Time of the row, on the server's wall clock: `2025-12-09T11:30:00`. */
  _time: string;
  /** False while the window of the row is open. */
  _is_final: boolean;
  /** How often late events have corrected the row since it was final. */
  _revision: number;
}

export interface Change {
  /** The rows of the subscription, by key: up to twice its limit, then the older half is removed. The same object
   * each time. */
  rows: ReadonlyMap<string, Row>;
  /** Rows that are new or have changed. */
  changed: Row[];
  /** Keys of rows that were removed. */
  removed: string[];
  /** Why all rows were replaced: `new`, `restarted`, `behind` or `reloaded`; null: they were not. */
  reason: string | null;
}

export interface SubscribeOptions {
  /** Conditions on columns, as in `GET /results/{table}`. */
  where?: string | undefined;
  /** Maximum of rows that the subscription begins with, the newest: 1,000 by default. */
  limit?: number | undefined;
  onChange: (change: Change) => void;
  /** Weir refused the subscription, for example for a mistake in `where`. It does not come back by itself. */
  onError?: ((message: string) => void) | undefined;
}

export interface Subscription {
  close(): void;
}

export type Status = 'connecting' | 'live' | 'reconnecting';

/** What the client uses of a WebSocket. */
export type Socket = Pick<WebSocket, 'send' | 'close' | 'onopen' | 'onmessage' | 'onclose'>;

export interface ClientOptions {
  /** Address of Weir, for example `http://127.0.0.1:8000`. */
  url: string | URL;
  onStatus?: ((status: Status) => void) | undefined;
  /** Opens a socket; by default the platform's WebSocket. A program that needs a token opens its own. */
  open?: ((url: URL) => Socket) | undefined;
}

/** A connection that follows any number of tables. */
export class ResultsClient {
  constructor(options: ClientOptions);
  readonly status: Status;
  subscribe(table: string, options: SubscribeOptions): Subscription;
  /** Connects at once instead of after the present pause. */
  retryNow(): void;
  close(): void;
}
