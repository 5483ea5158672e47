// The thresholds of a panel, in its form: a bound, what it means, and its colour.
import { Choice } from '../explore/Controls';
import { t } from '../i18n';
import type { Threshold } from './document';
import { COLORS } from './thresholds';

/** Thresholds that a panel may have. */
const MOST = 8;
const COLOR_LABELS = { good: t('good'), warn: t('a warning'), bad: t('bad') };

interface ThresholdsProps {
  thresholds: Threshold[];
  onChange: (thresholds: Threshold[]) => void;
}

export function Thresholds({ thresholds, onChange }: ThresholdsProps) {
  const replace = (place: number, threshold: Threshold) =>
    onChange(thresholds.map((of, index) => (index === place ? threshold : of)));

  return (
    <fieldset className="board-thresholds">
      <legend>{t('Thresholds; the first that is reached counts')}</legend>
      {thresholds.map((threshold, place) => (
        <div key={place} className="board-threshold">
          <Choice
            label={t('Reached')}
            value={threshold.below == null ? 'above' : 'below'}
            options={[
              ['above', t('above')],
              ['below', t('below')],
            ]}
            onChange={(side) => replace(place, bounded(threshold, side, boundOf(threshold)))}
          />
          <label className="explore-choice">
            <span>{t('Bound')}</span>
            <input
              type="number"
              step="any"
              value={boundOf(threshold)}
              onChange={({ target }) => {
                const bound = target.valueAsNumber;
                const side = threshold.below == null ? 'above' : 'below';
                if (Number.isFinite(bound)) replace(place, bounded(threshold, side, bound));
              }}
            />
          </label>
          <Choice
            label={t('Means')}
            value={threshold.color ?? ''}
            options={[['', '–'], ...COLORS.map((color): [string, string] => [color, COLOR_LABELS[color]])]}
            onChange={(color) => {
              const { color: _, ...rest } = threshold;
              replace(
                place,
                color === '' ? rest : { ...rest, color: color as NonNullable<Threshold['color']> },
              );
            }}
          />
          <label className="explore-choice">
            <span>{t('Label')}</span>
            <input
              value={threshold.label ?? ''}
              maxLength={120}
              onChange={({ target }) => {
                const { label: _, ...rest } = threshold;
                replace(place, target.value === '' ? rest : { ...rest, label: target.value });
              }}
            />
          </label>
          <button
            type="button"
            aria-label={t('Remove threshold {{number}}', { number: place + 1 })}
            onClick={() => onChange(thresholds.filter((_, index) => index !== place))}
          >
            ×
          </button>
        </div>
      ))}
      {thresholds.length < MOST && (
        <button type="button" onClick={() => onChange([...thresholds, { above: 0, color: 'bad' }])}>
          {t('Add a threshold')}
        </button>
      )}
    </fieldset>
  );
}

function boundOf({ above, below }: Threshold): number {
  return above ?? below ?? 0;
}

/** A threshold with another bound; it has one of the two. */
function bounded(
  { above: _above, below: _below, ...rest }: Threshold,
  side: string,
  bound: number,
): Threshold {
  return side === 'below' ? { ...rest, below: bound } : { ...rest, above: bound };
}
