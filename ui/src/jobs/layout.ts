// Where the vertices of a graph stand, from left to right. The library is loaded with the first graph.
import { Graph, layout } from '@dagrejs/dagre';
import type { Edge } from './plan';

export const NODE_WIDTH = 250;
const CHARACTER_WIDTH = 7;

export interface Box {
  id: string;
  height: number;
}

export interface Placed {
  width: number;
  height: number;
  /** Left upper corner of each vertex. */
  nodes: Map<string, { x: number; y: number }>;
  edges: PlacedEdge[];
}

export interface PlacedEdge extends Edge {
  points: { x: number; y: number }[];
  /** Middle of the label. */
  label: { x: number; y: number };
}

export function place(boxes: Box[], edges: Edge[]): Placed {
  const graph = new Graph();
  graph.setGraph({ rankdir: 'LR', nodesep: 28, ranksep: 24, marginx: 6, marginy: 14 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { id, height } of boxes) graph.setNode(id, { width: NODE_WIDTH, height });
  for (const { from, to, strategy } of edges) {
    const width = strategy.length * CHARACTER_WIDTH + 20;
    graph.setEdge(from, to, { width, height: 22, labelpos: 'c' });
  }
  layout(graph);

  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  const nodes = boxes.map(({ id, height }) => {
    const { x, y } = graph.node(id) as { x: number; y: number };
    return [id, { x: x - NODE_WIDTH / 2, y: y - height / 2 }] as const;
  });
  return {
    width,
    height,
    nodes: new Map(nodes),
    edges: edges.map((edge) => {
      const { points, x, y } = graph.edge(edge.from, edge.to) as unknown as {
        points: { x: number; y: number }[];
        x: number;
        y: number;
      };
      return { ...edge, points, label: { x, y } };
    }),
  };
}

/** A line through points with round corners, as the path of an SVG. */
export function pathOf(points: { x: number; y: number }[]): string {
  const [first, ...rest] = points;
  if (!first) return '';
  const at = ({ x, y }: { x: number; y: number }) => `${x.toFixed(1)},${y.toFixed(1)}`;
  const middle = (a: { x: number; y: number }, b: { x: number; y: number }) => ({
    x: (a.x + b.x) / 2,
    y: (a.y + b.y) / 2,
  });
  const curves = rest.slice(0, -1).map((point, index) => {
    const next = rest[index + 1] ?? point;
    const end = index === rest.length - 2 ? next : middle(point, next);
    return `Q${at(point)} ${at(end)}`;
  });
  return `M${at(first)} ${curves.length > 0 ? curves.join(' ') : rest.map((point) => `L${at(point)}`).join(' ')}`;
}
