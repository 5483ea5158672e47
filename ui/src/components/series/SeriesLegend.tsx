// The legend of a chart that ECharts draws, beside the chart and not in it: its names are buttons for every reader.
import { t } from '../../i18n';
import { type Switching, useSwitches } from './switches';

export interface Named {
  id: string;
  name: string;
  color: string;
}

interface SeriesLegendProps extends Switching {
  series: readonly Named[];
}

/** Nothing for a chart with one series. */
export function SeriesLegend({ series, ...switching }: SeriesLegendProps) {
  const switchOf = useSwitches(
    series.map(({ id }) => id),
    switching,
  );
  if (series.length < 2) return null;
  return (
    <fieldset className="series-legend">
      <legend className="visually-hidden">{t('Shown in the picture')}</legend>
      {series.map(({ id, name, color }) => (
        <button key={id} {...switchOf(id, name)}>
          <span style={{ color }} />
          {name}
        </button>
      ))}
    </fieldset>
  );
}
