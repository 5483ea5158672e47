// The shares of a column's values in the whole.
import { useMemo } from 'react';
import { Donut } from '../../components/Donut';
import { Legend } from '../../components/Legend';
import { formatValue } from '../../explore/cells';
import { LINES } from '../../explore/plan';
import { formatCompact, formatPercent } from '../../format/number';
import { t } from '../../i18n';
import { userTypeColor, useTheme } from '../../theme';
import { useAnswer } from '../answer';
import type { ChartProps } from '../charts';
import { titleOf } from '../document';
import { Frame } from '../Frame';
import { sharesOf } from '../figures';
import { aggregateQuery, byOf, measureOf } from '../queries';
import { sayFigures } from '../words';

const GROUPS = 1_000;

export default function ShareChart({ table, panel, view, asked }: ChartProps) {
  const theme = useTheme();
  const by = byOf(table, panel)[0];
  const measure = measureOf(table, panel);
  // All groups, since the rest is a share too.
  const query = by ? aggregateQuery({ table, panel, view }, [by], `-${measure.text}`, GROUPS) : null;
  const answer = useAnswer(table, query, asked);
  const limit = panel.limit ?? LINES;
  const shares = useMemo(() => {
    const groups = (answer.rows ?? []).map((row): [string, number] => [
      formatValue(by && row[by], by ?? ''),
      Number(row[measure.text]),
    ]);
    const colorOf = (label: string, index: number) =>
      by === 'user_type'
        ? userTypeColor(label, theme)
        : (theme.groups[index % theme.groups.length] ?? theme.rest);
    return sharesOf(groups, limit, colorOf, theme.rest);
  }, [answer.rows, by, measure.text, limit, theme]);
  const total = shares.reduce((sum, { value }) => sum + value, 0);

  return (
    <Frame
      panel={panel}
      table={table}
      about={sayFigures(measure, null, by ? [by] : [])}
      isLoading={by !== undefined && answer.rows === undefined}
      isEmpty={total === 0}
      error={answer.error ?? (by ? null : new Error(t('Choose the column whose values have shares (`by`).')))}
      query={query}
      isPicture
    >
      <div className="shares">
        <Donut
          pieces={shares.map(({ label, value, color }) => ({ label, color, percent: (value / total) * 100 }))}
          label={`${titleOf(panel)}: ${t('shares of {{column}}', { column: by ?? '' })}.`}
        />
        <Legend
          items={shares.map(({ label, value, color }) => ({
            label,
            color,
            share: formatPercent((value / total) * 100),
            count: formatCompact(value),
          }))}
        />
      </div>
    </Frame>
  );
}
