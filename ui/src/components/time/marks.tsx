// The lines, points and bars of a picture over time.
import type { Theme } from '../../theme';
import type { Plot, TimeData, TimePoint, TimeSeries } from './plot';

/** With more points, only those that say something of their own are drawn. */
const POINTS_MOST = 80;

interface LinesProps {
  data: TimeData;
  plot: Plot;
  theme: Theme;
}

export function Lines({ data, plot, theme }: LinesProps) {
  const isAlone = data.series.filter(({ isDashed }) => !isDashed).length === 1;
  return data.series.map((series) => (
    <g key={series.id}>
      {isAlone && !series.isDashed && series.points.length > 1 && (
        <path d={areaOf(series.points, plot)} fill={series.color} opacity={0.1} />
      )}
      <path
        d={lineOf(series.points, plot)}
        fill="none"
        stroke={series.color}
        strokeWidth={series.isDashed ? 1.5 : 2}
        strokeLinejoin="round"
        {...(series.isDashed && { strokeDasharray: '5 4' })}
      />
      {!series.isDashed && <Points series={series} plot={plot} theme={theme} />}
    </g>
  ));
}

interface PointsProps {
  series: TimeSeries;
  plot: Plot;
  theme: Theme;
}

function Points({ series: { points, color }, plot, theme }: PointsProps) {
  const shown = points.length < POINTS_MOST ? points : points.filter((point) => point.isOpen || point.color);
  return shown.map((point) => (
    <circle
      key={point.at}
      cx={plot.x(point.at)}
      cy={plot.y(point.value)}
      r={points.length === 1 ? 4 : point.isOpen || point.color ? 3.5 : 2}
      fill={point.isOpen ? theme.panel : (point.color ?? color)}
      stroke={point.isOpen ? (point.color ?? color) : 'none'}
      strokeWidth={1.5}
    />
  ));
}

function lineOf(points: TimePoint[], plot: Plot): string {
  return points
    .map(({ at, value }, place) => `${place === 0 ? 'M' : 'L'}${px(plot.x(at))} ${px(plot.y(value))}`)
    .join('');
}

function areaOf(points: TimePoint[], plot: Plot): string {
  const [first, last] = [points[0]?.at ?? 0, points.at(-1)?.at ?? 0];
  const base = px(plot.y(0));
  return `${lineOf(points, plot)}L${px(plot.x(last))} ${base}L${px(plot.x(first))} ${base}Z`;
}

function px(value: number): string {
  return value.toFixed(1);
}

/** Bars on top of each other, in the order of the series. */
export function Bars({ data, plot }: { data: TimeData; plot: Plot }) {
  const tops = new Map<number, number>();
  return data.series.map((series) =>
    series.isDashed ? (
      <path
        key={series.id}
        d={lineOf(series.points, plot)}
        fill="none"
        stroke={series.color}
        strokeWidth={1.5}
        strokeDasharray="5 4"
      />
    ) : (
      <g key={series.id}>
        {series.points.map((point) => {
          const below = tops.get(point.at) ?? 0;
          tops.set(point.at, below + point.value);
          const [high, low] = [plot.y(below + point.value), plot.y(below)];
          return (
            <rect
              key={point.at}
              x={plot.x(point.at) - plot.barWidth / 2}
              y={Math.min(high, low)}
              width={plot.barWidth}
              height={Math.max(0.5, Math.abs(low - high))}
              fill={point.color ?? series.color}
              opacity={point.isOpen ? 0.45 : 1}
            />
          );
        })}
      </g>
    ),
  );
}
