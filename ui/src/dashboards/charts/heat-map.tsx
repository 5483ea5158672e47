// A number by two columns as colours; without columns, by weekday and hour of the day.
import { useMemo } from 'react';
import { HeatGrid } from '../../components/HeatGrid';
import { formatNumber } from '../../explore/cells';
import { formatCompact } from '../../format/number';
import { t } from '../../i18n';
import { useTheme } from '../../theme';
import { useAnswer } from '../answer';
import type { ChartProps } from '../charts';
import { titleOf } from '../document';
import { Frame } from '../Frame';
import { cellsOf, clockOf } from '../figures';
import { aggregateQuery, byOf, type Measure, measureOf } from '../queries';
import { sayFigures } from '../words';

const CELLS = 20_000;

export default function HeatMap({ table, panel, view, asked }: ChartProps) {
  const theme = useTheme();
  const measure = measureOf(table, panel);
  const [x, y] = byOf(table, panel);
  const hour = table.time_column ? `hour(${table.time_column})` : null;
  const isClock = x === undefined && hour !== null && /^(sum|count)/.test(measure.text);

  const groups = x && y ? [x, y] : isClock && hour ? [hour] : [];
  const query =
    groups.length > 0 ? aggregateQuery({ table, panel, view }, groups, `-${measure.text}`, CELLS) : null;
  const answer = useAnswer(table, query, asked);

  const { text: aggregate, name } = measure;
  const map = useMemo(() => {
    const rows = answer.rows ?? [];
    return x && y ? cellsOf(rows, x, y, aggregate) : clockOf(rows, hour ?? '', aggregate);
  }, [answer.rows, x, y, hour, aggregate]);

  return (
    <Frame
      panel={panel}
      table={table}
      about={sayFigures(measure, null, isClock ? [t('weekday and hour')] : [y ?? '', x ?? ''])}
      isLoading={groups.length > 0 && answer.rows === undefined}
      isEmpty={map.cells.length === 0}
      error={answer.error ?? (groups.length > 0 ? null : new Error(advice(x, measure)))}
      query={query}
      isPicture
      figures={{
        columns: [isClock ? t('Weekday and hour') : `${y}, ${x}`, measure.text],
        rows: map.cells.map((cell) => [`${cell.y}, ${cell.x}`, formatNumber(cell.value, measure.name ?? '')]),
      }}
    >
      <HeatGrid
        {...map}
        theme={theme}
        short={formatCompact}
        long={(value) => formatNumber(value, name ?? '')}
        label={`${titleOf(panel)}: ${t('{{number}} as colours', { number: measure.text })}.`}
      />
    </Frame>
  );
}

function advice(x: string | undefined, measure: Measure): string {
  if (x !== undefined) return t('Choose a second column (`by`): a heat map has two axes.');
  return t(
    'Weekdays and hours need a sum or a count, and {{number}} cannot be added up: choose two columns (`by`).',
    { number: measure.text },
  );
}
