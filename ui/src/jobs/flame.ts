// A flame graph as rows of frames: each frame lies above its callers, as wide as its share of the samples.

export interface Flame {
  name: string;
  /** Number of samples in the frame and in those that it calls. */
  value: number;
  children: Flame[];
}

/** `/jobs/{job}/vertices/{vertex}/flamegraph`; `endTimestamp` is -1 while the threads are being sampled. */
export interface FlameGraph {
  endTimestamp: number;
  data?: Flame;
}

export interface Frame {
  /** The names from the root to this frame. */
  path: string;
  name: string;
  depth: number;
  /** Parts of the whole width, from 0 to 1. */
  left: number;
  share: number;
}

/** All frames from the root on, each before those that it calls. */
export function framesOf(root: Flame): Frame[] {
  if (root.value === 0) return [];
  const frames: Frame[] = [];
  const add = (flame: Flame, path: string, depth: number, before: number) => {
    const own = `${path}/${flame.name}`;
    frames.push({
      path: own,
      name: flame.name,
      depth,
      left: before / root.value,
      share: flame.value / root.value,
    });
    let next = before;
    for (const child of flame.children) {
      add(child, own, depth + 1, next);
      next += child.value;
    }
  };
  add(root, '', 0, 0);
  return frames;
}
