// How many queries were answered: the share, and how it went from minute to minute.
import { useMemo } from 'react';
import { wallTime } from '../api/series';
import { useAnalytics } from '../api/store';
import type { SuccessRecord } from '../api/types';
import { Chart } from '../components/Chart';
import { DataTable } from '../components/DataTable';
import { Gauge } from '../components/Gauge';
import { type ChartOption, categoryAxis, tooltip, valueAxis } from '../components/option';
import { Panel } from '../components/Panel';
import { formatCount, formatPercent } from '../format/number';
import { formatWallFull, formatWallMinute } from '../format/time';
import { type Theme, useTheme } from '../theme';
import { oldestFirst } from './records';

export function Success() {
  const theme = useTheme();
  const success = useAnalytics('successRate');
  const records = useMemo(() => oldestFirst(success?.records ?? []), [success]);
  const option = useMemo(() => draw(records, theme), [records, theme]);

  return (
    <Panel title="Success" range="last 7 days" area="success" rows={success?.records}>
      <div className="success">
        <Gauge percent={success?.success_rate} />
        <dl className="success-counts">
          <dt>Answered</dt>
          <dd>{formatCount(success?.total_success)}</dd>
          <dt>Failed</dt>
          <dd>{formatCount(success?.total_failure)}</dd>
        </dl>
        <Chart
          option={option}
          label={`Success rate of the newest ${records.length} minutes; now ${formatPercent(records.at(-1)?.success_rate_pct)}.`}
        >
          <DataTable
            caption="Success rate of the newest minutes"
            columns={['Minute', 'Success rate', 'Queries', 'Failed']}
            rows={records.map((record) => [
              formatWallFull(startOf(record)),
              formatPercent(record.success_rate_pct),
              formatCount(record.total_queries),
              formatCount(record.failure_count),
            ])}
          />
        </Chart>
      </div>
    </Panel>
  );
}

function draw(records: SuccessRecord[], theme: Theme): ChartOption {
  return {
    grid: { top: 10, right: 8, bottom: 26, left: 44 },
    tooltip: { ...tooltip(theme, 'axis'), valueFormatter: (rate) => formatPercent(Number(rate)) },
    xAxis: {
      ...categoryAxis(
        theme,
        records.map((record) => formatWallMinute(startOf(record))),
      ),
      boundaryGap: false,
    },
    // From a whole step of ten below the worst up to all: small losses stay visible.
    yAxis: {
      ...valueAxis(theme, formatPercent),
      min: (range) => Math.max(0, Math.min(90, Math.floor(range.min / 10) * 10)),
      max: 100,
      splitNumber: 2,
    },
    series: [
      {
        id: 'rate',
        name: '',
        type: 'line',
        data: records.map((record) => record.success_rate_pct ?? null),
        symbol: 'circle',
        symbolSize: 5,
        animation: false,
        lineStyle: { color: theme.good, width: 2 },
        itemStyle: { color: theme.good },
      },
    ],
  };
}

function startOf(record: SuccessRecord): number {
  return wallTime(record.window_start) ?? wallTime(record.timestamp) ?? 0;
}
