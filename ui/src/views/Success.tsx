// How many queries were answered: the share of the week, and how it went in the newest minutes.
import { useMemo } from 'react';
import { useAnalytics } from '../api/store';
import { Chart } from '../components/Chart';
import { DataTable } from '../components/DataTable';
import { Gauge } from '../components/Gauge';
import { type ChartOption, timeAxis, tooltip, valueAxis } from '../components/option';
import { Panel } from '../components/Panel';
import { formatCount, formatPercent } from '../format/number';
import { formatWallFull, MINUTE_MS } from '../format/time';
import { t } from '../i18n';
import { type Theme, useTheme } from '../theme';
import { closedRates, type Rate } from './records';

export function Success() {
  const theme = useTheme();
  const success = useAnalytics('successRate');
  const rates = useMemo(() => closedRates(success?.records ?? []), [success]);
  const option = useMemo(() => draw(rates, theme), [rates, theme]);

  return (
    <Panel title={t('Success')} range={t('last 7 days')} area="success" rows={success?.records}>
      <div className="success">
        <Gauge percent={success?.success_rate} />
        <dl className="success-counts">
          <dt>{t('Answered')}</dt>
          <dd>{formatCount(success?.total_success)}</dd>
          <dt>{t('Failed')}</dt>
          <dd>{formatCount(success?.total_failure)}</dd>
        </dl>
        <div className="success-course">
          <h3>{t('Newest {{minutes}} minutes with queries', { minutes: rates.length })}</h3>
          <Chart
            option={option}
            label={t('Success rate of the newest {{minutes}} minutes with queries; now {{rate}}.', {
              minutes: rates.length,
              rate: formatPercent(rates.at(-1)?.percent),
            })}
          >
            <DataTable
              caption={t('Success rate of the newest minutes with queries')}
              columns={[t('Minute'), t('Success rate'), t('Queries'), t('Failed')]}
              rows={rates.map(({ at, percent, record }) => [
                formatWallFull(at),
                formatPercent(percent),
                formatCount(record.total_queries),
                formatCount(record.failure_count),
              ])}
            />
          </Chart>
        </div>
      </div>
    </Panel>
  );
}

function draw(rates: Rate[], theme: Theme): ChartOption {
  return {
    useUTC: true,
    grid: { top: 10, right: 8, bottom: 26, left: 44 },
    tooltip: {
      ...tooltip(theme, 'axis'),
      formatter: (params) => {
        const [first] = Array.isArray(params) ? params : [params];
        const [at, rate] = (first?.value ?? []) as [number?, number?];
        return at === undefined ? '' : `${formatWallFull(at)}<br><b>${formatPercent(rate)}</b>`;
      },
    },
    xAxis: timeAxis(theme),
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
        data: withGaps(rates),
        symbol: 'circle',
        symbolSize: 5,
        animation: false,
        lineStyle: { color: theme.good, width: 2 },
        itemStyle: { color: theme.good },
      },
    ],
  };
}

/** A line must not lead through minutes in which nobody asked anything. */
function withGaps(rates: Rate[]): [number, number | null][] {
  return rates.flatMap(({ at, percent }, index) => {
    const before = rates[index - 1];
    const gap: [number, null][] = before && at - before.at > MINUTE_MS ? [[before.at + MINUTE_MS, null]] : [];
    return [...gap, [at, percent] as [number, number | null]];
  });
}
