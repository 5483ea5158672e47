import { expect, test } from 'vitest';
import type { QueryFigures } from './types';
import { whyOpen } from './why';

const NOW = Date.parse('2025-12-09T11:05:00Z');
const QUERY: QueryFigures = {
  name: 'counts',
  description: 'TUMBLE 1 min, into counts (redis)',
  is_windowed: true,
  open_windows: 1,
  groups: 1,
  rows_written: 0,
  last_written_ms: null,
  last_window_end_ms: null,
  state_bytes: 0,
  late: 0,
  watermark_ms: NOW - 70_000,
  open_until_ms: NOW - 60_000,
  newest_ms: NOW - 65_000,
  behind: null,
};

function why(part: Partial<QueryFigures>, heldBack: string | null = null): string {
  return whyOpen({ ...QUERY, ...part }, heldBack, NOW);
}

test('a window is open because no later event has come', () => {
  expect(why({})).toMatch(
    /^The watermark is 10 s before its end, because no later event has come than that of/,
  );
});

test('a window is open because its end has not come', () => {
  expect(why({ open_until_ms: NOW + 20_000 })).toBe('Its end has not come: it is 20 s ahead of the clock.');
});

test('a partition that is behind is named', () => {
  const behind = { topic: 'q', partition: 3, watermark_ms: NOW - 70_000, unread: 12 };
  expect(why({ behind })).toContain('Partition q-3 is the furthest behind, with 12 unread records.');
  expect(why({ behind: { ...behind, watermark_ms: null } })).toContain('Partition q-3 has given no event');
  expect(why({ behind: { ...behind, unread: 0 } })).toContain('no later event has come');
});

test('without events or memory, that is the reason', () => {
  expect(why({ newest_ms: null, watermark_ms: null, open_until_ms: null })).toBe('No event has come yet.');
  expect(why({}, 'the job waits for memory')).toBe('the job waits for memory');
});
