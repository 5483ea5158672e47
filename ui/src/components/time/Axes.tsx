// The axes, the legend and the limits of a picture over time.
import type { Theme } from '../../theme';
import { FONT } from '../font';
import { LEGEND_ROW, type Limit, legendPlaces, type Plot, type TimeSeries } from './plot';
import { timeLabel } from './scale';

interface AxesProps {
  plot: Plot;
  theme: Theme;
  short: (value: number) => string;
}

export function Axes({ plot, theme, short }: AxesProps) {
  const text = { fill: theme.muted, fontFamily: FONT, fontSize: 12 };
  return (
    <g>
      {plot.valueScale.ticks.map((tick) => (
        <g key={tick}>
          <line
            x1={plot.left}
            x2={plot.left + plot.width}
            y1={plot.y(tick)}
            y2={plot.y(tick)}
            stroke={theme.line}
          />
          <text {...text} x={plot.left - 6} y={plot.y(tick) + 4} textAnchor="end">
            {short(tick)}
          </text>
        </g>
      ))}
      {plot.timeScale.ticks.map((tick) => (
        <text key={tick} {...text} x={plot.x(tick)} y={plot.bottom + 17} textAnchor={anchorOf(plot, tick)}>
          {timeLabel(tick)}
        </text>
      ))}
    </g>
  );
}

/** Labels at the ends stay within the picture. */
function anchorOf(plot: Plot, tick: number): 'start' | 'middle' | 'end' {
  if (plot.x(tick) > plot.left + plot.width - 18) return 'end';
  return plot.x(tick) < 18 ? 'start' : 'middle';
}

interface LegendProps {
  series: TimeSeries[];
  plot: Plot;
  theme: Theme;
}

export function Legend({ series, plot, theme }: LegendProps) {
  const places = legendPlaces(series, plot.legendWidth);
  return (
    <g>
      {series.map(({ id, name, color, isHidden }, index) => {
        const { row, x } = places[index] ?? { row: 0, x: 0 };
        const middle = (row + 0.5) * LEGEND_ROW;
        return (
          <g key={id}>
            <rect
              x={x + 1}
              y={middle - 5}
              width={10}
              height={10}
              rx={3}
              fill={isHidden ? 'none' : color}
              stroke={color}
            />
            <text
              x={x + 16}
              y={middle + 4}
              fill={theme.muted}
              fontFamily={FONT}
              fontSize={12}
              {...(isHidden && { textDecoration: 'line-through' })}
            >
              {name}
            </text>
          </g>
        );
      })}
    </g>
  );
}

/** Limits that the axis reaches: a far limit must not make the picture flat. */
export function Limits({ limits, plot }: { limits: Limit[]; plot: Plot }) {
  const { from, to } = plot.valueScale;
  return limits
    .filter(({ at }) => at >= from && at <= to)
    .map(({ at, label, color }) => (
      <g key={`${at} ${label}`}>
        <line
          x1={plot.left}
          x2={plot.left + plot.width}
          y1={plot.y(at)}
          y2={plot.y(at)}
          stroke={color}
          strokeDasharray="5 4"
        />
        <text x={plot.left + 4} y={plot.y(at) - 4} fill={color} fontFamily={FONT} fontSize={11}>
          {label}
        </text>
      </g>
    ));
}
