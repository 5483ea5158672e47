// A moment in the reader's zone, with day and zone in its title.
import { formatFull, formatMoment } from './format';

export function Moment({ at }: { at: number | null | undefined }) {
  if (typeof at !== 'number' || at <= 0) return <>–</>;
  return (
    <time dateTime={new Date(at).toISOString()} title={formatFull(at)}>
      {formatMoment(at)}
    </time>
  );
}
