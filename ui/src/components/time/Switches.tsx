// The legend of a picture over time as buttons. They lie over the names that the picture has, which are drawn so that a
// saved picture has them too.
import { t } from '../../i18n';
import { type Switching, useSwitches } from '../series/switches';
import { LEGEND_ROW, legendPlaces, type Plot, type TimeSeries } from './plot';

interface SwitchesProps extends Switching {
  series: TimeSeries[];
  plot: Plot;
}

export function Switches({ series, plot, ...switching }: SwitchesProps) {
  const switchOf = useSwitches(
    series.map(({ id }) => id),
    switching,
  );
  const places = legendPlaces(series, plot.legendWidth);
  return (
    <fieldset className="time-switches">
      <legend className="visually-hidden">{t('Shown in the picture')}</legend>
      {series.map(({ id, name }, index) => {
        const { row, x, width } = places[index] ?? { row: 0, x: 0, width: 0 };
        return (
          <button
            key={id}
            {...switchOf(id, name)}
            aria-label={name}
            style={{
              insetInlineStart: x,
              insetBlockStart: row * LEGEND_ROW,
              inlineSize: width,
              blockSize: LEGEND_ROW,
            }}
          />
        );
      })}
    </fieldset>
  );
}
