import { expect, test } from 'vitest';
import { NODE_WIDTH, pathOf, place } from './layout';

const boxes = ['a', 'b', 'c', 'd'].map((id) => ({ id, height: 100 }));
const edges = [
  { from: 'a', to: 'c', strategy: 'HASH' },
  { from: 'b', to: 'c', strategy: 'BROADCAST' },
  { from: 'c', to: 'd', strategy: 'FORWARD' },
];

test('vertices stand right of their inputs, and none covers another', () => {
  const { nodes, width, height } = place(boxes, edges);
  const at = (id: string) => nodes.get(id) ?? { x: Number.NaN, y: Number.NaN };
  for (const { from, to } of edges) expect(at(to).x).toBeGreaterThan(at(from).x + NODE_WIDTH);
  expect(Math.abs(at('a').y - at('b').y)).toBeGreaterThan(100);
  for (const { x, y } of nodes.values()) {
    expect(x).toBeGreaterThanOrEqual(0);
    expect(y).toBeGreaterThanOrEqual(0);
    expect(x + NODE_WIDTH).toBeLessThanOrEqual(width);
    expect(y + 100).toBeLessThanOrEqual(height);
  }
});

test('every edge has a line, with room for its label between the vertices', () => {
  const { nodes, edges: lines } = place(boxes, edges);
  expect(lines).toHaveLength(3);
  for (const { from, to, points, label } of lines) {
    expect(points.length).toBeGreaterThan(1);
    expect(label.x).toBeGreaterThan((nodes.get(from)?.x ?? 0) + NODE_WIDTH);
    expect(label.x).toBeLessThan(nodes.get(to)?.x ?? 0);
  }
});

test('one vertex alone is a graph', () => {
  const { nodes, width } = place([{ id: 'a', height: 80 }], []);
  expect(nodes.get('a')?.x).toBeGreaterThanOrEqual(0);
  expect(width).toBeGreaterThanOrEqual(NODE_WIDTH);
});

test('a line bends at its points', () => {
  const straight = [
    { x: 0, y: 0 },
    { x: 10, y: 0 },
  ];
  expect(pathOf(straight)).toBe('M0.0,0.0 L10.0,0.0');
  expect(pathOf([...straight, { x: 20, y: 10 }])).toBe('M0.0,0.0 Q10.0,0.0 20.0,10.0');
  expect(pathOf([])).toBe('');
});
