// The figures at the time under the pointer.
import { formatWallFull } from '../../format/time';
import { type Plot, pointAt, type TimeData } from './plot';

interface TipProps {
  at: number;
  data: TimeData;
  plot: Plot;
  format: (value: number) => string;
}

export function Tip({ at, data, plot, format }: TipProps) {
  const isRight = plot.x(at) > plot.left + plot.width / 2;
  return (
    <div
      className="time-tip"
      style={
        isRight
          ? { insetInlineEnd: `calc(100% - ${plot.x(at) - 10}px)` }
          : { insetInlineStart: plot.x(at) + 10 }
      }
    >
      <strong>{formatWallFull(at)}</strong>
      {data.series.map((series) => {
        const point = pointAt(series, at);
        return (
          point && (
            <span key={series.id}>
              <i style={{ background: point.color ?? series.color }} /> {series.name}{' '}
              <b>{format(point.value)}</b>
            </span>
          )
        );
      })}
    </div>
  );
}
