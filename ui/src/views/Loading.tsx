// The server is there, and reads its results into memory: nobody knows yet whether there are any.
export function Loading() {
  return (
    <section className="notice" aria-labelledby="loading-title">
      <h2 id="loading-title">Loading results</h2>
      <p>Weir has just started and loads its stored results. They appear here as soon as all are loaded.</p>
    </section>
  );
}
