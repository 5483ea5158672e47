// Queries over time, by minute, hour or day.
import { useMemo, useState } from 'react';
import { fillSeries, firstWindow, type Slot } from '../api/series';
import { useAnalytics } from '../api/store';
import type { SeriesKey } from '../api/types';
import { Chart } from '../components/Chart';
import { DataTable } from '../components/DataTable';
import { type ChartOption, text, tooltip, valueAxis } from '../components/option';
import { Panel } from '../components/Panel';
import { Tabs } from '../components/Tabs';
import { formatCompact, formatCount } from '../format/number';
import { DAY_MS, formatWallDay, formatWallFull, formatWallMinute, HOUR_MS, MINUTE_MS } from '../format/time';
import { t } from '../i18n';
import { type Theme, useTheme } from '../theme';

interface Granularity {
  key: SeriesKey;
  step: number;
  count: number;
  /** Labels stand where the wall clock is a whole multiple of this. */
  tick: number;
  range: string;
  format: (at: number) => string;
}

type Name = 'minute' | 'hour' | 'day';

const GRANULARITIES: Record<Name, Granularity> = {
  minute: {
    key: 'timeseriesMinute',
    step: MINUTE_MS,
    count: 120,
    tick: 15 * MINUTE_MS,
    range: t('newest 2 hours'),
    format: formatWallMinute,
  },
  hour: {
    key: 'timeseriesHour',
    step: HOUR_MS,
    count: 168,
    tick: DAY_MS,
    range: t('newest 7 days'),
    format: formatWallDay,
  },
  day: {
    key: 'timeseriesDay',
    step: DAY_MS,
    count: 30,
    tick: 5 * DAY_MS,
    range: t('newest 30 days'),
    format: formatWallDay,
  },
};

const TABS: { value: Name; label: string }[] = [
  { value: 'minute', label: t('Minute') },
  { value: 'hour', label: t('Hour') },
  { value: 'day', label: t('Day') },
];

export function Traffic() {
  const theme = useTheme();
  const [name, setName] = useState<Name>('minute');
  const granularity = GRANULARITIES[name];
  const points = useAnalytics(granularity.key);
  const first = firstWindow({
    day: useAnalytics('timeseriesDay'),
    hour: useAnalytics('timeseriesHour'),
    minute: useAnalytics('timeseriesMinute'),
  });
  const slots = useMemo(
    () => fillSeries(points ?? [], granularity.step, granularity.count, first),
    [points, granularity, first],
  );
  const option = useMemo(() => draw(slots, granularity, theme), [slots, granularity, theme]);
  const sum = slots.reduce((total, slot) => total + (slot.count ?? 0), 0);

  return (
    <Panel
      title={t('Queries over time')}
      range={granularity.range}
      area="traffic"
      rows={points}
      actions={
        <Tabs
          label={t('Width of a step')}
          tabs={TABS}
          selected={name}
          controls="traffic-chart"
          onSelect={setName}
        />
      }
    >
      <div id="traffic-chart" className="fill" role="tabpanel" aria-label={t('By {{unit}}', { unit: name })}>
        <Chart
          option={option}
          label={t('{{sum}} queries by {{unit}}, {{range}}.', {
            sum: formatCount(sum),
            unit: name,
            range: granularity.range,
          })}
        >
          <DataTable
            caption={t('Queries by {{unit}}', { unit: name })}
            columns={[name, t('Queries')]}
            rows={slots.filter(hasQueries).map((slot) => [formatWallFull(slot.at), sayCount(slot)])}
          />
        </Chart>
      </div>
    </Panel>
  );
}

function draw(slots: Slot[], { format, tick }: Granularity, theme: Theme): ChartOption {
  return {
    grid: { top: 12, right: 16, bottom: 30, left: 48 },
    tooltip: {
      ...tooltip(theme, 'axis'),
      formatter: (params) => {
        const [first] = Array.isArray(params) ? params : [params];
        const slot = slots[first?.dataIndex ?? -1];
        return slot ? `${formatWallFull(slot.at)}<br><b>${sayCount(slot)}</b> queries` : '';
      },
    },
    xAxis: {
      type: 'category',
      boundaryGap: false,
      data: slots.map((slot) => String(slot.at)),
      axisLine: { lineStyle: { color: theme.line } },
      axisTick: { show: false },
      axisLabel: {
        ...text(theme),
        margin: 10,
        hideOverlap: true,
        interval: (_, at) => Number(at) % tick === 0,
        formatter: (at: string) => format(Number(at)),
      },
    },
    yAxis: { ...valueAxis(theme, formatCompact), minInterval: 1 },
    series: [
      {
        id: 'queries',
        type: 'line',
        data: slots.map((slot) => (slot.isOpen ? null : slot.count)),
        showSymbol: false,
        // The newest point moves all others to the left; sliding them there would only blur.
        animation: false,
        lineStyle: { color: theme.accent, width: 2 },
        itemStyle: { color: theme.accent },
        areaStyle: { color: theme.accent, opacity: 0.12 },
      },
      // The window that is still open stands alone: a line to it would look like a fall.
      {
        id: 'open',
        type: 'line',
        data: slots.map((slot) => (slot.isOpen ? slot.count : null)),
        symbol: 'circle',
        symbolSize: 8,
        animation: false,
        lineStyle: { width: 0 },
        itemStyle: { color: theme.panel, borderColor: theme.accent, borderWidth: 2 },
      },
    ],
  };
}

function hasQueries(slot: Slot): boolean {
  return (slot.count ?? 0) > 0;
}

/** The count, and whether it still grows. */
function sayCount(slot: Slot): string {
  const count = formatCount(slot.count);
  return slot.isOpen ? `${count} so far` : count;
}
