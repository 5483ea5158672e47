// Wires the feed to the store: the only place that knows both.
import { Feed } from './feed';
import { loadAll } from './load';
import { store } from './store';

/** Starts the feed of the server that `base` came from; to be called once. */
export function connect(base: string): Feed {
  const url = new URL('ws/analytics', base);
  url.protocol = url.protocol.replace('http', 'ws');
  url.search = '';
  url.hash = '';
  let loading = new AbortController();

  const feed = new Feed({
    open: () => new WebSocket(url),
    onConnection: (connection) => store.dispatch({ type: 'connection', connection }),
    onMessage: (message) => {
      if (message.type === 'alive') return;
      store.dispatch(message.type === 'status' ? message : { ...message, at: Date.now() });
      if (message.type === 'snapshot') {
        loading.abort();
        loading = new AbortController();
        loadAll(store, base, loading.signal);
      }
    },
  });
  feed.start();

  // A machine that wakes up or finds its network again should not sit out a long wait.
  addEventListener('online', () => feed.retryNow());
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) feed.retryNow();
  });
  return feed;
}
