// User types side by side: how much they ask, and how fast they are answered.
import { useMemo } from 'react';
import { useAnalytics } from '../api/store';
import type { Analytics } from '../api/types';
import { Chart } from '../components/Chart';
import { DataTable } from '../components/DataTable';
import { type ChartOption, NAMES_WIDTH, nameAxis, text, tooltip } from '../components/option';
import { Panel } from '../components/Panel';
import { groupLabel } from '../format/label';
import { formatCompact, formatCount, formatDuration } from '../format/number';
import { t } from '../i18n';
import { type Theme, userTypeColor, useTheme } from '../theme';

export function Faculties() {
  const theme = useTheme();
  const rows = useAnalytics('faculty');
  const sorted = useMemo(() => (rows ?? []).toSorted((a, b) => b.query_count - a.query_count), [rows]);
  const option = useMemo(() => draw(sorted, theme), [sorted, theme]);

  return (
    <Panel title={t('User types compared')} range={t('last 30 days')} area="faculties" rows={rows}>
      <Chart option={option} label={t('Queries and mean response time by user type.')}>
        <DataTable
          caption={t('User types')}
          columns={[t('User type'), t('Queries'), t('Mean response'), t('Users, summed over windows')]}
          rows={sorted.map((row) => [
            groupLabel(row.faculty),
            formatCount(row.query_count),
            formatDuration(row.avg_response_time),
            formatCount(row.unique_users),
          ])}
        />
      </Chart>
    </Panel>
  );
}

/** Two charts with one list of names: two scales in one chart would invite a comparison that means nothing. */
function draw(rows: Analytics['faculty'], theme: Theme): ChartOption {
  const names = rows.map((row) => groupLabel(row.faculty));
  const scale = (gridIndex: number, name: string) => ({
    type: 'value' as const,
    gridIndex,
    name,
    nameLocation: 'start' as const,
    // The title stands above the bars, where the eye begins.
    position: 'top' as const,
    nameGap: 0,
    nameTextStyle: {
      ...text(theme),
      align: 'left' as const,
      verticalAlign: 'bottom' as const,
      padding: [0, 0, 6, 0],
    },
    axisLabel: { show: false },
    splitLine: { show: false },
    // Room for the figure behind the longest bar.
    max: (range: { max: number }) => range.max * 1.6 || 1,
  });
  const label = (format: (value: number) => string) => ({
    show: true,
    position: 'right' as const,
    ...text(theme),
    color: theme.text,
    formatter: ({ value }: { value: unknown }) => format(Number(value)),
  });
  return {
    grid: [
      { top: 28, bottom: 4, left: NAMES_WIDTH, right: '42%' },
      { top: 28, bottom: 4, left: '62%', right: 0 },
    ],
    tooltip: { ...tooltip(theme, 'item') },
    xAxis: [scale(0, 'Queries'), scale(1, 'Mean response')],
    yAxis: [
      { ...nameAxis(theme, names), gridIndex: 0 },
      { ...nameAxis(theme, names), gridIndex: 1, axisLabel: { show: false } },
    ],
    series: [
      {
        id: 'queries',
        name: t('Queries'),
        type: 'bar',
        barMaxWidth: 22,
        data: rows.map((row) => ({
          value: row.query_count,
          itemStyle: { color: userTypeColor(row.faculty, theme), borderRadius: [0, 3, 3, 0] },
        })),
        label: label(formatCompact),
        tooltip: { valueFormatter: (count) => formatCount(Number(count)) },
      },
      {
        id: 'response',
        name: t('Mean response'),
        type: 'bar',
        xAxisIndex: 1,
        yAxisIndex: 1,
        barMaxWidth: 22,
        data: rows.map((row) => ({
          value: row.avg_response_time ?? 0,
          itemStyle: { color: userTypeColor(row.faculty, theme), borderRadius: [0, 3, 3, 0] },
        })),
        label: label(formatDuration),
        tooltip: { valueFormatter: (time) => formatDuration(Number(time)) },
      },
    ],
  };
}
