// One number over the whole period, its trend, and its change against the period before.
import { Sparkline } from '../../components/Sparkline';
import { formatValue } from '../../explore/cells';
import { useAnswer } from '../answer';
import { Change } from '../Change';
import type { ChartProps } from '../charts';
import { labelOf } from '../document';
import { Frame } from '../Frame';
import { reachedOf } from '../figures';
import { aggregateQuery, measureOf, unitOf } from '../queries';
import { classOf } from '../thresholds';
import { rangeBefore } from '../view';
import { sayMeasure } from '../words';

const POINTS = 1_000;

export default function NumberChart({ table, panel, view, asked }: ChartProps) {
  const measure = measureOf(table, panel);
  const question = { table, panel, view };
  const query = aggregateQuery(question, [], '', 1);
  const total = useAnswer(table, query, asked);

  const unit = unitOf(table, view);
  const trend = useAnswer(table, unit ? aggregateQuery(question, [unit], unit, POINTS) : null, asked);

  const earlier = rangeBefore(view);
  const before = useAnswer(
    table,
    earlier && aggregateQuery({ ...question, range: earlier }, [], '', 1),
    asked,
  );

  const value = total.rows?.[0]?.[measure.text];
  const reached = typeof value === 'number' ? reachedOf(value, panel.thresholds ?? []) : undefined;
  const points = (trend.rows ?? []).map((row) => {
    const point = row[measure.text];
    return typeof point === 'number' ? point : null;
  });

  return (
    <Frame
      panel={panel}
      table={table}
      about={sayMeasure(measure)}
      isLoading={total.rows === undefined}
      isEmpty={value === undefined || value === null}
      error={total.error}
      query={query}
    >
      <div className="board-number">
        <strong className={classOf(value, panel.thresholds)}>{formatValue(value, measure.name ?? '')}</strong>
        {reached && labelOf(reached) && (
          <span className={`board-reached ${classOf(value, panel.thresholds) ?? ''}`}>
            {labelOf(reached)}
          </span>
        )}
        {earlier && <Change now={value} before={before.rows?.[0]?.[measure.text]} />}
        <Sparkline values={points} />
      </div>
    </Frame>
  );
}
