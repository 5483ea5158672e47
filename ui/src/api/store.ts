// The store: one external store outside of React, published in animation frames.
//
// However fast updates come, the page draws its newest state at a calm pace; in a hidden tab there are no frames and nothing is drawn
// until it is looked at again, then the newest state is.
import { useSyncExternalStore } from 'react';
import { type Action, INITIAL_STATE, reduce, type State } from './state';
import type { Analytics, AnalyticsKey } from './types';

export interface Store {
  /** The newest state, possibly not yet published. */
  current(): State;
  /** What is shown. */
  published(): State;
  dispatch(action: Action): void;
  subscribe(listener: () => void): () => void;
}

export function createStore(nextFrame: (publish: () => void) => unknown): Store {
  let current = INITIAL_STATE;
  let published = current;
  let scheduled = false;
  const listeners = new Set<() => void>();

  function publish() {
    scheduled = false;
    published = current;
    for (const listener of listeners) listener();
  }

  return {
    current: () => current,
    published: () => published,
    dispatch(action) {
      current = reduce(current, action);
      if (scheduled || current === published) return;
      scheduled = true;
      nextFrame(publish);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** A lone update is drawn in the next frame. Under a stream of them drawing must leave time for receiving. */
const PACE_MS = 100;
let drawnAt = 0;

function nextFrame(publish: () => void): void {
  const draw = () => {
    drawnAt = performance.now();
    publish();
  };
  const wait = drawnAt + PACE_MS - performance.now();
  if (wait <= 0) requestAnimationFrame(draw);
  else setTimeout(() => requestAnimationFrame(draw), wait);
}

/** The page's own store. */
export const store = createStore(nextFrame);

/** A part of the state. Renders again only when that part is another; `select` must not build anew. */
export function useStore<T>(select: (state: State) => T): T {
  return useSyncExternalStore(store.subscribe, () => select(store.published()));
}

export function useAnalytics<K extends AnalyticsKey>(key: K): Partial<Analytics>[K] {
  return useStore((state) => state.data[key]);
}
