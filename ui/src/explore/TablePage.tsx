// A table: its numbers over time, the greatest values of its dimensions, and its rows as they change. What is chosen is
// in the address.
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { Pin } from '../dashboards/Pin';
import { t } from '../i18n';
import { fetchRows, type Table } from './api';
import { Controls } from './Controls';
import { LiveTable } from './LiveTable';
import { useLiveRows } from './live';
import {
  columnsOf,
  conditionsOf,
  dimensionsOf,
  isValue,
  LINES,
  rankedQuery,
  type Search,
  seriesQuery,
} from './plan';
import { RankedValues } from './RankedValues';
import { TimeSeries } from './TimeSeries';
import { useTables } from './tables';

const tableRoute = getRouteApi('/explore/$table');

/** The least time between two questions for the drawings, while rows change. */
const REFRESH_MS = 2_000;
/** Without changes, the period of the drawings moves on at this pace. */
const IDLE_MS = 30_000;

export function TablePage() {
  const { table: name } = tableRoute.useParams();
  const { data, error } = useTables();
  const table = data?.tables.find((table) => table.name === name);

  useEffect(() => {
    document.title = `${name} · Weir`;
  }, [name]);

  if (error)
    return <p className="explore-note">{t('The tables cannot be read: {{why}}', { why: error.message })}</p>;
  if (!data) return <p className="explore-note">{t('Loading…')}</p>;
  if (!table) {
    return (
      <p className="explore-note">
        {t('There is no result table {{table}}. It appears when a job that declares it starts.', {
          table: name,
        })}{' '}
        <Link to="/explore/" className="explore-note-link">
          {t('All tables')}
        </Link>
      </p>
    );
  }
  return <Explored key={name} table={table} />;
}

function Explored({ table }: { table: Table }) {
  const search = tableRoute.useSearch();
  const navigate = tableRoute.useNavigate();
  const change = (changed: Partial<Search>) =>
    void navigate({ search: (before) => ({ ...before, ...changed }), replace: true });

  const live = useLiveRows(table.name, conditionsOf(search));
  const asked = usePace(live.revision);
  const dimensions = dimensionsOf(table);
  const by = dimensions.find(({ name }) => name === search.by)?.name;
  const view = { ...search, by };

  return (
    <>
      <div className="explore-title">
        <h1>{table.name}</h1>
        <span className="explore-job">
          {table.job}
          {table.queries.length > 0 && ` · ${table.queries.join(', ')}`}
        </span>
        <Pin table={table} search={view} />
      </div>
      <Controls table={table} search={view} dimensions={dimensions} error={live.error} onChange={change} />
      {live.error === null && (
        <div className="explore-panels">
          <Series table={table} search={view} asked={asked} onChange={change} />
          {dimensions.map(({ name }) => (
            <RankedValues
              key={name}
              table={table}
              search={view}
              dimension={name}
              asked={asked}
              onChange={change}
            />
          ))}
          <LiveTable table={table} live={live} />
        </div>
      )}
    </>
  );
}

interface SeriesProps {
  table: Table;
  search: Search;
  asked: number;
  onChange: (changed: Partial<Search>) => void;
}

function Series({ table, search, asked, onChange }: SeriesProps) {
  const { by } = search;
  // With a line for each value, first the values that have lines.
  const values = useQuery({
    queryKey: ['values', table.name, by && rankedQuery(table, search, by, LINES).toString(), asked],
    queryFn: async ({ signal }) => {
      const { rows } = await fetchRows(table.name, rankedQuery(table, search, by ?? '', LINES), signal);
      return rows.map((row) => row[by ?? '']).filter(isValue);
    },
    enabled: by !== undefined,
    placeholderData: keepPreviousData,
  });
  const lines = by === undefined ? null : (values.data ?? null);
  const query = by !== undefined && lines === null ? null : seriesQuery(table, search, lines);
  const { data, error } = useQuery({
    queryKey: ['series', table.name, query?.toString(), asked],
    queryFn: ({ signal }) => fetchRows(table.name, query ?? new URLSearchParams(), signal),
    enabled: query !== null && (lines === null || lines.length > 0),
    // Rows of hours cannot stand in for those of days.
    placeholderData: (before, asked) =>
      asked && columnsOf(String(asked.queryKey[2])) === columnsOf(query?.toString() ?? '')
        ? before
        : undefined,
  });
  return (
    <TimeSeries
      table={table}
      search={search}
      rows={data?.rows ?? null}
      lines={lines}
      error={error}
      onChange={onChange}
    />
  );
}

/** A number that grows when rows have changed, but not faster than the drawings should ask. */
function usePace(revision: number): number {
  const [asked, setAsked] = useState(0);
  const newest = useRef(revision);
  newest.current = revision;

  useEffect(() => {
    let [known, waited] = [newest.current, 0];
    const timer = setInterval(() => {
      waited += REFRESH_MS;
      if (newest.current === known && waited < IDLE_MS) return;
      [known, waited] = [newest.current, 0];
      setAsked((before) => before + 1);
    }, REFRESH_MS);
    return () => clearInterval(timer);
  }, []);

  return asked;
}
