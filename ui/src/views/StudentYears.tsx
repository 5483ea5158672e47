// Students by year of study: how much they ask, and how fast they are answered.
import { useMemo } from 'react';
import { useAnalytics } from '../api/store';
import type { Analytics } from '../api/types';
import { Chart } from '../components/Chart';
import { DataTable } from '../components/DataTable';
import { type ChartOption, categoryAxis, legend, tooltip, valueAxis } from '../components/option';
import { Panel } from '../components/Panel';
import { yearLabel, yearTick } from '../format/label';
import { formatCompact, formatCount, formatDuration } from '../format/number';
import { t } from '../i18n';
import { type Theme, useTheme } from '../theme';

export function StudentYears() {
  const theme = useTheme();
  const rows = useAnalytics('studentYear');
  const option = useMemo(() => draw(rows ?? [], theme), [rows, theme]);

  return (
    <Panel title={t('Students by year')} range={t('last 30 days')} area="student-years" rows={rows}>
      <Chart option={option} label={t("Students' queries and their mean response time by year of study.")}>
        <DataTable
          caption={t('Students by year of study')}
          columns={[
            t('Year'),
            t('Queries'),
            t('Mean response'),
            t('Contexts found'),
            t('Users, summed over windows'),
          ]}
          rows={(rows ?? []).map((row) => [
            yearLabel(row.years),
            formatCount(row.query_count),
            formatDuration(row.avg_response_time),
            formatCompact(row.avg_contexts_found),
            formatCount(row.unique_users),
          ])}
        />
      </Chart>
    </Panel>
  );
}

function draw(rows: Analytics['studentYear'], theme: Theme): ChartOption {
  const [, , line] = theme.groups;
  const color = line ?? theme.accent;
  return {
    grid: { top: 36, right: 58, bottom: 28, left: 44 },
    legend: legend(theme),
    tooltip: tooltip(theme, 'axis'),
    xAxis: categoryAxis(
      theme,
      rows.map((row) => yearTick(row.years)),
    ),
    yAxis: [
      { ...valueAxis(theme, formatCompact), minInterval: 1 },
      { ...valueAxis(theme, formatDuration), splitLine: { show: false }, min: 0 },
    ],
    series: [
      {
        id: 'queries',
        name: t('Queries'),
        type: 'bar',
        barMaxWidth: 36,
        data: rows.map((row) => row.query_count),
        itemStyle: { color: theme.accent, opacity: 0.75, borderRadius: [3, 3, 0, 0] },
        tooltip: { valueFormatter: (count) => formatCount(Number(count)) },
      },
      {
        id: 'response',
        name: t('Mean response'),
        type: 'line',
        yAxisIndex: 1,
        data: rows.map((row) => row.avg_response_time ?? null),
        symbol: 'circle',
        symbolSize: 7,
        lineStyle: { color, width: 2 },
        itemStyle: { color },
        tooltip: { valueFormatter: (time) => formatDuration(Number(time)) },
      },
    ],
  };
}
