// The shape of a trend, without axes: beside a figure that says how much.
const WIDTH = 100;
const HEIGHT = 32;

interface SparklineProps {
  /** At regular steps of time; null where there is no figure. Fewer than two steps draw nothing but keep the place. */
  values: (number | null)[];
  /** The value at the bottom; the smallest of the values unless given. */
  floor?: number;
}

export function Sparkline({ values, floor }: SparklineProps) {
  const known = values.filter((value) => value !== null);
  const low = Math.min(floor ?? Number.POSITIVE_INFINITY, ...known);
  const span = Math.max(...known) - low || 1;
  const x = (index: number) => ((index / (values.length - 1)) * WIDTH).toFixed(1);
  const y = (value: number) => (HEIGHT - 2 - ((value - low) / span) * (HEIGHT - 4)).toFixed(1);

  return (
    <svg
      className="sparkline"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      {values.length > 1 &&
        runs(values).map(({ from, values: run }) => {
          const points = run.map((value, index) => `${x(from + index)},${y(value)}`);
          const [left, right] = [x(from), x(from + run.length - 1)];
          return (
            <g key={from}>
              <polygon points={`${left},${HEIGHT} ${points.join(' ')} ${right},${HEIGHT}`} />
              <polyline points={points.join(' ')} />
            </g>
          );
        })}
    </svg>
  );
}

/** The figures between the gaps. */
function runs(values: (number | null)[]): { from: number; values: number[] }[] {
  const found: { from: number; values: number[] }[] = [];
  values.forEach((value, index) => {
    if (value === null) return;
    const last = found.at(-1);
    if (last && last.from + last.values.length === index) last.values.push(value);
    else found.push({ from: index, values: [value] });
  });
  return found;
}
