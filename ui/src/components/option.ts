// What all charts have in common, in the colours of the theme.
import type { BarSeriesOption, HeatmapSeriesOption, LineSeriesOption, PieSeriesOption } from 'echarts/charts';
import type {
  GridComponentOption,
  LegendComponentOption,
  TooltipComponentOption,
  VisualMapComponentOption,
} from 'echarts/components';
import type { ComposeOption } from 'echarts/core';
import { DAY_MS, formatWallDay, formatWallMinute } from '../format/time';
import type { Theme } from '../theme';

export type ChartOption = ComposeOption<
  | BarSeriesOption
  | HeatmapSeriesOption
  | LineSeriesOption
  | PieSeriesOption
  | GridComponentOption
  | LegendComponentOption
  | TooltipComponentOption
  | VisualMapComponentOption
>;

export const FONT =
  'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", Arial, "DejaVu Sans", sans-serif';

export function text(theme: Theme) {
  return { color: theme.muted, fontFamily: FONT, fontSize: 12 };
}

export function tooltip(theme: Theme, trigger: 'axis' | 'item'): TooltipComponentOption {
  return {
    trigger,
    confine: true,
    transitionDuration: 0,
    backgroundColor: theme.panel,
    borderColor: theme.line,
    padding: [8, 12],
    textStyle: { color: theme.text, fontFamily: FONT, fontSize: 13 },
    axisPointer: {
      type: 'line',
      lineStyle: { color: theme.muted, type: 'solid', opacity: 0.5 },
    },
  };
}

export function legend(theme: Theme): LegendComponentOption {
  return {
    top: 0,
    left: 0,
    icon: 'roundRect',
    itemWidth: 10,
    itemHeight: 10,
    itemGap: 16,
    textStyle: text(theme),
    inactiveColor: theme.line,
  };
}

export function categoryAxis(theme: Theme, data: string[]) {
  return {
    type: 'category' as const,
    data,
    axisLine: { lineStyle: { color: theme.line } },
    axisTick: { show: false },
    axisLabel: { ...text(theme), margin: 10 },
  };
}

/** Wall clock times as api/series.ts gives them; the option must say `useUTC`. */
export function timeAxis(theme: Theme) {
  return {
    type: 'time' as const,
    splitNumber: 3,
    axisLine: { lineStyle: { color: theme.line } },
    axisTick: { show: false },
    splitLine: { show: false },
    axisLabel: {
      ...text(theme),
      margin: 10,
      hideOverlap: true,
      formatter: (at: number) => (at % DAY_MS === 0 ? formatWallDay(at) : formatWallMinute(at)),
    },
  };
}

/** Space for the names of a `nameAxis`, left of the grid. */
export const NAMES_WIDTH = 80;

/** Categories from top to bottom, with names of any length beside them. */
export function nameAxis(theme: Theme, names: string[]) {
  const axis = categoryAxis(theme, names);
  const axisLabel = {
    ...axis.axisLabel,
    width: NAMES_WIDTH - 12,
    overflow: 'truncate' as const,
    interval: 0,
  };
  return { ...axis, inverse: true, axisLine: { show: false }, axisLabel };
}

export function valueAxis(theme: Theme, format: (value: number) => string) {
  return {
    type: 'value' as const,
    splitNumber: 3,
    axisLine: { show: false },
    axisTick: { show: false },
    splitLine: { lineStyle: { color: theme.line } },
    axisLabel: { ...text(theme), formatter: format },
  };
}
