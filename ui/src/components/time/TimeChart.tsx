// Numbers over time as lines or bars, in SVG: axes, a legend that hides and shows series, limits, the figures under
// the pointer, and a period by dragging.
import { type PointerEvent, useId, useMemo, useRef, useState } from 'react';
import type { Theme } from '../../theme';
import { hiddenAmong } from '../series/hidden';
import type { Switching } from '../series/switches';
import { useSize } from '../size';
import { Axes, Legend, Limits } from './Axes';
import { Bars, Lines } from './marks';
import { layOut, type TimeData } from './plot';
import { Switches } from './Switches';
import { nearest } from './scale';
import { Tip } from './Tip';

/** A shorter way of the pointer is a click. */
const LEAST_PX = 8;

interface TimeChartProps extends Switching {
  data: TimeData;
  theme: Theme;
  /** One sentence for those who do not see the picture. */
  label: string;
  /** A value in full, and as short as an axis needs it. */
  format: (value: number) => string;
  short: (value: number) => string;
  /** Called with the times between which the pointer was dragged. */
  onRange?: (from: number, to: number) => void;
}

export function TimeChart(props: TimeChartProps) {
  const { data: given, theme, label, format, short, onRange, hidden, onHidden } = props;
  const place = useRef<HTMLDivElement>(null);
  const size = useSize(place);
  const clip = useId();
  const all = useMemo(() => {
    const away = hiddenAmong(
      given.series.map(({ id }) => id),
      hidden,
    );
    return given.series.map((series) => ({ ...series, isHidden: away.has(series.id) }));
  }, [given, hidden]);
  const plot = useMemo(() => layOut({ ...given, series: all }, size, short), [given, all, size, short]);
  const data = useMemo(() => ({ ...given, series: all.filter(({ isHidden }) => !isHidden) }), [given, all]);
  const [hovered, setHovered] = useState<number | null>(null);
  const [drag, setDrag] = useState<{ from: number; to: number } | null>(null);

  const here = (event: PointerEvent) => event.clientX - (place.current?.getBoundingClientRect().left ?? 0);

  function down(event: PointerEvent) {
    if (!onRange || event.button !== 0 || event.pointerType !== 'mouse') return;
    event.currentTarget.setPointerCapture(event.pointerId);
    setDrag({ from: here(event), to: here(event) });
  }

  function move(event: PointerEvent) {
    setHovered(plot.times.length > 0 ? nearest(plot.times, plot.timeAt(here(event))) : null);
    if (drag) setDrag({ ...drag, to: here(event) });
  }

  function up() {
    if (!drag) return;
    const [left, right] = [Math.min(drag.from, drag.to), Math.max(drag.from, drag.to)];
    setDrag(null);
    if (right - left >= LEAST_PX) onRange?.(plot.timeAt(left), plot.timeAt(right));
  }

  const at = hovered === null ? undefined : plot.times[hovered];
  return (
    <div className="chart-canvas time-chart">
      <div
        className="time-picture"
        role="img"
        aria-label={label}
        ref={place}
        onPointerDown={down}
        onPointerMove={move}
        onPointerUp={up}
        onPointerLeave={() => setHovered(null)}
      >
        {size.width > 0 && size.height > 0 && (
          <svg width={size.width} height={size.height} aria-hidden="true" xmlns="http://www.w3.org/2000/svg">
            <clipPath id={clip}>
              <rect x={plot.left} y={0} width={plot.width + 6} height={plot.bottom + 2} />
            </clipPath>
            <Axes plot={plot} theme={theme} short={short} />
            {all.length > 1 && <Legend series={all} plot={plot} theme={theme} />}
            <g clipPath={`url(#${clip})`}>
              {at !== undefined && (
                <line
                  x1={plot.x(at)}
                  x2={plot.x(at)}
                  y1={plot.top}
                  y2={plot.bottom}
                  stroke={theme.muted}
                  opacity={0.5}
                />
              )}
              {data.bars ? <Bars data={data} plot={plot} /> : <Lines data={data} plot={plot} theme={theme} />}
              <Limits limits={data.limits} plot={plot} />
            </g>
          </svg>
        )}
        {drag && Math.abs(drag.to - drag.from) >= LEAST_PX && (
          <div
            className="chart-selection"
            style={{
              insetInlineStart: Math.min(drag.from, drag.to),
              inlineSize: Math.abs(drag.to - drag.from),
            }}
          />
        )}
        {at !== undefined && !drag && <Tip at={at} data={data} plot={plot} format={format} />}
      </div>
      {all.length > 1 && <Switches series={all} plot={plot} hidden={hidden} onHidden={onHidden} />}
    </div>
  );
}
