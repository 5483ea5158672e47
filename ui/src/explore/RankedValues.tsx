// The greatest values of a dimension. A click on a value shows only its rows, everywhere on the page.
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Panel } from '../components/Panel';
import { fetchRows, type Table } from './api';
import { without } from './Controls';
import { formatValue } from './cells';
import { aggregateOf, isValue, RANKS, rankedQuery, type Search } from './plan';

interface RankedValuesProps {
  table: Table;
  search: Search;
  dimension: string;
  asked: number;
  onChange: (changed: Partial<Search>) => void;
}

export function RankedValues({ table, search, dimension, asked, onChange }: RankedValuesProps) {
  const query = rankedQuery(table, search, dimension, RANKS);
  const { text: aggregate, number } = aggregateOf(table, search);
  const { data, error } = useQuery({
    queryKey: ['ranked', table.name, query.toString(), asked],
    queryFn: ({ signal }) => fetchRows(table.name, query, signal),
    placeholderData: keepPreviousData,
  });
  const rows = data?.rows ?? [];
  const most = Math.max(...rows.map((row) => Math.abs(Number(row[aggregate]))), 0);
  const chosen = search.only?.[dimension];

  function choose(value: unknown) {
    if (value === chosen) onChange({ only: without(search.only, dimension) });
    else if (isValue(value)) onChange({ only: { ...search.only, [dimension]: value } });
  }

  return (
    <Panel title={dimension} range={aggregate} area="ranked" rows={error ? [error] : data?.rows}>
      {error && <p role="alert">{error.message}</p>}
      <ol className="ranked explore-ranked">
        {rows.map((row) => {
          const value = row[dimension];
          return (
            <li key={String(value)}>
              <span
                className="ranked-bar"
                style={{ inlineSize: `${most > 0 ? (Math.abs(Number(row[aggregate])) / most) * 100 : 0}%` }}
              />
              <button
                type="button"
                className="ranked-text"
                aria-pressed={value === chosen}
                disabled={value === null}
                title={String(value)}
                onClick={() => choose(value)}
              >
                {value === null ? 'null' : String(value) || '(empty)'}
              </button>
              <span className="ranked-count">{formatValue(row[aggregate], number ?? '')}</span>
            </li>
          );
        })}
      </ol>
    </Panel>
  );
}
