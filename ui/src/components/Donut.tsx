// A ring of shares. The list beside it has the figures.
const RADIUS = 39;
const WIDTH = 18;
/** Space between two pieces, in percent. */
const GAP = 0.6;

interface DonutProps {
  /** Shares in percent, from the top clockwise. */
  pieces: { label: string; percent: number; color: string }[];
  label: string;
}

export function Donut({ pieces, label }: DonutProps) {
  let from = 0;
  return (
    <div className="chart-canvas donut" role="img" aria-label={label}>
      <svg viewBox="0 0 100 100" aria-hidden="true" xmlns="http://www.w3.org/2000/svg">
        {pieces.map(({ label, percent, color }) => {
          const start = from;
          from += percent;
          const drawn = Math.max(percent - GAP, 0.2);
          return (
            <circle
              key={label}
              cx="50"
              cy="50"
              r={RADIUS}
              fill="none"
              stroke={color}
              strokeWidth={WIDTH}
              pathLength={100}
              strokeDasharray={`${drawn} ${100 - drawn}`}
              strokeDashoffset={-start}
              transform="rotate(-90 50 50)"
            >
              <title>{`${label}: ${percent.toFixed(1)} %`}</title>
            </circle>
          );
        })}
      </svg>
    </div>
  );
}
