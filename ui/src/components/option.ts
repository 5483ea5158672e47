// What all charts have in common, in the colours of the theme.
import type { BarSeriesOption, LineSeriesOption } from 'echarts/charts';
import type { GridComponentOption, TooltipComponentOption } from 'echarts/components';
import type { ComposeOption } from 'echarts/core';
import type { Theme } from '../theme';
import { FONT } from './font';

export type ChartOption = ComposeOption<
  BarSeriesOption | LineSeriesOption | GridComponentOption | TooltipComponentOption
>;

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
