// The greatest values of a column, each with a bar. A click on a value shows only its rows, in all panels that can.
import { formatValue } from '../../explore/cells';
import { isValue, RANKS } from '../../explore/plan';
import { t } from '../../i18n';
import { useAnswer } from '../answer';
import { Change } from '../Change';
import type { ChartProps } from '../charts';
import { Frame } from '../Frame';
import { aggregateQuery, among, byOf, measureOf } from '../queries';
import { classOf } from '../thresholds';
import { rangeBefore } from '../view';
import { sayFigures } from '../words';

export default function BarsChart({ table, panel, view, asked, onView }: ChartProps) {
  const by = byOf(table, panel)[0];
  const measure = measureOf(table, panel);
  const question = { table, panel, view, except: by };
  // Hours and years have an order of their own.
  const order = panel.options?.inOrder === true ? (by ?? '') : `-${measure.text}`;
  const query = by ? aggregateQuery(question, [by], order, panel.limit ?? RANKS) : null;
  const answer = useAnswer(table, query, asked);
  const rows = answer.rows ?? [];

  const values = by ? rows.map((row) => row[by]).filter(isValue) : [];
  const earlier = view.compare ? rangeBefore(view) : null;
  const beforeQuery =
    by && earlier && values.length > 0
      ? aggregateQuery({ ...question, range: earlier, also: among(by, values) }, [by], '', values.length)
      : null;
  const before = useAnswer(table, beforeQuery, asked);
  const beforeOf = (value: unknown) => before.rows?.find((row) => by && row[by] === value)?.[measure.text];

  const most = Math.max(...rows.map((row) => Math.abs(Number(row[measure.text]))), 0);
  const chosen = by ? view.only?.[by] : undefined;

  function choose(value: unknown) {
    if (!by || !isValue(value)) return;
    const { [by]: _, ...others } = view.only ?? {};
    const only = value === chosen ? others : { ...others, [by]: value };
    onView({ only: Object.keys(only).length > 0 ? only : undefined });
  }

  return (
    <Frame
      panel={panel}
      table={table}
      about={sayFigures(measure, null, by ? [by] : [])}
      isLoading={by !== undefined && answer.rows === undefined}
      isEmpty={rows.length === 0}
      error={answer.error ?? (by ? null : new Error(t('Choose the column whose values have bars (`by`).')))}
      query={query}
    >
      <ol className="board-bars">
        {rows.map((row) => {
          const value = by ? row[by] : null;
          const share = most > 0 ? Math.abs(Number(row[measure.text])) / most : 0;
          return (
            <li key={String(value)}>
              <span className="ranked-bar" style={{ inlineSize: `${share * 100}%` }} />
              <button
                type="button"
                className="ranked-text"
                aria-pressed={value === chosen}
                disabled={!isValue(value)}
                title={String(value)}
                onClick={() => choose(value)}
              >
                {value === null ? t('unknown') : String(value) || t('(empty)')}
              </button>
              <span className={`ranked-count ${classOf(row[measure.text], panel.thresholds) ?? ''}`}>
                {formatValue(row[measure.text], measure.name ?? '')}
              </span>
              {beforeQuery && <Change now={row[measure.text]} before={beforeOf(value)} />}
            </li>
          );
        })}
      </ol>
    </Frame>
  );
}
