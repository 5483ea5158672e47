// User type by year of study: where the queries come from, as a heat map.
import { useMemo } from 'react';
import { useAnalytics } from '../api/store';
import type { Analytics } from '../api/types';
import { Chart } from '../components/Chart';
import { DataTable } from '../components/DataTable';
import { type ChartOption, categoryAxis, FONT, NAMES_WIDTH, nameAxis, tooltip } from '../components/option';
import { Panel } from '../components/Panel';
import { byYear, groupLabel, yearLabel, yearTick } from '../format/label';
import { formatCompact, formatCount, formatDuration } from '../format/number';
import { t } from '../i18n';
import { type Theme, useTheme } from '../theme';

export function FacultyYears() {
  const theme = useTheme();
  const rows = useAnalytics('heatmap');
  const option = useMemo(() => draw(rows ?? [], theme), [rows, theme]);

  return (
    <Panel title={t('User type × year')} range={t('last 30 days')} area="heatmap" rows={rows}>
      <Chart option={option} label={t('Queries by user type and year of study.')}>
        <DataTable
          caption={t('Queries by user type and year of study')}
          columns={[t('Group'), t('Queries'), t('Mean response')]}
          rows={(rows ?? []).map((row) => [
            `${groupLabel(row.faculty)}, ${yearLabel(row.year)}`,
            formatCount(row.query_count),
            formatDuration(row.avg_response_time),
          ])}
        />
      </Chart>
    </Panel>
  );
}

function draw(rows: Analytics['heatmap'], theme: Theme): ChartOption {
  const years = [...new Set(rows.map((row) => row.year))].sort(byYear);
  const totals = new Map<string, number>();
  for (const row of rows) totals.set(row.faculty, (totals.get(row.faculty) ?? 0) + row.query_count);
  const faculties = [...totals.keys()].sort((a, b) => (totals.get(b) ?? 0) - (totals.get(a) ?? 0));
  const most = Math.max(1, ...rows.map((row) => row.query_count));
  return {
    grid: { top: 4, right: 4, bottom: 28, left: NAMES_WIDTH },
    tooltip: {
      ...tooltip(theme, 'item'),
      valueFormatter: (_, index) => {
        const row = rows[index];
        return row ? `${formatCount(row.query_count)} queries, ${formatDuration(row.avg_response_time)}` : '';
      },
    },
    visualMap: {
      show: false,
      min: 0,
      max: most,
      dimension: 2,
      inRange: { color: [theme.heatFrom, theme.accent] },
    },
    xAxis: { ...categoryAxis(theme, years.map(yearTick)), axisLine: { show: false } },
    yAxis: nameAxis(theme, faculties.map(groupLabel)),
    series: [
      {
        id: 'heatmap',
        name: '',
        type: 'heatmap',
        data: rows.map((row) => ({
          name: `${groupLabel(row.faculty)}, ${yearLabel(row.year)}`,
          value: [years.indexOf(row.year), faculties.indexOf(row.faculty), row.query_count],
          label: { color: row.query_count / most > theme.heatTurn ? theme.onAccent : theme.text },
        })),
        label: {
          show: true,
          fontFamily: FONT,
          fontSize: 12,
          formatter: ({ value }) => formatCompact(Array.isArray(value) ? Number(value[2]) : null),
        },
        itemStyle: { borderColor: theme.panel, borderWidth: 2, borderRadius: 4 },
      },
    ],
  };
}
