// The file with the charts did not arrive: a lost connection, or a server that was replaced while the page was open.
export function ChartsMissing() {
  return (
    <section className="notice" role="alert" aria-labelledby="charts-title">
      <h2 id="charts-title">The charts could not be loaded</h2>
      <p>A file of this page did not arrive from {location.host}. Load the page again to get it.</p>
      <button type="button" className="button" onClick={() => location.reload()}>
        Load again
      </button>
    </section>
  );
}
