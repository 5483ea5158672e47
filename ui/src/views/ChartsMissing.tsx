// The file with the charts did not arrive: a lost connection, or a server that was replaced while the page was open.
export function ChartsMissing() {
  return (
    <section className="notice" role="alert" aria-labelledby="charts-title">
      <h2 id="charts-title">The charts could not be loaded</h2>
      <p>A file of this page could not be loaded from {location.host}. Reload the page to get it.</p>
      <button type="button" className="button" onClick={() => location.reload()}>
        Reload
      </button>
    </section>
  );
}
