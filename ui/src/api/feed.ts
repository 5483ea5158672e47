// The feed: keeps one WebSocket to the server open and hands on what it says.
//
// It decides nothing by itself: connection.ts says what follows from what, decode.ts what a frame means. Here are
// the socket and the timers.
import {
  advance,
  type Connection,
  type ConnectionEvent,
  GRACE_MS,
  INITIAL,
  PONG_MS,
  SILENCE_MS,
} from './connection';
import { decode } from './decode';
import type { FeedMessage } from './types';

/** What we use of a WebSocket. */
export type Socket = Pick<WebSocket, 'send' | 'close' | 'onmessage' | 'onclose'>;

export interface FeedOptions {
  open: () => Socket;
  onConnection: (connection: Connection) => void;
  onMessage: (message: FeedMessage) => void;
}

export class Feed {
  #options: FeedOptions;
  #connection = INITIAL;
  #socket: Socket | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  start(): void {
    this.#on({ type: 'opening' });
    const socket = this.#options.open();
    this.#socket = socket;
    // A server that takes the connection and says nothing is as good as none.
    this.#after(GRACE_MS, () => this.#lost());
    socket.onmessage = (event) => this.#heard(event.data);
    socket.onclose = () => this.#lost();
  }

  /** Skips the rest of the wait, if we are waiting. */
  retryNow(): void {
    if (this.#connection.phase === 'reconnecting') this.start();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#detach();
  }

  #heard(frame: unknown): void {
    this.#on({ type: 'heard', at: Date.now() });
    this.#after(SILENCE_MS, () => this.#ask());
    const message = decode(frame);
    if (message) this.#options.onMessage(message);
  }

  /** An open socket says nothing about the server behind it: one that is stopped keeps its connections. */
  #ask(): void {
    this.#after(PONG_MS, () => this.#silent());
    this.#socket?.send('{"type":"ping"}');
  }

  #silent(): void {
    this.#on({ type: 'silent', at: Date.now() });
    this.#after(GRACE_MS, () => this.#lost());
  }

  #lost(): void {
    this.#detach();
    this.#on({ type: 'closed', at: Date.now(), jitter: Math.random() });
    if (this.#connection.phase === 'reconnecting') {
      this.#after(this.#connection.retryAt - Date.now(), () => this.start());
    }
  }

  /** Lets go of the socket first: a close that comes late must not count against its successor. */
  #detach(): void {
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
  }

  #after(ms: number, then: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(then, ms);
  }

  #on(event: ConnectionEvent): void {
    const next = advance(this.#connection, event);
    if (next === this.#connection) return;
    this.#connection = next;
    this.#options.onConnection(next);
  }
}
