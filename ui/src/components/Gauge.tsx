// A share of a whole as a ring with the figure inside.
import { formatPercent } from '../format/number';

/** `percent` from 0 to 100; undefined where there is no figure. */
export function Gauge({ percent }: { percent: number | undefined }) {
  return (
    <div className="gauge">
      <svg viewBox="0 0 120 120" aria-hidden="true">
        <circle className="gauge-track" cx="60" cy="60" r="52" pathLength="100" />
        <circle
          className="gauge-value"
          cx="60"
          cy="60"
          r="52"
          pathLength="100"
          strokeDasharray={`${percent ?? 0} 100`}
        />
      </svg>
      <span className="gauge-figure">{formatPercent(percent)}</span>
    </div>
  );
}
