// The form of a rule. The server checks it, and its refusal is shown in its words.
import { useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { type FormEvent, type ReactNode, useState } from 'react';
import { slug } from '../dashboards/document';
import { Refused } from '../explore/api';
import { Choice } from '../explore/Controls';
import { dimensionsOf, numbersOf } from '../explore/plan';
import { useTables } from '../explore/tables';
import { t } from '../i18n';
import { type AlertInfo, deleteRule, type KeptRule, saveRule, testRule, useAlerts } from './api';
import { type Draft, draftOf, EMPTY, ruleOf } from './draft';

const route = getRouteApi('/alerts');

interface AlertFormProps {
  /** The name of the rule; null: it is new. */
  name: string | null;
  kept: KeptRule | null;
  source: AlertInfo['source'] | null;
}

export function AlertForm({ name, kept, source }: AlertFormProps) {
  const [draft, setDraft] = useState<Draft>(kept ? draftOf(kept.rule) : EMPTY);
  const [said, setSaid] = useState<{ text: string; isError: boolean } | null>(null);
  const { data: alerts } = useAlerts();
  const queries = useQueryClient();
  const navigate = route.useNavigate();
  const set = (changed: Partial<Draft>) => setDraft({ ...draft, ...changed });

  /** Does something that the server may refuse, and says how it went. */
  async function attempt(action: () => Promise<string>) {
    setSaid(null);
    try {
      setSaid({ text: await action(), isError: false });
    } catch (error) {
      const isChanged = error instanceof Refused && error.status === 412;
      const text = isChanged
        ? t('Somebody else has changed this alert meanwhile: load the page again to see it.')
        : (error as Error).message;
      setSaid({ text, isError: true });
    }
    await queries.invalidateQueries({ queryKey: ['alerts'] });
  }

  const save = (event: FormEvent) => {
    event.preventDefault();
    void attempt(async () => {
      const taken = alerts?.alerts.map((alert) => alert.name) ?? [];
      const target = name ?? slug(draft.title, taken);
      await saveRule(target, ruleOf(draft), kept?.etag ?? null);
      await queries.invalidateQueries({ queryKey: ['alert', target] });
      await navigate({ search: { alert: target } });
      return t('Saved');
    });
  };

  const test = () =>
    attempt(async () => {
      const { is_delivered, status, error } = await testRule(name ?? '');
      if (!is_delivered)
        throw new Error(t('The test was not delivered: {{why}}', { why: error ?? status ?? '' }));
      return t('The test was delivered: the receiver answered {{status}}.', { status: status ?? '' });
    });

  const remove = () =>
    attempt(async () => {
      if (!window.confirm(t('Delete the alert “{{title}}”? This cannot be undone.', { title: draft.title })))
        return '';
      await deleteRule(name ?? '', kept?.etag ?? '');
      await navigate({ search: {} });
      return '';
    });

  return (
    <form className="alert-panel" onSubmit={save} aria-labelledby="rule-title">
      <h2 id="rule-title">{name === null ? t('New alert') : t('The rule {{name}}', { name })}</h2>
      <Field label={t('Title')}>
        <input
          required
          maxLength={120}
          value={draft.title}
          onChange={({ target }) => set({ title: target.value })}
        />
      </Field>
      <Field label={t('Title in Vietnamese')}>
        <input
          maxLength={120}
          value={draft.title_vi}
          onChange={({ target }) => set({ title_vi: target.value })}
        />
      </Field>
      <What draft={draft} set={set} />
      <When draft={draft} set={set} />
      <Receiver draft={draft} set={set} />
      <label className="board-check alert-wide">
        <input
          type="checkbox"
          checked={draft.enabled}
          onChange={({ target }) => set({ enabled: target.checked })}
        />
        {t('Enabled')}
      </label>
      <div className="board-actions alert-wide">
        <button type="submit" className="board-primary">
          {t('Save')}
        </button>
        {name !== null && kept?.rule.webhook && (
          <button type="button" onClick={() => void test()}>
            {t('Send a test')}
          </button>
        )}
        {source === 'saved' && (
          <button type="button" onClick={() => void remove()}>
            {t('Delete…')}
          </button>
        )}
      </div>
      <p
        className={`alert-wide ${said?.isError ? 'board-error' : ''}`}
        role={said?.isError ? 'alert' : 'status'}
      >
        {said?.text}
      </p>
    </form>
  );
}

interface PartProps {
  draft: Draft;
  set: (changed: Partial<Draft>) => void;
}

/** Which number of which table is watched. */
function What({ draft, set }: PartProps) {
  const { data } = useTables();
  const tables = data?.tables ?? [];
  const table = tables.find(({ name }) => name === draft.table);
  const numbers = table ? numbersOf(table).map(({ name }) => name) : [];
  const dimensions = table ? dimensionsOf(table).map(({ name }) => name) : [];
  // A rule may come before its table, and its names stay to be chosen.
  const options = (names: string[], chosen: string): [string, string][] =>
    [...new Set(['', ...names, chosen])].map((name) => [name, name || '–']);
  return (
    <>
      <Choice
        label={t('Table')}
        value={draft.table}
        options={options(
          tables.map(({ name }) => name),
          draft.table,
        )}
        onChange={(table) => set({ table, number: '', by: '' })}
      />
      <Choice
        label={t('Number')}
        value={draft.number}
        options={options(numbers, draft.number)}
        onChange={(number) => set({ number })}
      />
      <Field label={t('Series by these columns; empty: by the key')}>
        <input
          value={draft.by}
          placeholder={dimensions.slice(0, 2).join(', ')}
          onChange={({ target }) => set({ by: target.value })}
        />
      </Field>
      <Field label={t('Conditions')}>
        <input
          spellCheck={false}
          placeholder="query_count > 10"
          value={draft.where}
          onChange={({ target }) => set({ where: target.value })}
        />
      </Field>
    </>
  );
}

/** The bound. */
function When({ draft, set }: PartProps) {
  return (
    <>
      <Choice
        label={t('Fires if the number is')}
        value={draft.side}
        options={[
          ['above', t('above')],
          ['below', t('below')],
        ]}
        onChange={(side) => set({ side: side as Draft['side'] })}
      />
      <Field label={t('Bound')}>
        <input
          type="number"
          step="any"
          required
          value={draft.bound}
          onChange={({ target }) => set({ bound: target.value })}
        />
      </Field>
      <Field label={t('in so many windows in sequence')}>
        <input
          type="number"
          min={1}
          max={100}
          value={draft.for_windows}
          onChange={({ target }) => set({ for_windows: target.value })}
        />
      </Field>
    </>
  );
}

/** The webhook. */
function Receiver({ draft, set }: PartProps) {
  return (
    <>
      <Field label={t('Webhook')}>
        <input
          type="url"
          placeholder="https://chat.example/hooks/weir"
          value={draft.url}
          onChange={({ target }) => set({ url: target.value })}
        />
      </Field>
      <Field label={t('Header of the webhook')}>
        <input
          placeholder="Authorization"
          value={draft.header}
          onChange={({ target }) => set({ header: target.value })}
        />
      </Field>
      <Field label={t('Value of the header (a secret; *** keeps it)')}>
        <input
          type="password"
          autoComplete="off"
          value={draft.secret}
          onChange={({ target }) => set({ secret: target.value })}
        />
      </Field>
    </>
  );
}

function Field({ label, children }: { label: string; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the field is the child.
    <label className="explore-choice">
      <span>{label}</span>
      {children}
    </label>
  );
}
