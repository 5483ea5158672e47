// What is wrong behind the server: a line each, for as long as it is.
import { useStore } from '../api/store';
import { sayLog, sayStore } from '../format/standing';

export function Standings() {
  const { store, log } = useStore((state) => state.status);
  // Without a connection nothing is known of it.
  const isHeard = useStore(({ connection: { phase } }) => phase === 'live' || phase === 'stale');
  const now = Date.now();
  const lines = isHeard ? [sayStore(store, now), sayLog(log, now)].filter((line) => line !== null) : [];
  return (
    <div className="standings" aria-live="polite">
      {lines.map((line) => (
        <p key={line}>{line}</p>
      ))}
    </div>
  );
}
