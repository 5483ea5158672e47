// How fast answers came in the newest minute, by user type.
import { useMemo } from 'react';
import { useAnalytics } from '../api/store';
import { Chart } from '../components/Chart';
import { DataTable } from '../components/DataTable';
import { type ChartOption, legend, NAMES_WIDTH, nameAxis, tooltip, valueAxis } from '../components/option';
import { Panel } from '../components/Panel';
import { groupLabel } from '../format/label';
import { formatDuration } from '../format/number';
import { t } from '../i18n';
import { type Theme, useTheme } from '../theme';
import { type MinuteTimes, newestTimes } from './times';

export function ResponseTimes() {
  const theme = useTheme();
  const known = useAnalytics('responseTime');
  const { rows, range } = useMemo(() => newestTimes(known ?? []), [known]);
  const option = useMemo(() => draw(rows, theme), [rows, theme]);

  return (
    <Panel title={t('Response times')} range={range} area="response" rows={known && rows}>
      <Chart
        option={option}
        label={t('Mean, median and 95th percentile of the response time by user type, {{range}}.', { range })}
      >
        <DataTable
          caption={t('Response times by user type')}
          columns={[t('User type'), t('Median'), t('Mean'), t('95th percentile')]}
          rows={rows.map((row) => [
            groupLabel(row.user_type),
            formatDuration(row.median_time),
            formatDuration(row.avg_time),
            formatDuration(row.p95_time),
          ])}
        />
      </Chart>
    </Panel>
  );
}

function draw(rows: MinuteTimes[], theme: Theme): ChartOption {
  // One hue from light to full: three measures of one thing, the rarest the strongest.
  const bar = (id: string, name: string, opacity: number, data: number[]) => ({
    id,
    name,
    type: 'bar' as const,
    data,
    barGap: '10%',
    barMaxWidth: 18,
    itemStyle: { color: theme.accent, opacity, borderRadius: [0, 3, 3, 0] },
  });
  return {
    grid: { top: 32, right: 12, bottom: 28, left: NAMES_WIDTH },
    legend: legend(theme),
    tooltip: {
      ...tooltip(theme, 'axis'),
      axisPointer: { type: 'shadow' },
      valueFormatter: (time) => formatDuration(Number(time)),
    },
    xAxis: valueAxis(theme, formatDuration),
    yAxis: nameAxis(
      theme,
      rows.map((row) => groupLabel(row.user_type)),
    ),
    series: [
      bar(
        'median',
        t('Median'),
        0.35,
        rows.map((row) => row.median_time),
      ),
      bar(
        'mean',
        t('Mean'),
        0.65,
        rows.map((row) => row.avg_time),
      ),
      bar(
        'p95',
        t('95th percentile'),
        1,
        rows.map((row) => row.p95_time),
      ),
    ],
  };
}
