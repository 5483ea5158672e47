// What the colours of a picture mean, with the figures: text, so that it can be read without the picture.
interface LegendItem {
  label: string;
  color: string;
  share: string;
  count: string;
}

export function Legend({ items }: { items: LegendItem[] }) {
  return (
    <ul className="legend">
      {items.map((item) => (
        <li key={item.label}>
          <span className="legend-swatch" style={{ background: item.color }} />
          <span className="legend-label" lang="vi" title={item.label}>
            {item.label}
          </span>
          <span className="legend-share">{item.share}</span>
          <span className="legend-count">{item.count}</span>
        </li>
      ))}
    </ul>
  );
}
