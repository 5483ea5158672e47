// All result tables, with what they hold and how fresh they are.
import { Link } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { formatCompact } from '../format/number';
import { t } from '../i18n';
import type { Table } from './api';
import { formatAgo } from './cells';
import { dimensionsOf, numbersOf } from './plan';
import { useTables } from './tables';

export function TableList() {
  const { data, error } = useTables();
  const [sought, setSought] = useState('');

  useEffect(() => {
    document.title = `${t('Result tables')} · Weir`;
  }, []);

  if (error)
    return <p className="explore-note">{t('The tables cannot be read: {{why}}', { why: error.message })}</p>;
  if (!data) return <p className="explore-note">{t('Loading…')}</p>;

  const isSought = (table: Table) =>
    `${table.name} ${table.job} ${table.columns.map(({ name }) => name).join(' ')}`
      .toLowerCase()
      .includes(sought.trim().toLowerCase());
  const tables = data.tables.filter(isSought);

  return (
    <>
      <div className="explore-title">
        <h1>{t('Result tables')}</h1>
        <input
          type="search"
          aria-label={t('Search tables, jobs and columns')}
          placeholder={t('Search tables, jobs and columns')}
          value={sought}
          onChange={(event) => setSought(event.target.value)}
        />
      </div>
      {data.tables.length === 0 && <NoTables />}
      {data.tables.length > 0 && tables.length === 0 && (
        <p className="explore-note">{t('No table, job or column contains “{{sought}}”.', { sought })}</p>
      )}
      <ul className="explore-tables">
        {tables.map((table) => (
          <li key={table.name}>
            <Link
              className="explore-card"
              to="/explore/$table"
              params={{ table: table.name }}
              search={{ period: '1h' }}
            >
              <strong>{table.name}</strong>
              <span className="explore-job">{table.job}</span>
              <span>{contents(table)}</span>
              <span className="explore-figures">
                {t('{{rows}} rows', { rows: formatCompact(table.rows) })} ·{' '}
                {table.updated
                  ? t('written {{ago}}', { ago: formatAgo(table.updated) })
                  : t('not written since the start')}
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </>
  );
}

/** The numbers of a table and by what they are given: `query_count, unique_users by faculty`. */
function contents(table: Table): string {
  const names = (columns: { name: string }[]) => columns.map(({ name }) => name).join(', ');
  const by = names(dimensionsOf(table));
  return [names(numbersOf(table)) || t('rows'), by && t('by {{columns}}', { columns: by })]
    .filter(Boolean)
    .join(' ');
}

function NoTables() {
  return (
    <p className="explore-note">
      {t(
        "There are no result tables yet. A job declares one with 'connector' = 'redis'; start it with weir run JOB.sql, and its table appears here.",
      )}
    </p>
  );
}
