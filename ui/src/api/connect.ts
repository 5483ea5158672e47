// Wires the feed to the store: the only place that knows both.
import { Feed } from './feed';
import { loadAll } from './load';
import { fetchSession, loginUrl } from './session';
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
    onConnection: (connection) => {
      store.dispatch({ type: 'connection', connection });
      // A browser does not say why a socket was refused; the server does, when it is asked.
      if (connection.phase === 'reconnecting') void knock(base);
    },
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
  void knock(base);

  // A machine that wakes up or finds its network again should not sit out a long wait.
  addEventListener('online', () => feed.retryNow());
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) feed.retryNow();
  });
  return feed;
}

/** Asks who we are, and leaves for the login page if we have to be somebody. */
async function knock(base: string): Promise<void> {
  const session = await fetchSession(base);
  if (!session) return;
  const login = loginUrl(session, base, location.href);
  if (login) location.assign(login);
  else store.dispatch({ type: 'session', session });
}
