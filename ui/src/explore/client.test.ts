import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Change, ResultsClient, type Row, type Socket } from 'weir-client';

/** A socket of a test: what was sent, and what the server says. */
class FakeSocket {
  sent: Record<string, unknown>[] = [];
  isClosed = false;
  onopen: Socket['onopen'] = null;
  onmessage: Socket['onmessage'] = null;
  onclose: Socket['onclose'] = null;

  send(text: string) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.isClosed = true;
  }

  open() {
    this.onopen?.call(this as never, {} as Event);
  }

  say(message: object) {
    this.onmessage?.call(this as never, { data: JSON.stringify(message) } as MessageEvent);
  }

  lose() {
    this.onclose?.call(this as never, {} as CloseEvent);
  }
}

let sockets: FakeSocket[];
let urls: string[];
let client: ResultsClient;

function row(key: string, time = '2026-01-01T00:00:00'): Row {
  return { _key: key, _time: time, _is_final: true, _revision: 0 };
}

function snapshot(token: string, reason: string, ...keys: string[]) {
  return {
    type: 'snapshot',
    id: '1',
    table: 't',
    token,
    reason,
    is_complete: true,
    rows: keys.map((key) => row(key)),
  };
}

beforeEach(() => {
  vi.useFakeTimers();
  [sockets, urls] = [[], []];
  client = new ResultsClient({
    url: 'https://host/prefix',
    open: (url) => {
      urls.push(url.href);
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket as unknown as Socket;
    },
  });
});

afterEach(() => {
  client.close();
  vi.useRealTimers();
});

function follow(limit = 10) {
  const changes: Change[] = [];
  const errors: string[] = [];
  const subscription = client.subscribe('t', {
    where: 'n > 1',
    limit,
    onChange: (change) => changes.push({ ...change, rows: new Map(change.rows) }),
    onError: (error) => errors.push(error),
  });
  return { changes, errors, subscription };
}

test('a snapshot and changes become the rows of a table', () => {
  const { changes } = follow();
  expect(urls).toEqual(['wss://host/prefix/ws/results']);
  sockets[0]?.open();
  expect(client.status).toBe('live');
  expect(sockets[0]?.sent).toEqual([
    { type: 'subscribe', id: '1', table: 't', where: 'n > 1', limit: 10, token: null },
  ]);

  sockets[0]?.say(snapshot('a', 'new', 'x', 'y'));
  sockets[0]?.say({ type: 'changes', id: '1', token: 'b', removed: ['x'], rows: [row('z')] });
  expect([...(changes[1]?.rows.keys() ?? [])]).toEqual(['y', 'z']);
  expect(changes.map(({ reason }) => reason)).toEqual(['new', null]);
});

test('a lost connection resumes with the last token, and a new snapshot replaces all rows', () => {
  const { changes } = follow();
  sockets[0]?.open();
  sockets[0]?.say(snapshot('a', 'new', 'x'));
  sockets[0]?.lose();
  expect(client.status).toBe('reconnecting');
  vi.advanceTimersByTime(500);
  sockets[1]?.open();
  expect(sockets[1]?.sent[0]).toMatchObject({ type: 'subscribe', token: 'a' });

  sockets[1]?.say(snapshot('b', 'behind', 'y'));
  expect([...(changes[1]?.rows.keys() ?? [])]).toEqual(['y']);
  expect(changes[1]?.removed).toEqual(['x']);
});

test('a silent connection is taken for lost, and pauses grow', () => {
  follow();
  sockets[0]?.open();
  vi.advanceTimersByTime(44_000);
  sockets[0]?.say({ type: 'heartbeat' });
  vi.advanceTimersByTime(44_000);
  expect(sockets).toHaveLength(1);
  vi.advanceTimersByTime(2_000);
  expect([sockets[0]?.isClosed, sockets.length]).toEqual([true, 2]);

  for (let attempt = 1; attempt < 8; attempt++) {
    sockets.at(-1)?.lose();
    vi.advanceTimersByTime(15_000);
  }
  sockets.at(-1)?.lose();
  vi.advanceTimersByTime(7_000);
  expect(sockets).toHaveLength(9);
  client.retryNow();
  expect(sockets).toHaveLength(10);
});

test('a refused subscription says why and is not repeated', () => {
  const { errors } = follow();
  sockets[0]?.open();
  sockets[0]?.say({ type: 'error', id: '1', message: 'there is no table `t`' });
  expect(errors).toEqual(['there is no table `t`']);
  sockets[0]?.lose();
  vi.advanceTimersByTime(500);
  sockets[1]?.open();
  expect(sockets[1]?.sent).toEqual([]);
});

test('a subscription is repeated while the rows are being loaded', () => {
  const { errors } = follow();
  sockets[0]?.open();
  sockets[0]?.say({ type: 'error', id: '1', message: 'the results are being loaded', retry: true });
  vi.advanceTimersByTime(1_000);
  expect(sockets[0]?.sent.map(({ type }) => type)).toEqual(['subscribe', 'subscribe']);
  expect(errors).toEqual([]);
});

test('a closed subscription is ended at the server', () => {
  const { subscription } = follow();
  sockets[0]?.open();
  subscription.close();
  subscription.close();
  expect(sockets[0]?.sent.slice(1)).toEqual([{ type: 'unsubscribe', id: '1' }]);
});

test('rows are kept up to twice the limit, the newest', () => {
  const { changes } = follow(2);
  sockets[0]?.open();
  sockets[0]?.say(snapshot('a', 'new'));
  for (let day = 1; day <= 5; day++) {
    sockets[0]?.say({
      type: 'changes',
      id: '1',
      token: 'b',
      removed: [],
      rows: [row(`${day}`, `2026-01-0${day}`)],
    });
  }
  expect([...(changes.at(-1)?.rows.keys() ?? [])]).toEqual(['4', '5']);
});
