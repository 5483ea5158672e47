// Queries by year of study, of everyone who has one.
import { useMemo } from 'react';
import { useAnalytics } from '../api/store';
import type { Analytics } from '../api/types';
import { Chart } from '../components/Chart';
import { DataTable } from '../components/DataTable';
import { type ChartOption, categoryAxis, text, tooltip, valueAxis } from '../components/option';
import { Panel } from '../components/Panel';
import { byYear, yearLabel, yearTick } from '../format/label';
import { formatCompact, formatCount, formatDuration } from '../format/number';
import { t } from '../i18n';
import { type Theme, useTheme } from '../theme';

export function Years() {
  const theme = useTheme();
  const rows = useAnalytics('year');
  const sorted = useMemo(() => (rows ?? []).toSorted((a, b) => byYear(a.year, b.year)), [rows]);
  const option = useMemo(() => draw(sorted, theme), [sorted, theme]);

  return (
    <Panel title={t('Years of study')} range={t('last 30 days')} area="years" rows={rows}>
      <Chart option={option} label={t('Queries by year of study.')}>
        <DataTable
          caption={t('Queries by year of study')}
          columns={[t('Year'), t('Queries'), t('Mean response'), t('Users, summed over windows')]}
          rows={sorted.map((row) => [
            yearLabel(row.year),
            formatCount(row.query_count),
            formatDuration(row.avg_response_time),
            formatCount(row.unique_users),
          ])}
        />
      </Chart>
    </Panel>
  );
}

function draw(rows: Analytics['year'], theme: Theme): ChartOption {
  return {
    grid: { top: 24, right: 4, bottom: 28, left: 44 },
    tooltip: {
      ...tooltip(theme, 'axis'),
      valueFormatter: (count) => `${formatCount(Number(count))} queries`,
    },
    xAxis: categoryAxis(
      theme,
      rows.map((row) => yearTick(row.year)),
    ),
    yAxis: { ...valueAxis(theme, formatCompact), minInterval: 1 },
    series: [
      {
        id: 'queries',
        name: '',
        type: 'bar',
        barMaxWidth: 36,
        data: rows.map((row) => row.query_count),
        itemStyle: { color: theme.accent, borderRadius: [3, 3, 0, 0] },
        label: {
          show: true,
          position: 'top',
          ...text(theme),
          formatter: ({ value }) => formatCompact(Number(value)),
        },
      },
    ],
  };
}
