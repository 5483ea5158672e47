// The drawing of a plan, with the layout that graphs of jobs have.
import { useMemo } from 'react';
import { t } from '../../i18n';
import { Lines, useScale } from '../Drawing';
import { NODE_WIDTH, place } from '../layout';
import type { Explained } from './types';

/** Heights of what a node shows; styles/sql.css has the same. */
const LINE = 20;
const FRAME = 22;
/** Longer details are cut: the text below has them all. */
const LINES_MAX = 3;

export default function PlanDrawing({ plan }: { plan: Explained }) {
  const placed = useMemo(() => {
    const boxes = plan.nodes.map(({ id, lines }) => ({
      id,
      height: FRAME + (1 + Math.min(lines.length, LINES_MAX)) * LINE,
    }));
    return place(
      boxes,
      plan.edges.map(({ from, to, changes }) => ({ from, to, strategy: changes })),
    );
  }, [plan]);
  const [frame, scale] = useScale(placed.width);

  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard.
    <section className="jobs-graph" aria-label={t('Graph of the plan')} tabIndex={0} ref={frame}>
      <div style={{ inlineSize: placed.width * scale, blockSize: placed.height * scale }}>
        <div
          className="jobs-graph-canvas"
          style={{ inlineSize: placed.width, blockSize: placed.height, transform: `scale(${scale})` }}
        >
          <Lines placed={placed} isWaiting={() => false} />
          {plan.nodes.map(({ id, name, lines }) => {
            const { x, y } = placed.nodes.get(id) ?? { x: 0, y: 0 };
            return (
              <div
                key={id}
                className="jobs-vertex sql-node"
                style={{ insetInlineStart: x, insetBlockStart: y, inlineSize: NODE_WIDTH }}
                title={[name, ...lines].join('\n')}
              >
                <span className="jobs-vertex-name">{name}</span>
                {lines.slice(0, LINES_MAX).map((line) => (
                  <span key={line} className="jobs-vertex-more">
                    {line}
                  </span>
                ))}
              </div>
            );
          })}
        </div>
      </div>
    </section>
  );
}
