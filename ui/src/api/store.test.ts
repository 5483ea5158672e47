import { expect, test, vi } from 'vitest';
import { createStore } from './store';

const overall = (total_queries: number) => ({
  type: 'update' as const,
  data: {
    overall: {
      total_queries,
      success_count: 0,
      failure_count: 0,
      success_rate: 0,
      avg_response_time: 0,
      is_final: true,
    },
  },
  at: total_queries,
});

test('many updates between two frames are published once, as the newest', () => {
  const frames: (() => void)[] = [];
  const store = createStore((publish) => frames.push(publish));
  const listener = vi.fn();
  store.subscribe(listener);

  store.dispatch(overall(1));
  store.dispatch(overall(2));
  expect(store.published().data.overall).toBeUndefined();
  expect(store.current().data.overall?.total_queries).toBe(2);

  expect(frames).toHaveLength(1);
  frames[0]?.();
  expect(listener).toHaveBeenCalledTimes(1);
  expect(store.published().data.overall?.total_queries).toBe(2);

  store.dispatch(overall(3));
  expect(frames).toHaveLength(2);
});

test('one who left is not told', () => {
  const store = createStore((publish) => publish());
  const listener = vi.fn();
  store.subscribe(listener)();
  store.dispatch(overall(1));
  expect(listener).not.toHaveBeenCalled();
});
