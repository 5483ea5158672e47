// Groups as a table that can be searched and sorted: the columns of `by`, and the numbers of the table.
import { useState } from 'react';
import { Sparkline } from '../../components/Sparkline';
import type { Row } from '../../explore/api';
import { formatValue } from '../../explore/cells';
import { combinationOf, isValue, numbersOf } from '../../explore/plan';
import { t } from '../../i18n';
import { useAnswer } from '../answer';
import type { ChartProps } from '../charts';
import { Frame } from '../Frame';
import { aggregateQuery, among, byOf, measureOf, unitOf } from '../queries';

const ROWS = 200;
/** Rows that have a trend, and points of all trends. */
const TRENDS = 50;
const POINTS = 20_000;
/** Numbers beside the panel's own. */
const NUMBERS = 3;

export default function TableChart({ table, panel, view, asked, onView }: ChartProps) {
  const by = byOf(table, panel);
  const measure = measureOf(table, panel);
  const [sought, setSought] = useState('');
  const [order, setOrder] = useState<{ column: string; descending: boolean } | null>(null);

  const others = numbersOf(table)
    // An average of averages is not shown unless the document names its weights.
    .filter(({ name }) => name !== measure.name && combinationOf(name) !== 'avg')
    .slice(0, NUMBERS)
    .map(({ name }) => ({ text: `${combinationOf(name)}(${name})`, name }));
  const measures = [{ text: measure.text, name: measure.name ?? '' }, ...others];

  const sorted = order ?? { column: measure.text, descending: true };
  const sign = sorted.descending ? '-' : '';
  const query = aggregateQuery({ table, panel, view }, by, `${sign}${sorted.column}`, panel.limit ?? ROWS);
  query.set('aggregate', measures.map(({ text }) => text).join(','));
  const answer = useAnswer(table, query, asked);

  const trends = useTrends({ table, panel, view, asked, rows: answer.rows });

  const label = t('Rows of {{title}}', { title: panel.title });
  const words = sought.trim().toLowerCase();
  const rows = (answer.rows ?? []).filter((row) =>
    by.some((name) => String(row[name]).toLowerCase().includes(words)),
  );
  const columns = [
    ...by.map((name) => ({ text: name, name, isNumber: false })),
    ...measures.map((of) => ({ ...of, isNumber: true })),
  ];

  function sort(column: string, isNumber: boolean) {
    const descending = sorted.column === column ? !sorted.descending : isNumber;
    setOrder({ column, descending });
  }

  return (
    <Frame
      panel={panel}
      table={table}
      about={by.length > 0 ? `by ${by.join(', ')}` : t('all rows')}
      isLoading={answer.rows === undefined}
      isEmpty={answer.rows?.length === 0}
      error={answer.error ?? (by.length > 0 ? null : new Error(t('Choose the columns of the table (`by`).')))}
      query={query}
    >
      <input
        type="search"
        className="board-search"
        aria-label={t('Search {{title}}', { title: panel.title })}
        placeholder={t('Search')}
        value={sought}
        onChange={(event) => setSought(event.target.value)}
      />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard. */}
      <section className="explore-rows" aria-label={label} tabIndex={0}>
        <table>
          <thead>
            <tr>
              {columns.map(({ text, isNumber }) => (
                <th
                  key={text}
                  scope="col"
                  className={isNumber ? 'number' : undefined}
                  aria-sort={sorted.column !== text ? 'none' : sorted.descending ? 'descending' : 'ascending'}
                >
                  <button type="button" onClick={() => sort(text, isNumber)}>
                    {text}
                    <span aria-hidden="true">
                      {sorted.column === text ? (sorted.descending ? ' ↓' : ' ↑') : ''}
                    </span>
                  </button>
                </th>
              ))}
              {trends && <th scope="col">{t('trend')}</th>}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={by.map((name) => String(row[name])).join(' / ')}>
                {columns.map(({ text, name, isNumber }) => (
                  <td key={text} className={isNumber ? 'number' : undefined}>
                    {!isNumber && isValue(row[text]) ? (
                      <Choosable
                        value={row[text]}
                        isChosen={view.only?.[text] === row[text]}
                        onChoose={(value) => onView({ only: { ...view.only, [text]: value } })}
                      />
                    ) : (
                      formatValue(row[text], name)
                    )}
                  </td>
                ))}
                {trends && (
                  <td className="table-trend">
                    <Sparkline values={trends.get(String(row[by[0] ?? ''])) ?? []} floor={0} />
                  </td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
        {rows.length === 0 && words && (
          <p className="panel-nothing">{t('Nothing contains “{{sought}}”.', { sought })}</p>
        )}
      </section>
    </Frame>
  );
}

interface TrendsProps extends Pick<ChartProps, 'table' | 'panel' | 'view' | 'asked'> {
  rows: Row[] | undefined;
}

/** With `"options": {"trend": true}`, the number over time of each value of the only column; null: there are no trends. */
function useTrends({ table, panel, view, asked, rows }: TrendsProps): Map<string, (number | null)[]> | null {
  const columns = byOf(table, panel);
  const unit = unitOf(table, view);
  const by = panel.options?.trend === true && columns.length === 1 ? columns[0] : undefined;
  const values = by
    ? (rows ?? [])
        .slice(0, TRENDS)
        .map((row) => row[by])
        .filter(isValue)
    : [];
  const query =
    by && unit && values.length > 0
      ? aggregateQuery({ table, panel, view, also: among(by, values) }, [unit, by], unit, POINTS)
      : null;
  const answer = useAnswer(table, query, asked);
  if (!by || !unit) return null;

  // All trends have the same times; a value without a row at a time has none of its number.
  const times = [...new Set((answer.rows ?? []).map((row) => String(row[unit])))];
  const { text } = measureOf(table, panel);
  const trends = new Map<string, (number | null)[]>();
  for (const row of answer.rows ?? []) {
    const value = String(row[by]);
    const trend = trends.get(value) ?? times.map(() => 0);
    trend[times.indexOf(String(row[unit]))] = Number(row[text]);
    trends.set(value, trend);
  }
  return trends;
}

interface ChoosableProps {
  value: string | number | boolean;
  isChosen: boolean;
  onChoose: (value: string | number | boolean) => void;
}

/** A value that a click chooses for all panels. */
function Choosable({ value, isChosen, onChoose }: ChoosableProps) {
  return (
    <button type="button" className="board-value" aria-pressed={isChosen} onClick={() => onChoose(value)}>
      {String(value) || t('(empty)')}
    </button>
  );
}
