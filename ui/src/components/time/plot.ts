// The measures of a picture over time: where a time and a value stand in pixels.
import { nearest, type Scale, timeScale, valueScale } from './scale';

export interface TimePoint {
  /** Wall-clock time in milliseconds as if it were UTC. */
  at: number;
  value: number;
  /** Its window still counts: the value will grow. */
  isOpen?: boolean;
  /** The colour of a threshold that the value has reached. */
  color?: string | undefined;
}

export interface TimeSeries {
  id: string;
  name: string;
  color: string;
  /** In the order of time. */
  points: TimePoint[];
  /** Drawn as a dashed line without points: something to compare with. */
  isDashed?: boolean;
  /** Named in the legend, but not drawn. */
  isHidden?: boolean;
}

export interface Limit {
  at: number;
  label: string;
  color: string;
}

export interface TimeData {
  series: TimeSeries[];
  /** Bars, on top of each other, in place of lines. */
  bars: boolean;
  limits: Limit[];
}

export interface Plot {
  left: number;
  top: number;
  width: number;
  bottom: number;
  /** Pixels that a row of the legend may be wide. */
  legendWidth: number;
  /** All times, ascending. */
  times: number[];
  timeScale: Scale;
  valueScale: Scale;
  x: (at: number) => number;
  y: (value: number) => number;
  timeAt: (x: number) => number;
  /** Width of a bar. */
  barWidth: number;
}

/** Height of a row of the legend: its names are buttons, and a finger must hit them. */
export const LEGEND_ROW = 24;
const RIGHT = 12;
const BELOW = 22;
/** Space that a label of a time needs, and one of a value. */
const [TIME_PX, VALUE_PX] = [78, 40];
const LETTER_PX = 7;
/** Space between two names of the legend. */
const GAP_PX = 6;
const BAR_MOST_PX = 26;

export function layOut(
  data: TimeData,
  { width, height }: { width: number; height: number },
  short: (value: number) => string,
): Plot {
  const times = [...new Set(data.series.flatMap(({ points }) => points.map(({ at }) => at)))].sort(
    (a, b) => a - b,
  );
  // The axis of times stays when a series is hidden; that of values suits what is drawn.
  const drawn = data.series.filter(({ isHidden }) => !isHidden);
  const values = data.bars
    ? stackedTops(drawn)
    : drawn.flatMap(({ points }) => points.map(({ value }) => value));
  const top = data.series.length > 1 ? LEGEND_ROW * legendRows(data.series, width) + 6 : 10;
  const bottom = Math.max(top + 1, height - BELOW);

  const ofValues = valueScale(values, Math.max(1, Math.min(5, (bottom - top) / VALUE_PX)));
  const longest = Math.max(...ofValues.ticks.map((tick) => short(tick).length));
  const left = Math.min(width / 3, 14 + LETTER_PX * longest);
  const inner = Math.max(1, width - left - RIGHT);

  const step = Math.min(...times.slice(1).map((at, place) => at - (times[place] ?? at)), Number.MAX_VALUE);
  const ofTimes = timeScale(times, inner / TIME_PX, data.bars && times.length > 1 ? step / 2 : 0);
  const perMs = inner / (ofTimes.to - ofTimes.from);
  const perValue = (bottom - top) / (ofValues.to - ofValues.from);
  return {
    left,
    top,
    width: inner,
    bottom,
    legendWidth: width,
    times,
    timeScale: ofTimes,
    valueScale: ofValues,
    x: (at) => left + (at - ofTimes.from) * perMs,
    y: (value) => bottom - (value - ofValues.from) * perValue,
    timeAt: (x) => ofTimes.from + (Math.min(Math.max(x, left), left + inner) - left) / perMs,
    barWidth: Math.max(1, Math.min(BAR_MOST_PX, times.length > 1 ? step * perMs * 0.75 : BAR_MOST_PX)),
  };
}

/** The points of a series at a time that another series has. */
export function pointAt({ points }: TimeSeries, at: number): TimePoint | undefined {
  const place = nearest(
    points.map((point) => point.at),
    at,
  );
  const point = points[place];
  return point?.at === at ? point : undefined;
}

export interface LegendPlace {
  row: number;
  /** Pixels from the left, and of the swatch and the name. */
  x: number;
  width: number;
}

/** Where the names of the legend stand. A name that is wider than the picture ends at its border. */
export function legendPlaces(series: readonly TimeSeries[], width: number): LegendPlace[] {
  let [row, x] = [0, 2];
  return series.map(({ name }) => {
    const length = 26 + LETTER_PX * name.length;
    if (x > 2 && x + length > width) [row, x] = [row + 1, 2];
    const place = { row, x, width: Math.max(0, Math.min(length - GAP_PX, width - x)) };
    x += length;
    return place;
  });
}

function legendRows(series: readonly TimeSeries[], width: number): number {
  return Math.max(...legendPlaces(series, width).map(({ row }) => row)) + 1;
}

/** The heights of all bars on top of each other; dashed lines stand for themselves. */
function stackedTops(series: readonly TimeSeries[]): number[] {
  const tops = new Map<number, number>();
  const alone: number[] = [];
  for (const { points, isDashed } of series) {
    for (const { at, value } of points) {
      if (isDashed) alone.push(value);
      else tops.set(at, (tops.get(at) ?? 0) + value);
    }
  }
  return [...tops.values(), ...alone];
}
