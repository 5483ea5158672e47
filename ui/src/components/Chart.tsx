// A chart: hands its option to ECharts, keeps its size, and says in words what it shows.
import type { EChartsType } from 'echarts/core';
import { useEffect, useRef } from 'react';
import { prefersReducedMotion } from '../theme';
import { init } from './echarts';
import type { ChartOption } from './option';

interface ChartProps {
  option: ChartOption;
  /** One sentence for those who do not see the picture. */
  label: string;
  /** What it does not show. */
  note?: string | undefined;
}

export function Chart({ option, label, note }: ChartProps) {
  const element = useRef<HTMLDivElement>(null);
  const chart = useRef<EChartsType | null>(null);

  useEffect(() => {
    if (!element.current) return;
    const created = init(element.current, null, { renderer: 'svg' });
    chart.current = created;
    const observer = new ResizeObserver(() => created.resize());
    observer.observe(element.current);
    return () => {
      observer.disconnect();
      created.dispose();
      chart.current = null;
    };
  }, []);

  useEffect(() => {
    // Merging moves what is there to its new place; a chart drawn anew would flicker.
    chart.current?.setOption(
      {
        animation: !prefersReducedMotion.matches,
        animationDuration: 300,
        animationDurationUpdate: 300,
        ...option,
      },
      { notMerge: false, lazyUpdate: true },
    );
  }, [option]);

  return (
    <figure className="chart">
      <div className="chart-canvas" role="img" aria-label={note ? `${label} ${note}` : label} ref={element} />
    </figure>
  );
}
