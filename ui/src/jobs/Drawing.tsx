// What drawings of graphs have in common: the lines between nodes, and the scale.
import { useEffect, useRef, useState } from 'react';
import { type Placed, pathOf } from './layout';

/** Smaller than this, text is not readable: the drawing scrolls instead. */
const SCALE_MIN = 0.8;

/** The scale at which a drawing fits into its frame. */
export function useScale(width: number) {
  const frame = useRef<HTMLElement>(null);
  const [room, setRoom] = useState(Number.POSITIVE_INFINITY);

  useEffect(() => {
    if (!frame.current) return;
    const observer = new ResizeObserver(([entry]) => setRoom(entry?.contentRect.width ?? 0));
    observer.observe(frame.current);
    return () => observer.disconnect();
  }, []);

  return [frame, Math.max(SCALE_MIN, Math.min(1, room / width))] as const;
}

interface LinesProps {
  placed: Placed;
  /** Whether rows wait at the beginning of the lines from a node. */
  isWaiting: (from: string) => boolean;
}

export function Lines({ placed, isWaiting }: LinesProps) {
  return (
    <svg width={placed.width} height={placed.height} aria-hidden="true">
      <defs>
        <marker
          id="arrow"
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerWidth="10"
          markerHeight="10"
          markerUnits="userSpaceOnUse"
          orient="auto"
        >
          <path className="jobs-arrow" d="M0 0 8 4 0 8z" />
        </marker>
      </defs>
      {placed.edges.map(({ from, to, strategy, points, label }) => (
        <g key={`${from} ${to}`} className={isWaiting(from) ? 'jobs-edge jobs-edge-waiting' : 'jobs-edge'}>
          <path d={pathOf(points)} markerEnd="url(#arrow)" />
          <text x={label.x} y={label.y - 5} textAnchor="middle">
            {strategy}
          </text>
        </g>
      ))}
    </svg>
  );
}
