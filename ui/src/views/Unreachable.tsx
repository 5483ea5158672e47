// Nothing was ever received: say so, and that we keep trying.
export function Unreachable({ onRetry }: { onRetry: () => void }) {
  return (
    <section className="notice" aria-labelledby="unreachable-title">
      <h2 id="unreachable-title">Weir cannot be reached</h2>
      <p>
        <strong>{location.host}</strong> does not answer. This page retries and continues by itself as soon as
        the server is back.
      </p>
      <button type="button" className="button" onClick={onRetry}>
        Retry now
      </button>
    </section>
  );
}
