// Chooses a period by dragging over a chart. The pointer still reaches the chart, which shows its figures meanwhile.
import type { EChartsType } from 'echarts/core';
import { type RefObject, useEffect, useRef, useState } from 'react';

interface RangeSelectionProps {
  chart: RefObject<EChartsType | null>;
  onRange: (from: number, to: number) => void;
}

/** A shorter way is a click. */
const LEAST_PX = 8;

export function RangeSelection({ chart, onRange }: RangeSelectionProps) {
  const marker = useRef<HTMLDivElement>(null);
  const [marked, setMarked] = useState<[number, number] | null>(null);
  const called = useRef(onRange);
  called.current = onRange;

  useEffect(() => {
    const figure = marker.current?.parentElement;
    if (!figure) return;
    let start: number | null = null;
    const place = (event: PointerEvent) => event.clientX - figure.getBoundingClientRect().left;

    const down = (event: PointerEvent) => {
      if (event.button === 0 && event.pointerType === 'mouse') start = place(event);
    };
    const move = (event: PointerEvent) => {
      if (start === null) return;
      const here = place(event);
      setMarked([Math.min(start, here), Math.max(start, here)]);
    };
    const up = (event: PointerEvent) => {
      if (start === null) return;
      const [left, right] = [Math.min(start, place(event)), Math.max(start, place(event))];
      start = null;
      setMarked(null);
      if (right - left < LEAST_PX) return;
      const [from, to] = [left, right].map((x) => chart.current?.convertFromPixel({ xAxisIndex: 0 }, x));
      if (typeof from === 'number' && typeof to === 'number' && from < to) called.current(from, to);
    };

    figure.addEventListener('pointerdown', down);
    window.addEventListener('pointermove', move);
    window.addEventListener('pointerup', up);
    return () => {
      figure.removeEventListener('pointerdown', down);
      window.removeEventListener('pointermove', move);
      window.removeEventListener('pointerup', up);
    };
  }, [chart]);

  const style = marked
    ? { insetInlineStart: marked[0], inlineSize: marked[1] - marked[0] }
    : { display: 'none' };
  return <div className="chart-selection" ref={marker} style={style} />;
}
