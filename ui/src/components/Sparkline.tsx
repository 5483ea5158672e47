// The shape of a trend, without axes: beside a figure that says how much.
const WIDTH = 100;
const HEIGHT = 32;

interface SparklineProps {
  /** Two or more; fewer draw nothing but keep the place. */
  values: number[];
  /** The value at the bottom; the smallest of the values unless given. */
  floor?: number;
}

export function Sparkline({ values, floor }: SparklineProps) {
  const low = Math.min(floor ?? Number.POSITIVE_INFINITY, ...values);
  const span = Math.max(...values) - low || 1;
  const points = values.map((value, index) => {
    const x = (index / (values.length - 1)) * WIDTH;
    const y = HEIGHT - 2 - ((value - low) / span) * (HEIGHT - 4);
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  });
  return (
    <svg
      className="sparkline"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      {points.length > 1 && (
        <>
          <polygon points={`0,${HEIGHT} ${points.join(' ')} ${WIDTH},${HEIGHT}`} />
          <polyline points={points.join(' ')} />
        </>
      )}
    </svg>
  );
}
