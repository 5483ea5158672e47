// Queries by hour of the day: when people ask.
import { useMemo } from 'react';
import { useAnalytics } from '../api/store';
import { Chart } from '../components/Chart';
import { DataTable } from '../components/DataTable';
import { type ChartOption, categoryAxis, tooltip, valueAxis } from '../components/option';
import { Panel } from '../components/Panel';
import { formatCompact, formatCount } from '../format/number';
import { formatHour } from '../format/time';
import { t } from '../i18n';
import { type Theme, useTheme } from '../theme';

export function Hours() {
  const theme = useTheme();
  const rows = useAnalytics('hourlyHeatmap');
  const counts = useMemo(() => {
    const hours = new Array<number>(24).fill(0);
    // Of a row without an hour, whoever wrote it, nobody knows when it was.
    for (const { hour_of_day: hour, query_count } of rows ?? [])
      if (typeof hour === 'number') hours[hour] = query_count;
    return hours;
  }, [rows]);
  const option = useMemo(() => draw(counts, theme), [counts, theme]);
  const busiest = counts.indexOf(Math.max(...counts));

  return (
    <Panel title={t('Hours of the day')} range={t('last 7 days')} area="hours" rows={rows}>
      <Chart
        option={option}
        label={t('Queries by hour of the day; the busiest is {{hour}}.', { hour: formatHour(busiest) })}
      >
        <DataTable
          caption={t('Queries by hour of the day')}
          columns={[t('Hour'), t('Queries')]}
          rows={counts.map((count, hour) => [formatHour(hour), formatCount(count)])}
        />
      </Chart>
    </Panel>
  );
}

function draw(counts: number[], theme: Theme): ChartOption {
  const most = Math.max(1, ...counts);
  return {
    grid: { top: 12, right: 4, bottom: 28, left: 44 },
    tooltip: {
      ...tooltip(theme, 'axis'),
      valueFormatter: (count) => `${formatCount(Number(count))} queries`,
    },
    xAxis: categoryAxis(
      theme,
      counts.map((_, hour) => formatHour(hour)),
    ),
    yAxis: { ...valueAxis(theme, formatCompact), minInterval: 1 },
    series: [
      {
        id: 'hours',
        name: '',
        type: 'bar',
        barCategoryGap: '20%',
        data: counts.map((count) => ({
          value: count,
          // Height says how much; depth of colour lets the busy hours stand out at a glance.
          itemStyle: {
            color: theme.accent,
            opacity: 0.35 + 0.65 * (count / most),
            borderRadius: [3, 3, 0, 0],
          },
        })),
      },
    ],
  };
}
