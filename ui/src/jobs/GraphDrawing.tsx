// The drawing of a graph. Vertices are links, so that they can be reached by keyboard; lines are SVG behind them.
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import { formatCount } from '../format/number';
import { t } from '../i18n';
import { Lines, useScale } from './Drawing';
import { formatRate, formatShare } from './format';
import { type GraphProps, watermarkText } from './GraphTab';
import { NODE_WIDTH, place } from './layout';
import { BACKPRESSURED, type Bottleneck, type Load, operatorsOf } from './plan';
import type { Vertex } from './types';

/** Heights of what a vertex shows; styles/graph.css has the same. */
const LINE = 20;
const FRAME = 22;
const FIGURE_LINES = 4;
const BAR = 16;
const NAMES_MAX = 4;

export default function GraphDrawing({ job, edges, loads, bottleneck, selected }: GraphProps) {
  // The places depend on the plan only, which does not change while a job runs.
  const shape = JSON.stringify([job.vertices.map(({ id, name }) => [id, namesOf(name).length]), edges]);
  const placed = useMemo(() => {
    const [boxes, lines] = JSON.parse(shape) as [[string, number][], typeof edges];
    const height = (names: number) => FRAME + (names + FIGURE_LINES) * LINE + BAR;
    return place(
      boxes.map(([id, names]) => ({ id, height: height(names) })),
      lines,
    );
  }, [shape]);
  const [frame, scale] = useScale(placed.width);

  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard.
    <section className="jobs-graph" aria-label={t('Graph')} tabIndex={0} ref={frame}>
      <div style={{ inlineSize: placed.width * scale, blockSize: placed.height * scale }}>
        <div
          className="jobs-graph-canvas"
          style={{ inlineSize: placed.width, blockSize: placed.height, transform: `scale(${scale})` }}
        >
          <Lines
            placed={placed}
            isWaiting={(vertex) => (loads.get(vertex)?.backpressured ?? 0) >= BACKPRESSURED}
          />
          {job.vertices.map((vertex) => (
            <Node
              key={vertex.id}
              vertex={vertex}
              load={loads.get(vertex.id)}
              bottleneck={bottleneck}
              isSelected={vertex.id === selected}
              place={placed.nodes.get(vertex.id) ?? { x: 0, y: 0 }}
            />
          ))}
        </div>
      </div>
    </section>
  );
}

interface NodeProps {
  vertex: Vertex;
  load: Load | undefined;
  bottleneck: Bottleneck | null;
  isSelected: boolean;
  place: { x: number; y: number };
}

function Node({ vertex, load, bottleneck, isSelected, place }: NodeProps) {
  const isSlow = bottleneck?.id === vertex.id;
  const classes = ['jobs-vertex', isSlow && 'jobs-vertex-slow', isSelected && 'jobs-vertex-selected'];
  return (
    <Link
      to="."
      search={isSelected ? {} : { vertex: vertex.id }}
      className={classes.filter(Boolean).join(' ')}
      aria-current={isSelected ? 'true' : undefined}
      style={{ insetInlineStart: place.x, insetBlockStart: place.y, inlineSize: NODE_WIDTH }}
      title={vertex.name}
      resetScroll={false}
    >
      {isSlow && <span className="jobs-tag">{t('Bottleneck')}</span>}
      {namesOf(vertex.name).map((name, index) => (
        <span key={name} className={index === 0 ? 'jobs-vertex-name' : 'jobs-vertex-more'}>
          {name}
        </span>
      ))}
      <span className="jobs-vertex-bar" aria-hidden="true">
        <span className="jobs-bar-busy" style={{ inlineSize: `${(load?.busy ?? 0) * 100}%` }} />
        <span className="jobs-bar-waiting" style={{ inlineSize: `${(load?.backpressured ?? 0) * 100}%` }} />
      </span>
      {load ? (
        <>
          <Figure name={t('Busy')} figure={formatShare(load.busy)} />
          <Figure name={t('Backpressured')} figure={formatShare(load.backpressured)} />
          <Figure
            name={t('In, out')}
            figure={`${formatRate(load.recordsIn)}, ${formatRate(load.recordsOut)}`}
          />
          <Figure
            name={t('×{{parallelism}} · Watermark', { parallelism: vertex.parallelism })}
            figure={watermarkText(load)}
          />
        </>
      ) : (
        <>
          <Figure name={t('State')} figure={vertex.status} />
          <Figure name={t('Records in')} figure={formatCount(Number(vertex.metrics['read-records']))} />
          <Figure name={t('Records out')} figure={formatCount(Number(vertex.metrics['write-records']))} />
          <Figure name={t('Parallelism')} figure={String(vertex.parallelism)} />
        </>
      )}
    </Link>
  );
}

function Figure({ name, figure }: { name: string; figure: string }) {
  return (
    <span className="jobs-vertex-figure">
      <span>{name} </span>
      <span>{figure}</span>
    </span>
  );
}

function namesOf(name: string): string[] {
  const operators = operatorsOf(name);
  if (operators.length <= NAMES_MAX) return operators;
  const more = operators.length - NAMES_MAX + 1;
  return [...operators.slice(0, NAMES_MAX - 1), t('and {{more}} more operators', { more })];
}
