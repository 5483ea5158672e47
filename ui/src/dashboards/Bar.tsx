// The period, the comparison, and the chosen values of a dashboard. All of it is in the address.
import { useState } from 'react';
import { PERIOD_LABELS } from '../explore/Controls';
import { wallMs } from '../explore/cells';
import { PERIODS } from '../explore/plan';
import { toData, toShown } from '../format/zone';
import { t } from '../i18n';
import { Menu } from './Menu';
import { rangeBefore, type View, wallText } from './view';

interface BarProps {
  view: View;
  onView: (changed: Partial<View>) => void;
}

export function Bar({ view, onView }: BarProps) {
  const isOwn = view.from !== undefined && view.to !== undefined;

  // Until both ends are there.
  const [draft, setDraft] = useState<{ from?: string; to?: string }>({});

  function setOwn(changed: { from?: string; to?: string }) {
    const { from, to } = { from: view.from, to: view.to, ...draft, ...changed };
    if (from && to && from < to) {
      setDraft({});
      onView({ from, to, period: undefined });
    } else {
      setDraft({ ...draft, ...changed });
    }
  }

  return (
    <section className="explore-controls" aria-label={t('View')}>
      <fieldset className="tabs explore-periods">
        <legend className="visually-hidden">{t('Period')}</legend>
        {PERIODS.map((period) => (
          <button
            key={period}
            type="button"
            aria-pressed={!isOwn && period === view.period}
            onClick={() => onView({ period, from: undefined, to: undefined })}
          >
            {PERIOD_LABELS[period]}
          </button>
        ))}
      </fieldset>
      <Menu
        label={
          isOwn
            ? t('Own period: {{from}} to {{to}}', { from: face(view.from), to: face(view.to) })
            : t('Own period')
        }
        face={isOwn ? `${face(view.from)} – ${face(view.to)}` : t('Own period…')}
      >
        <fieldset className="board-range">
          <legend className="visually-hidden">{t('Own period')}</legend>
          <RangeInput
            label={t('From')}
            value={view.from ?? draft.from}
            onChange={(from) => setOwn({ from })}
          />
          <RangeInput label={t('To')} value={view.to ?? draft.to} onChange={(to) => setOwn({ to })} />
        </fieldset>
      </Menu>
      <label className="board-check">
        <input
          type="checkbox"
          checked={view.compare === true}
          disabled={rangeBefore(view) === null}
          onChange={(event) => onView({ compare: event.target.checked || undefined })}
        />
        {t('Compare with the period before')}
      </label>
      {Object.entries(view.only ?? {}).map(([name, value]) => (
        <button
          key={name}
          type="button"
          className="explore-chosen"
          aria-label={t('Show all values of {{name}} again', { name })}
          onClick={() => {
            const rest = Object.entries(view.only ?? {}).filter(([other]) => other !== name);
            onView({ only: rest.length > 0 ? Object.fromEntries(rest) : undefined });
          }}
        >
          {name} = {String(value)} <span aria-hidden="true">×</span>
        </button>
      ))}
    </section>
  );
}

/** A time to the minute, in the shown zone. */
function face(time: string | undefined): string {
  return (time === undefined ? '' : moved(time, toShown)).slice(0, 16).replace('T', ' ');
}

/** A time of one zone as a text of the other. */
function moved(time: string, move: (wall: number) => number): string {
  const wall = wallMs(time.length === 10 ? `${time}T00:00:00` : time);
  return wallText(move(wall));
}

interface RangeInputProps {
  label: string;
  value: string | undefined;
  onChange: (value: string) => void;
}

function RangeInput({ label, value, onChange }: RangeInputProps) {
  const shown = value === undefined ? '' : moved(value, toShown);
  return (
    <label className="explore-choice">
      <span>{label}</span>
      <input
        type="datetime-local"
        step={1}
        key={shown}
        defaultValue={shown}
        onBlur={({ target }) =>
          target.value && target.value !== shown && onChange(moved(target.value, toData))
        }
      />
    </label>
  );
}
