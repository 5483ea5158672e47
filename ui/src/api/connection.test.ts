import { expect, test } from 'vitest';
import { advance, type Connection, type ConnectionEvent, INITIAL } from './connection';

const run = (...events: ConnectionEvent[]) => events.reduce<Connection>(advance, INITIAL);
const closed = (at: number, jitter = 0): ConnectionEvent => ({ type: 'closed', at, jitter });

test('a connection is live once the server has spoken, not before', () => {
  expect(run({ type: 'opening' }).phase).toBe('connecting');
  expect(run({ type: 'opening' }, { type: 'heard', at: 5 })).toEqual({ phase: 'live', attempt: 0, since: 5 });
});

test('hearing more of a live connection changes nothing', () => {
  const live = run({ type: 'heard', at: 5 });
  expect(advance(live, { type: 'heard', at: 9 })).toBe(live);
});

test('a silent connection is stale until something is heard', () => {
  const stale = run({ type: 'heard', at: 0 }, { type: 'silent', at: 35_000 });
  expect(stale.phase).toBe('stale');
  expect(advance(stale, { type: 'heard', at: 36_000 }).phase).toBe('live');
});

test('waits double from half a second and end at fifteen seconds', () => {
  const waits: number[] = [];
  let connection = INITIAL;
  for (let attempt = 0; attempt < 8; attempt++) {
    connection = advance(connection, closed(0, 0));
    if (connection.phase === 'reconnecting') waits.push(connection.retryAt);
    connection = advance(connection, { type: 'opening' });
  }
  expect(waits).toEqual([500, 1_000, 2_000, 4_000, 7_500, 7_500, 7_500, 7_500]);
});

test('jitter can double a wait', () => {
  expect(run(closed(0, 1))).toMatchObject({ retryAt: 1_000 });
});

test('a connection that lived starts from the shortest wait again, one that flaps does not', () => {
  const flapping = run(closed(0), closed(0), { type: 'heard', at: 1_000 }, closed(2_000));
  expect(flapping).toMatchObject({ attempt: 3 });
  const lived = run(closed(0), closed(0), { type: 'heard', at: 1_000 }, closed(20_000));
  expect(lived).toMatchObject({ attempt: 1, retryAt: 20_500 });
});
