// How the queries are shared between departments: a ring, and the list that explains it.
import { useMemo } from 'react';
import { useAnalytics } from '../api/store';
import type { Analytics } from '../api/types';
import { Chart } from '../components/Chart';
import { Legend } from '../components/Legend';
import { type ChartOption, tooltip } from '../components/option';
import { Panel } from '../components/Panel';
import { groupLabel } from '../format/label';
import { formatCount, formatPercent } from '../format/number';
import { t } from '../i18n';
import { type Theme, useTheme } from '../theme';

/** A ring of more pieces cannot be read; what is smaller is summed up. */
const PIECES = 7;

interface Piece {
  name: string;
  count: number;
  percent: number;
  color: string;
}

export function Departments() {
  const theme = useTheme();
  const rows = useAnalytics('departments');
  const pieces = useMemo(() => cut(rows ?? [], theme), [rows, theme]);
  const option = useMemo(() => draw(pieces, theme), [pieces, theme]);

  return (
    <Panel title={t('Departments')} range={t('last 30 days')} area="departments" rows={rows}>
      <div className="shares">
        <Chart option={option} label={t('Shares of the departments; the list beside has the figures.')} />
        <Legend
          items={pieces.map((piece) => ({
            label: piece.name,
            color: piece.color,
            share: formatPercent(piece.percent),
            count: formatCount(piece.count),
          }))}
        />
      </div>
    </Panel>
  );
}

function cut(rows: Analytics['departments'], theme: Theme): Piece[] {
  const total = rows.reduce((sum, row) => sum + row.query_count, 0) || 1;
  const piece = (name: string, count: number, color: string): Piece => ({
    name,
    count,
    percent: (count / total) * 100,
    color,
  });
  const shown = rows.length > PIECES + 1 ? PIECES : rows.length;
  const pieces = rows
    .slice(0, shown)
    .map((row, index) =>
      piece(groupLabel(row.department_name), row.query_count, theme.groups[index] ?? theme.rest),
    );
  const others = rows.slice(shown);
  if (others.length === 0) return pieces;
  const count = others.reduce((sum, row) => sum + row.query_count, 0);
  return [...pieces, piece(`${others.length} others`, count, theme.rest)];
}

function draw(pieces: Piece[], theme: Theme): ChartOption {
  return {
    tooltip: {
      ...tooltip(theme, 'item'),
      valueFormatter: (count) => `${formatCount(Number(count))} queries`,
    },
    series: [
      {
        id: 'departments',
        type: 'pie',
        radius: ['60%', '94%'],
        label: { show: false },
        emphasis: { scale: false },
        itemStyle: { borderColor: theme.panel, borderWidth: 2, borderRadius: 3 },
        data: pieces.map((piece) => ({
          name: piece.name,
          value: piece.count,
          itemStyle: { color: piece.color },
        })),
      },
    ],
  };
}
