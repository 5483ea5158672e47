import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Connection, GRACE_MS, PONG_MS, SILENCE_MS } from './connection';
import { Feed, type Socket } from './feed';
import type { FeedMessage } from './types';

/** The server's end of a socket. */
class FakeSocket implements Socket {
  onmessage: Socket['onmessage'] = null;
  onclose: Socket['onclose'] = null;
  sent: unknown[] = [];
  closed = false;

  send(data: unknown) {
    this.sent.push(data);
  }

  close() {
    this.closed = true;
  }

  say(message: unknown) {
    this.onmessage?.call(this as never, { data: JSON.stringify(message) } as MessageEvent);
  }

  drop() {
    this.onclose?.call(this as never, {} as CloseEvent);
  }
}

function setUp() {
  const sockets: FakeSocket[] = [];
  const connections: Connection[] = [];
  const messages: FeedMessage[] = [];
  const feed = new Feed({
    open: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
    onConnection: (connection) => connections.push(connection),
    onMessage: (message) => messages.push(message),
  });
  feed.start();
  const socket = () => sockets.at(-1) as FakeSocket;
  const phase = () => connections.at(-1)?.phase;
  return { feed, sockets, socket, messages, phase };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('messages are handed on and make the connection live', () => {
  const { socket, messages, phase } = setUp();
  socket().say({ type: 'initial', data: { faculty: [] } });
  expect(phase()).toBe('live');
  expect(messages).toEqual([{ type: 'snapshot', data: { faculty: [] }, timeZone: null }]);
});

test('a frame of an unknown type is ignored but proves that the server is there', () => {
  const { socket, messages, phase } = setUp();
  socket().say({ type: 'tomorrow' });
  expect(phase()).toBe('live');
  expect(messages).toEqual([]);
});

test('a lost connection is made again after its wait', () => {
  const { sockets, socket, phase } = setUp();
  socket().say({ type: 'heartbeat' });
  socket().drop();
  expect(phase()).toBe('reconnecting');
  expect(sockets).toHaveLength(1);
  vi.advanceTimersByTime(1_000);
  expect(sockets).toHaveLength(2);
  socket().say({ type: 'heartbeat' });
  expect(phase()).toBe('live');
});

test('retrying now skips the wait, and only the wait', () => {
  const { feed, sockets, socket } = setUp();
  feed.retryNow();
  expect(sockets).toHaveLength(1);
  socket().drop();
  feed.retryNow();
  expect(sockets).toHaveLength(2);
  vi.advanceTimersByTime(GRACE_MS - 1);
  expect(sockets).toHaveLength(2);
});

test('a server that stops speaking is asked, shown to be silent soon, and left if it does not answer', () => {
  const { socket, phase } = setUp();
  socket().say({ type: 'heartbeat' });
  vi.advanceTimersByTime(SILENCE_MS);
  expect(socket().sent).toEqual(['{"type":"ping"}']);
  expect(phase()).toBe('live');
  vi.advanceTimersByTime(PONG_MS);
  expect(phase()).toBe('stale');
  // A frozen server is found out in less time than a glance takes to trust the page.
  expect(SILENCE_MS + PONG_MS).toBeLessThanOrEqual(10_000);
  vi.advanceTimersByTime(GRACE_MS);
  expect(phase()).toBe('reconnecting');
  expect(socket().closed).toBe(true);
});

test('a server that answers stays live, however long it has nothing to say', () => {
  const { socket, phase } = setUp();
  socket().say({ type: 'heartbeat' });
  for (let asked = 1; asked <= 5; asked++) {
    vi.advanceTimersByTime(SILENCE_MS);
    expect(socket().sent).toHaveLength(asked);
    socket().say({ type: 'pong' });
  }
  expect(phase()).toBe('live');
});

test('a pong makes a stale connection live again', () => {
  const { socket, phase } = setUp();
  socket().say({ type: 'heartbeat' });
  vi.advanceTimersByTime(SILENCE_MS + PONG_MS);
  expect(phase()).toBe('stale');
  socket().say({ type: 'pong' });
  expect(phase()).toBe('live');
});

test('a server that takes the connection and says nothing is given up', () => {
  const { phase } = setUp();
  vi.advanceTimersByTime(GRACE_MS);
  expect(phase()).toBe('reconnecting');
});

test('a stopped feed hears nothing more and opens nothing more', () => {
  const { feed, sockets, socket } = setUp();
  const stopped = socket();
  feed.stop();
  stopped.drop();
  vi.advanceTimersByTime(60_000);
  expect(stopped.closed).toBe(true);
  expect(sockets).toHaveLength(1);
});
