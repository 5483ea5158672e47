// The form of a panel: what it shows and how. Each change shows at once in the grid behind it.
import { useEffect, useRef } from 'react';
import type { Table } from '../explore/api';
import { Choice, COMBINATION_LABELS } from '../explore/Controls';
import { COMBINATIONS, combinationOf, numbersOf } from '../explore/plan';
import { t } from '../i18n';
import { KINDS, kindLabel } from './charts';
import type { PanelDocument } from './document';
import { choicesOf } from './queries';
import { Thresholds } from './ThresholdFields';

/** The place as numbers, for those who do not drag. */
const PLACE = [
  { name: 'x', label: t('Column'), least: 0, most: 11 },
  { name: 'y', label: t('Row'), least: 0, most: 1_000 },
  { name: 'w', label: t('Width'), least: 1, most: 12 },
  { name: 'h', label: t('Height'), least: 1, most: 40 },
] as const;

interface PanelEditorProps {
  panel: PanelDocument;
  tables: Table[];
  onChange: (panel: PanelDocument) => void;
  onClose: () => void;
}

export function PanelEditor({ panel, tables, onChange, onClose }: PanelEditorProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const table = tables.find(({ name }) => name === panel.table);
  const columns = table ? choicesOf(table).map(({ name }): [string, string] => [name, name]) : [];
  const numbers = table ? numbersOf(table).map(({ name }): [string, string] => [name, name]) : [];
  const number = panel.number ?? numbers[0]?.[0];
  const [first, second] = panel.by ?? [];

  useEffect(() => dialog.current?.show(), []);

  /** Applies a change; what is undefined is left out of the document. */
  function set(changed: { [Key in keyof PanelDocument]?: PanelDocument[Key] | undefined }) {
    const entries = Object.entries({ ...panel, ...changed }).filter(([, value]) => value !== undefined);
    onChange(Object.fromEntries(entries) as unknown as PanelDocument);
  }

  function setBy(place: 0 | 1, column: string) {
    const by = (place === 0 ? [column, second] : [first, column]).filter((name) => name);
    set({ by: by.length > 0 ? (by as string[]) : undefined });
  }

  return (
    <dialog
      ref={dialog}
      className="board-editor"
      aria-label={t('Change {{title}}', { title: panel.title })}
      onClose={onClose}
      onKeyDown={(event) => event.key === 'Escape' && onClose()}
    >
      <label className="explore-choice">
        <span>{t('Title')}</span>
        <input
          autoFocus
          value={panel.title}
          maxLength={120}
          onChange={(event) => set({ title: event.target.value })}
        />
      </label>
      <Choice
        label={t('Table')}
        value={panel.table}
        options={tables.map(({ name }): [string, string] => [name, name])}
        onChange={(table) =>
          set({
            table,
            number: undefined,
            weight: undefined,
            combination: undefined,
            by: undefined,
            where: undefined,
          })
        }
      />
      <Choice
        label={t('Chart')}
        value={panel.chart}
        options={KINDS.map((kind): [string, string] => [kind, kindLabel(kind)])}
        onChange={(chart) => set({ chart })}
      />
      {number !== undefined && (
        <>
          <Choice
            label={t('Number')}
            value={number}
            options={numbers}
            onChange={(number) => set({ number, combination: undefined })}
          />
          <Choice
            label={t('Combined as')}
            value={panel.combination ?? combinationOf(number)}
            options={[
              ...COMBINATIONS.map((of): [string, string] => [of, COMBINATION_LABELS[of]]),
              ['count', t('Number of rows')],
            ]}
            onChange={(combination) => set({ combination: combination as PanelDocument['combination'] })}
          />
        </>
      )}
      {number !== undefined && (panel.combination ?? combinationOf(number)) === 'avg' && (
        <Choice
          label={t('Weighted by')}
          value={panel.weight ?? ''}
          options={[['', '–'], ...numbers]}
          onChange={(weight) => set({ weight: weight || undefined })}
        />
      )}
      <Choice
        label={t('By')}
        value={first ?? ''}
        options={[['', '–'], ...columns]}
        onChange={(column) => setBy(0, column)}
      />
      {first && (
        <Choice
          label={t('and by')}
          value={second ?? ''}
          options={[['', '–'], ...columns]}
          onChange={(column) => setBy(1, column)}
        />
      )}
      <label className="explore-choice">
        <span>{t('Conditions')}</span>
        <input
          key={panel.id}
          spellCheck={false}
          placeholder="query_count > 10"
          defaultValue={panel.where ?? ''}
          onBlur={(event) => set({ where: event.target.value.trim() || undefined })}
        />
      </label>
      <label className="explore-choice">
        <span>{t('Rows at most')}</span>
        <input
          type="number"
          min={1}
          max={1000}
          value={panel.limit ?? ''}
          onChange={(event) => {
            const limit = Math.trunc(Number(event.target.value));
            set({ limit: limit >= 1 && limit <= 1000 ? limit : undefined });
          }}
        />
      </label>
      <Thresholds
        thresholds={panel.thresholds ?? []}
        onChange={(thresholds) => set({ thresholds: thresholds.length > 0 ? thresholds : undefined })}
      />
      <fieldset className="board-place-fields">
        <legend>{t('Place in the grid of twelve columns')}</legend>
        {PLACE.map(({ name, label, least, most }) => (
          <label key={name} className="explore-choice">
            <span>{label}</span>
            <input
              type="number"
              min={least}
              max={most}
              value={panel.at[name]}
              onChange={(event) => {
                const value = Math.trunc(Number(event.target.value));
                if (value >= least && value <= most) set({ at: { ...panel.at, [name]: value } });
              }}
            />
          </label>
        ))}
      </fieldset>
      <button type="button" className="board-primary" onClick={onClose}>
        {t('Done')}
      </button>
    </dialog>
  );
}
