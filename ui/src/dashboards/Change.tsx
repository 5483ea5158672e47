// The change of a figure against the period before, in percent.
import { NONE } from '../format/number';
import { locale, t } from '../i18n';

const percent = new Intl.NumberFormat(locale, {
  style: 'percent',
  maximumFractionDigits: 0,
  signDisplay: 'exceptZero',
});

/** A change that is not given exactly. */
const HUGE = 10;

interface ChangeProps {
  now: unknown;
  before: unknown;
}

export function Change({ now, before }: ChangeProps) {
  const [is, was] = [Number(now ?? Number.NaN), Number(before ?? Number.NaN)];
  if (!Number.isFinite(is) || !Number.isFinite(was) || was === 0) {
    return <span className="board-change">{NONE}</span>;
  }
  const change = (is - was) / Math.abs(was);
  // A hundred times as much is no share any more: the period before was nearly empty.
  const isHuge = Math.abs(change) > HUGE;
  return (
    <span className="board-change" title={t('{{value}} in the period before', { value: was })}>
      {change > 0 ? '▲' : change < 0 ? '▼' : '='}{' '}
      {isHuge ? t('more than {{share}}', { share: percent.format(HUGE) }) : percent.format(change)}
    </span>
  );
}
