// The rows of a query as they come: as a table with their kinds, or as a chart.
import { Link } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import { Boundary } from '../../components/Boundary';
import { formatCount } from '../../format/number';
import { t } from '../../i18n';
import { cellText, isNumeric } from './cells';
import { type Choice, firstChoice } from './chart';
import { isActive, ROWS_MAX, type Row, type Run } from './rows';
import type { Column, RowKind } from './types';

const RowsChart = lazy(() => import('./RowsChart'));

/** More rows than this are not read by people, and slow a page down. */
const SHOWN_MAX = 200;

const SIGNS: Record<RowKind, string> = {
  INSERT: '+I',
  UPDATE_BEFORE: '-U',
  UPDATE_AFTER: '+U',
  DELETE: '-D',
};

export function Results({ run }: { run: Run }) {
  const [shown, setShown] = useState<'table' | 'chart'>('table');
  const [chosen, setChosen] = useState<Choice | null>(null);
  if (run.phase === 'idle') {
    return (
      <section className="jobs-section" aria-label={t('Result')}>
        <p className="jobs-note">
          {t(
            'The last SELECT of the script runs as a query, and its rows appear here as they come. Nothing is written.',
          )}
        </p>
      </section>
    );
  }

  const first = firstChoice(run.columns);
  const choice = chosen && chosen.height < run.columns.length ? chosen : first;
  return (
    <section className="jobs-section" aria-labelledby="result">
      <div className="jobs-title">
        <h2 id="result">{t('Result')}</h2>
        <span className="jobs-quiet" role="status">
          {sayPhase(run)}
        </span>
        {run.job !== null && isActive(run.phase) && (
          <Link to="/job/$job/graph" params={{ job: run.job }}>
            {t('The query as a job')}
          </Link>
        )}
        {first && (
          <fieldset className="sql-views">
            <legend className="visually-hidden">{t('View')}</legend>
            {(['table', 'chart'] as const).map((kind) => (
              <label key={kind}>
                <input type="radio" name="view" checked={shown === kind} onChange={() => setShown(kind)} />{' '}
                {kind === 'table' ? t('Table') : t('Chart')}
              </label>
            ))}
          </fieldset>
        )}
      </div>
      {run.error !== null && (
        <pre className="jobs-log jobs-error" role="alert">
          {run.error}
        </pre>
      )}
      {shown === 'chart' && choice ? (
        <>
          <Choices columns={run.columns} choice={choice} onChange={setChosen} />
          <Boundary fallback={<p className="jobs-note">{t('The chart cannot be drawn.')}</p>}>
            <Suspense fallback={<div className="jobs-chart" />}>
              <RowsChart run={run} choice={choice} />
            </Suspense>
          </Boundary>
        </>
      ) : (
        <RowTable columns={run.columns} rows={run.rows} count={run.count} />
      )}
    </section>
  );
}

function sayPhase({ phase, count }: Run): string {
  const rows = formatCount(count);
  switch (phase) {
    case 'starting':
      return t('Starting…');
    case 'running':
      return t('Running, {{rows}} rows so far', { rows });
    case 'ended':
      return t('Ended, {{rows}} rows', { rows });
    case 'stopped':
      return t('Stopped, {{rows}} rows', { rows });
    case 'failed':
      return t('Failed, {{rows}} rows', { rows });
    case 'idle':
      return '';
  }
}

interface ChoicesProps {
  columns: Column[];
  choice: Choice;
  onChange: (choice: Choice) => void;
}

function Choices({ columns, choice, onChange }: ChoicesProps) {
  const numeric = columns.flatMap(({ logicalType }, index) => (isNumeric(logicalType.type) ? [index] : []));
  const all = columns.map((_, index) => index);
  const select = (part: keyof Choice, label: string, indices: number[], none?: string) => (
    <label className="jobs-choice">
      {label}{' '}
      <select
        value={choice[part]}
        onChange={({ target }) => onChange({ ...choice, [part]: Number(target.value) })}
      >
        {none !== undefined && <option value={-1}>{none}</option>}
        {indices.map((index) => (
          <option key={index} value={index}>
            {columns[index]?.name}
          </option>
        ))}
      </select>
    </label>
  );
  return (
    <div className="sql-bar">
      {select('height', t('Values'), numeric)}
      {select('across', t('Across'), all, t('order of arrival'))}
      {select('by', t('A line for each'), all, t('one line'))}
    </div>
  );
}

function RowTable({ columns, rows, count }: { columns: Column[]; rows: Row[]; count: number }) {
  if (columns.length === 0) return null;
  const newest = rows.slice(-SHOWN_MAX).reverse();
  return (
    <>
      {count > newest.length && (
        <p className="jobs-note">
          {t('The newest {{shown}} rows are shown; the page keeps {{kept}} for the chart.', {
            shown: formatCount(newest.length),
            kept: formatCount(Math.min(rows.length, ROWS_MAX)),
          })}
        </p>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard. */}
      <section className="sql-rows" tabIndex={0} aria-label={t('Rows')}>
        <table>
          <caption className="visually-hidden">{t('Rows of the query, the newest first')}</caption>
          <thead>
            <tr>
              <th scope="col">{t('Kind')}</th>
              {columns.map(({ name, logicalType }, index) => (
                <th scope="col" key={index} className={isNumeric(logicalType.type) ? 'number' : undefined}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {newest.map(({ number, kind, fields }) => (
              <tr key={number} className={`sql-row-${kind.toLowerCase()}`}>
                <th scope="row" title={kind}>
                  {SIGNS[kind]}
                </th>
                {columns.map(({ logicalType }, index) => (
                  <td key={index} className={isNumeric(logicalType.type) ? 'number' : undefined}>
                    {cellText(fields[index]) ?? <span className="jobs-quiet">NULL</span>}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
        {newest.length === 0 && <p className="jobs-note">{t('No rows yet.')}</p>}
      </section>
    </>
  );
}
