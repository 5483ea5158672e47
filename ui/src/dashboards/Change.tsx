// The change of a figure against the period before, in percent.
import { NONE } from '../format/number';

const percent = new Intl.NumberFormat(undefined, {
  style: 'percent',
  maximumFractionDigits: 0,
  signDisplay: 'exceptZero',
});

interface ChangeProps {
  now: unknown;
  before: unknown;
}

export function Change({ now, before }: ChangeProps) {
  const [is, was] = [Number(now ?? Number.NaN), Number(before ?? Number.NaN)];
  if (!Number.isFinite(is) || !Number.isFinite(was) || was === 0) {
    return <span className="board-change">{NONE}</span>;
  }
  const change = (is - was) / Math.abs(was);
  return (
    <span className="board-change" title={`${was} in the period before`}>
      {change > 0 ? '▲' : change < 0 ? '▼' : '='} {percent.format(change)}
    </span>
  );
}
