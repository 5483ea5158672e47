// Cells of two axes as colours, with a scale. The table behind it has the figures.
import { useRef } from 'react';
import type { Theme } from '../theme';
import { FONT } from './font';
import { useSize } from './size';

/** Height of the names below the cells, and of the scale below them. */
const BELOW = 50;
/** Cells of this size have room for their figure. */
const [ROOM_X, ROOM_Y] = [38, 18];
const SCALE = { width: 120, height: 8 };

export interface HeatCell {
  x: string;
  y: string;
  value: number;
}

interface HeatGridProps {
  xs: string[];
  ys: string[];
  cells: HeatCell[];
  theme: Theme;
  label: string;
  /** A value, in a cell and on the scale. */
  short: (value: number) => string;
  /** A value in full. */
  long: (value: number) => string;
}

export function HeatGrid({ xs, ys, cells, theme, label, short, long }: HeatGridProps) {
  const place = useRef<HTMLDivElement>(null);
  const { width, height } = useSize(place);
  const most = Math.max(1e-9, ...cells.map(({ value }) => value));

  const left = Math.min(width / 3, 20 + 7 * Math.max(0, ...ys.map((name) => name.length)));
  const [cellWidth, cellHeight] = [(width - left - 4) / xs.length, (height - BELOW - 4) / ys.length];
  const isRoomy = cellWidth >= ROOM_X && cellHeight >= ROOM_Y;
  // Names that would overlap are left out.
  const longest = 8 + 7 * Math.max(0, ...xs.map((name) => name.length));
  const each = Math.max(1, Math.ceil(longest / cellWidth));
  const text = { fill: theme.muted, fontFamily: FONT, fontSize: 12 };

  return (
    <div className="chart-canvas" role="img" aria-label={label} ref={place}>
      {width > 0 && height > BELOW && (
        <svg width={width} height={height} aria-hidden="true" xmlns="http://www.w3.org/2000/svg">
          {cells.map(({ x, y, value }) => {
            const [column, row] = [xs.indexOf(x), ys.indexOf(y)];
            const [cx, cy] = [left + column * cellWidth, 4 + row * cellHeight];
            const share = Math.max(0, value / most);
            return (
              <g key={`${y} ${x}`}>
                <rect
                  x={cx + 1}
                  y={cy + 1}
                  width={Math.max(cellWidth - 2, 1)}
                  height={Math.max(cellHeight - 2, 1)}
                  rx={3}
                  fill={mixed(theme.heatFrom, theme.accent, share)}
                >
                  <title>{`${y}, ${x}: ${long(value)}`}</title>
                </rect>
                {isRoomy && (
                  <text
                    {...text}
                    x={cx + cellWidth / 2}
                    y={cy + cellHeight / 2 + 4}
                    textAnchor="middle"
                    fill={share > theme.heatTurn ? theme.onAccent : theme.text}
                    pointerEvents="none"
                  >
                    {short(value)}
                  </text>
                )}
              </g>
            );
          })}
          {ys.map((name, row) => (
            <text key={name} {...text} x={left - 8} y={4 + (row + 0.5) * cellHeight + 4} textAnchor="end">
              {name.length * 7 > left ? `${name.slice(0, Math.max(1, Math.floor(left / 7) - 2))}…` : name}
            </text>
          ))}
          {xs.map((name, column) =>
            column % each === 0 ? (
              <text
                key={name}
                {...text}
                x={left + (column + 0.5) * cellWidth}
                y={height - BELOW + 18}
                textAnchor="middle"
              >
                {name}
              </text>
            ) : null,
          )}
          <Scale theme={theme} x={(width - SCALE.width) / 2} y={height - 14} least="0" most={short(most)} />
        </svg>
      )}
    </div>
  );
}

interface ScaleProps {
  theme: Theme;
  x: number;
  y: number;
  least: string;
  most: string;
}

/** What the colours mean. */
function Scale({ theme, x, y, least, most }: ScaleProps) {
  const text = { fill: theme.muted, fontFamily: FONT, fontSize: 12 };
  const steps = 24;
  const step = SCALE.width / steps;
  return (
    <g>
      <text {...text} x={x - 8} y={y + SCALE.height} textAnchor="end">
        {least}
      </text>
      {Array.from({ length: steps }, (_, at) => (
        <rect
          key={at}
          x={x + at * step}
          y={y}
          width={step + 0.5}
          height={SCALE.height}
          fill={mixed(theme.heatFrom, theme.accent, at / (steps - 1))}
        />
      ))}
      <text {...text} x={x + SCALE.width + 8} y={y + SCALE.height}>
        {most}
      </text>
    </g>
  );
}

/** A colour between two colours, each `#rrggbb`. */
export function mixed(from: string, to: string, share: number): string {
  const parts = (color: string) => [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
  const [a, b] = [parts(from), parts(to)];
  const channel = (index: number) =>
    Math.round((a[index] ?? 0) + ((b[index] ?? 0) - (a[index] ?? 0)) * Math.min(share, 1));
  return `#${[0, 1, 2].map((index) => channel(index).toString(16).padStart(2, '0')).join('')}`;
}
