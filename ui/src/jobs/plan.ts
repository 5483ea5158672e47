// A job's graph as figures: vertices with what they do per second, and the vertex that slows the others down.
import { t } from '../i18n';
import { formatShare, watermarkOf } from './format';
import type { Aggregated, Job, Vertex } from './types';

/** A vertex is called backpressured from this share of its time on, as in Flink. */
export const BACKPRESSURED = 0.1;
/** From this share on, a vertex has no time left for more records. */
const SATURATED = 0.95;

/** What was measured of a vertex; null where there is no figure. */
export interface Load {
  /** Records per second, summed over the subtasks. */
  recordsIn: number | null;
  recordsOut: number | null;
  /** Shares of the time, 0-1, of the subtask with the highest share. */
  busy: number | null;
  backpressured: number | null;
  /** The lowest of the subtasks. */
  watermark: number | 'none' | 'end';
}

export const NO_LOAD: Load = {
  recordsIn: null,
  recordsOut: null,
  busy: null,
  backpressured: null,
  watermark: 'none',
};

export const LOAD_METRICS = [
  'numRecordsInPerSecond',
  'numRecordsOutPerSecond',
  'busyTimeMsPerSecond',
  'backPressuredTimeMsPerSecond',
  'currentInputWatermark',
  'currentOutputWatermark',
].join(',');

export function loadOf(aggregated: Aggregated[]): Load {
  const find = (id: string) => aggregated.find((metric) => metric.id === id);
  const share = (id: string) => {
    const most = find(id)?.max;
    return typeof most === 'number' ? Math.min(1, Math.max(0, most / 1_000)) : null;
  };
  return {
    recordsIn: find('numRecordsInPerSecond')?.sum ?? null,
    recordsOut: find('numRecordsOutPerSecond')?.sum ?? null,
    busy: share('busyTimeMsPerSecond'),
    backpressured: share('backPressuredTimeMsPerSecond'),
    // Flink's sources have only the second.
    watermark: watermarkOf((find('currentInputWatermark') ?? find('currentOutputWatermark'))?.min),
  };
}

export interface Edge {
  from: string;
  to: string;
  strategy: string;
}

/** Edges between vertices of the plan; two inputs of the same kind between the same vertices are one edge. */
export function edgesOf(job: Pick<Job, 'plan'>): Edge[] {
  const known = new Set(job.plan.nodes.map(({ id }) => id));
  const edges = new Map<string, Edge>();
  for (const { id: to, inputs } of job.plan.nodes) {
    for (const { id: from, ship_strategy: strategy } of inputs) {
      if (!known.has(from)) continue;
      const before = edges.get(`${from} ${to}`);
      if (!before) edges.set(`${from} ${to}`, { from, to, strategy });
      else if (!before.strategy.split(', ').includes(strategy)) before.strategy += `, ${strategy}`;
    }
  }
  return [...edges.values()];
}

export interface Bottleneck {
  id: string;
  /** Why, in one sentence. */
  why: string;
}

/**
 * The vertex that slows the job down: the busiest of those whose inputs are backpressured. If nothing is backpressured,
 * a vertex that is busy all the time works at its own limit.
 */
export function bottleneckOf(
  vertices: Pick<Vertex, 'id' | 'name'>[],
  edges: Edge[],
  loads: ReadonlyMap<string, Load>,
): Bottleneck | null {
  const load = (id: string) => loads.get(id) ?? NO_LOAD;
  const name = (id: string) => shortName(vertices.find((vertex) => vertex.id === id)?.name ?? id);
  const busiest = (ids: string[]) =>
    ids.reduce<string | null>(
      (best, id) => (best === null || (load(id).busy ?? 0) > (load(best).busy ?? 0) ? id : best),
      null,
    );

  const waiting = edges.filter(({ from }) => (load(from).backpressured ?? 0) >= BACKPRESSURED);
  // A vertex that waits for others more than it works only passes the pressure on.
  const working = waiting
    .map(({ to }) => to)
    .filter((id) => (load(id).busy ?? 0) > (load(id).backpressured ?? 0));
  const slow = busiest(working);
  if (slow !== null) {
    const feeders = waiting.filter(({ to }) => to === slow).map(({ from }) => from);
    const feeder = feeders.reduce((most, id) =>
      (load(id).backpressured ?? 0) > (load(most).backpressured ?? 0) ? id : most,
    );
    return {
      id: slow,
      why: t(
        '{{vertex}} is the bottleneck: it is busy {{busy}} of the time, and {{feeder}} waits {{waiting}} of the time to hand its records over.',
        {
          vertex: name(slow),
          busy: formatShare(load(slow).busy),
          feeder: name(feeder),
          waiting: formatShare(load(feeder).backpressured),
        },
      ),
    };
  }

  const full = busiest(vertices.map(({ id }) => id));
  if (full === null || (load(full).busy ?? 0) < SATURATED) return null;
  return {
    id: full,
    why: t(
      '{{vertex}} works at its limit: it is busy {{busy}} of the time, so more records would have to wait.',
      { vertex: name(full), busy: formatShare(load(full).busy) },
    ),
  };
}

/** The operators of a vertex, one a line; of several sinks only the first are named. */
export function operatorsOf(name: string): string[] {
  return name.split(' -> ').flatMap((part) => {
    const group = /^\((.*)\)$/.exec(part.trim())?.[1];
    if (group === undefined) return [part.trim()];
    const members = group.split(', ');
    if (members.length <= 2) return members;
    const sinks = members.filter((member) => member.startsWith('Sink: '));
    const firstOf = (names: string[]) => names.slice(0, 2).join(', ');
    if (sinks.length < members.length)
      return [t('{{first}} and {{more}} more', { first: firstOf(members), more: members.length - 2 })];
    const first = firstOf(sinks.map((sink) => sink.slice('Sink: '.length)));
    return [t('{{sinks}} sinks: {{first}}, …', { sinks: sinks.length, first })];
  });
}

/** The first operator of a vertex, which says what it does. */
export function shortName(name: string): string {
  return operatorsOf(name)[0] ?? name;
}

/** The lines of a plan's description, which is HTML. */
export function descriptionLines(html: string): string[] {
  const plain = (text: string) =>
    text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&');
  return html
    .split(/<br\s*\/?>/)
    .map((line) => plain(line.trim()))
    .filter((line) => line !== '');
}
