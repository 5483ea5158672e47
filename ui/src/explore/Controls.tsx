// What is chosen: period, number, lines, drawing, conditions, and the values chosen in the ranked lists.
import { type FormEvent, useEffect, useState } from 'react';
import { t } from '../i18n';
import { type Column, rowsUrl, type Table } from './api';
import {
  aggregateOf,
  COMBINATIONS,
  type Combination,
  combinationOf,
  numbersOf,
  PERIODS,
  type Period,
  rowsQuery,
  type Search,
} from './plan';

export const PERIOD_LABELS: Record<Period, string> = {
  '15m': t('15 min'),
  '1h': t('1 h'),
  '6h': t('6 h'),
  '24h': t('24 h'),
  '7d': t('7 days'),
  '30d': t('30 days'),
  all: t('All'),
};
export const COMBINATION_LABELS: Record<Combination, string> = {
  sum: t('Sum'),
  avg: t('Mean'),
  min: t('Least'),
  max: t('Greatest'),
};

interface ControlsProps {
  table: Table;
  search: Search;
  dimensions: Column[];
  /** Why the conditions were refused. */
  error: string | null;
  onChange: (changed: Partial<Search>) => void;
}

export function Controls({ table, search, dimensions, error, onChange }: ControlsProps) {
  const numbers = numbersOf(table);
  const { number } = aggregateOf(table, search);
  const download = rowsQuery(search);
  download.set('format', 'csv');

  return (
    <section className="explore-controls" aria-label={t('View')}>
      <fieldset className="tabs explore-periods">
        <legend className="visually-hidden">{t('Period')}</legend>
        {PERIODS.map((period) => (
          <button
            key={period}
            type="button"
            aria-pressed={period === search.period}
            onClick={() => onChange({ period })}
          >
            {PERIOD_LABELS[period]}
          </button>
        ))}
      </fieldset>
      {number !== null && (
        <>
          <Choice
            label={t('Number')}
            value={number}
            options={numbers.map(({ name }) => [name, name])}
            onChange={(name) => onChange({ number: name, combination: undefined })}
          />
          <Choice
            label={t('Combined as')}
            value={search.combination ?? combinationOf(number)}
            options={COMBINATIONS.map((combination) => [combination, COMBINATION_LABELS[combination]])}
            onChange={(combination) => onChange({ combination: combination as Combination })}
          />
        </>
      )}
      <Choice
        label={t('Lines by')}
        value={search.by ?? ''}
        options={[['', t('one line')], ...dimensions.map(({ name }): [string, string] => [name, name])]}
        onChange={(by) => onChange({ by: by || undefined, hidden: undefined })}
      />
      <Choice
        label={t('Drawn as')}
        value={search.chart ?? 'line'}
        options={[
          ['line', t('lines')],
          ['bar', t('bars')],
        ]}
        onChange={(chart) => onChange({ chart: chart as 'line' | 'bar' })}
      />
      <Conditions
        where={search.where ?? ''}
        error={error}
        onChange={(where) => onChange({ where: where || undefined })}
      />
      <a
        className="explore-download"
        href={rowsUrl(table.name, download).href}
        download={`${table.name}.csv`}
      >
        {t('Download CSV')}
      </a>
      {Object.entries(search.only ?? {}).map(([name, value]) => (
        <button
          key={name}
          type="button"
          className="explore-chosen"
          aria-label={t('Show all values of {{name}} again', { name })}
          onClick={() => onChange({ only: without(search.only, name) })}
        >
          {name} = {String(value)} <span aria-hidden="true">×</span>
        </button>
      ))}
    </section>
  );
}

export function without(only: Search['only'], name: string): Search['only'] {
  const rest = Object.entries(only ?? {}).filter(([other]) => other !== name);
  return rest.length > 0 ? Object.fromEntries(rest) : undefined;
}

interface ChoiceProps {
  label: string;
  value: string;
  /** Values and their labels. */
  options: [string, string][];
  onChange: (value: string) => void;
}

export function Choice({ label, value, options, onChange }: ChoiceProps) {
  return (
    <label className="explore-choice">
      <span>{label}</span>
      <select value={value} onChange={(event) => onChange(event.target.value)}>
        {options.map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    </label>
  );
}

interface ConditionsProps {
  where: string;
  error: string | null;
  onChange: (where: string) => void;
}

/** The conditions apply when they are complete: with Enter, or when the field is left. */
function Conditions({ where, error, onChange }: ConditionsProps) {
  const [typed, setTyped] = useState(where);

  useEffect(() => setTyped(where), [where]);

  function apply(event?: FormEvent) {
    event?.preventDefault();
    if (typed.trim() !== where) onChange(typed.trim());
  }

  return (
    <form className="explore-where" onSubmit={apply}>
      <label className="explore-choice">
        <span>{t('Conditions')}</span>
        <input
          type="text"
          spellCheck={false}
          placeholder="query_count > 10 AND faculty = 'Khách'"
          value={typed}
          aria-invalid={error !== null}
          aria-describedby="conditions-error"
          onChange={(event) => setTyped(event.target.value)}
          onBlur={() => apply()}
        />
      </label>
      <p id="conditions-error" role="alert">
        {error}
      </p>
    </form>
  );
}
