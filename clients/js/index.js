// Follows result tables over one WebSocket (`/ws/results`), reconnects, and resumes.
//
//   subscribe ──►  snapshot (all rows)  ──►  changes, changes, …      each with a token
//   connection lost, another one opened
//   subscribe with the last token ──►  the changes since, or a new snapshot if Weir no longer knows them
//
// Weir sends a heartbeat after 30 seconds without another message. A connection that is silent for longer is
// taken for lost, because a computer that slept or changed its network is not told that its connection is gone.

const SILENCE_MS = 45_000;
/** Pause before a subscription is repeated while Weir loads its rows. */
const RETRY_MS = 1_000;
const PAUSE_MS = 500;
const PAUSE_MAX_MS = 15_000;
/** Rows of a subscription without a limit, as Weir has it. */
const LIMIT = 1_000;

export class ResultsClient {
  #options;
  #status = 'connecting';
  #socket = null;
  #isOpen = false;
  #subscriptions = new Map();
  #nextId = 1;
  #failures = 0;
  #timer;

  constructor(options) {
    this.#options = options;
    this.#connect();
  }

  get status() {
    return this.#status;
  }

  subscribe(table, { where, limit, onChange, onError }) {
    const id = String(this.#nextId++);
    const rows = new Map();
    this.#subscriptions.set(id, { table, where, limit, onChange, onError, rows, token: null });
    if (this.#isOpen) this.#ask(id);

    return {
      close: () => {
        if (this.#subscriptions.delete(id) && this.#isOpen) this.#send({ type: 'unsubscribe', id });
      },
    };
  }

  retryNow() {
    if (this.#status === 'reconnecting' && !this.#socket) this.#connect();
  }

  close() {
    this.#subscriptions.clear();
    clearTimeout(this.#timer);
    this.#detach();
  }

  #connect() {
    const url = new URL('ws/results', withSlash(this.#options.url));
    url.protocol = url.protocol.replace('http', 'ws');
    const open = this.#options.open ?? ((address) => new WebSocket(address));
    const socket = open(url);
    this.#socket = socket;
    this.#expectMessage();

    socket.onopen = () => {
      this.#isOpen = true;
      for (const id of this.#subscriptions.keys()) this.#ask(id);
      this.#setStatus('live');
    };
    socket.onmessage = (event) => {
      this.#failures = 0;
      this.#expectMessage();
      this.#take(JSON.parse(event.data));
    };
    socket.onclose = () => this.#lost();
  }

  #ask(id) {
    const { table, where, limit, token } = this.#subscriptions.get(id);
    this.#send({ type: 'subscribe', id, table, where, limit, token });
  }

  /** Unless the connection was lost meanwhile: then the next one asks. */
  #askAgain(id) {
    if (this.#isOpen && this.#subscriptions.has(id)) this.#ask(id);
  }

  #send(message) {
    this.#socket.send(JSON.stringify(message));
  }

  #take(message) {
    const subscription = this.#subscriptions.get(message.id);
    if (!subscription) return;
    const { rows, onChange, onError } = subscription;

    switch (message.type) {
      case 'snapshot':
      case 'changes': {
        const isSnapshot = message.type === 'snapshot';
        const removed = isSnapshot ? [...rows.keys()] : message.removed;
        // In order: a key may be removed and come back in one message.
        for (const key of removed) rows.delete(key);
        for (const row of message.rows) rows.set(row._key, row);
        prune(rows, 2 * (subscription.limit ?? LIMIT));
        subscription.token = message.token;
        onChange({ rows, changed: message.rows, removed, reason: isSnapshot ? message.reason : null });
        break;
      }
      case 'error':
        if (message.retry) {
          setTimeout(() => this.#askAgain(message.id), RETRY_MS);
          break;
        }
        this.#subscriptions.delete(message.id);
        onError?.(message.message);
        break;
    }
  }

  #expectMessage() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#lost(), SILENCE_MS);
  }

  #lost() {
    this.#detach();
    this.#setStatus('reconnecting');
    const pause = Math.min(PAUSE_MAX_MS, PAUSE_MS * 2 ** this.#failures++);
    clearTimeout(this.#timer);
    // All clients of a server that restarts would otherwise come back at the same moment.
    this.#timer = setTimeout(() => this.#connect(), pause * (0.5 + Math.random() / 2));
  }

  // A late close of this socket must not count against its successor.
  #detach() {
    const socket = this.#socket;
    this.#socket = null;
    this.#isOpen = false;
    if (!socket) return;
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
  }

  #setStatus(status) {
    if (status === this.#status) return;
    this.#status = status;
    this.#options.onStatus?.(status);
  }
}

/** A relative address is resolved below the last slash of the path. */
function withSlash(url) {
  const base = new URL(url);
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  return base;
}

/**
 * Removes the older half of too many rows. Weir does not announce rows that expire, and a page that stays open for a
 * month must not keep them.
 */
function prune(rows, most) {
  if (rows.size <= most) return;
  const byTime = [...rows.values()].sort((a, b) => (a._time < b._time ? 1 : -1));
  for (const row of byTime.slice(most / 2)) rows.delete(row._key);
}
