// Records per second of a job, from the counts that its figures hold.

/** Counts further back say nothing about the present. */
const WINDOW_MS = 15_000;

interface Sample {
  at: number;
  count: number;
}

/** Measures how fast a count grows, over the samples of the last seconds. */
export class RateMeter {
  #samples: Sample[] = [];

  /** Adds a count; returns its growth per second, or null while one sample alone is known. */
  add(at: number, count: number): number | null {
    // A job that resumes from a checkpoint counts from there.
    if (count < (this.#samples.at(-1)?.count ?? 0)) this.#samples = [];
    this.#samples = [...this.#samples.filter((sample) => sample.at >= at - WINDOW_MS), { at, count }];
    const [first] = this.#samples;
    return !first || first.at === at ? null : ((count - first.count) / (at - first.at)) * 1_000;
  }
}
