// What is wrong behind the server: a line each, for as long as it is.
import { useStore } from '../api/store';
import { sayJobs, sayLog, sayStore } from '../format/standing';

export function Standings() {
  const { store, log, jobs } = useStore((state) => state.status);
  const timeZone = useStore((state) => state.timeZone);
  // Without a connection nothing is known of it.
  const isHeard = useStore(({ connection: { phase } }) => phase === 'live' || phase === 'stale');
  const now = { at: Date.now(), timeZone };
  const told = isHeard ? [sayStore(store, now), sayLog(log, now), sayJobs(jobs, now)] : [];
  const lines = told.filter((line) => line !== null);
  return (
    <div className="standings" aria-live="polite">
      {lines.map((line) => (
        <p key={line}>{line}</p>
      ))}
    </div>
  );
}
