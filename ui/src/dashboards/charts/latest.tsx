// Several numbers of the newest closed window side by side, for each value of a column. Percentiles are exact only in the
// window that they were counted in, so they are those of one window, which the head names.
import { formatTime, formatValue } from '../../explore/cells';
import { numbersOf } from '../../explore/plan';
import { t } from '../../i18n';
import { useAnswer } from '../answer';
import type { ChartProps } from '../charts';
import { Frame } from '../Frame';
import { byOf, conditionsFor, measureOf } from '../queries';
import { classOf } from '../thresholds';

/** Rows that are asked for: those of the newest windows. */
const ROWS = 200;
const NUMBERS_MAX = 6;

export default function LatestChart({ table, panel, view, asked }: ChartProps) {
  const by = byOf(table, panel)[0];
  const numbers = numbersFor(table, panel);

  const query = new URLSearchParams({ limit: String(ROWS) });
  if (view.from && view.to) query.set('to', view.to);
  query.set('where', [conditionsFor(table, panel, view), '_is_final = TRUE'].filter(Boolean).join(' AND '));
  const answer = useAnswer(table, query, asked);

  // The newest come first.
  const newest = answer.rows?.[0]?._time;
  const rows = (answer.rows ?? []).filter((row) => row._time === newest).slice(0, panel.limit ?? ROWS);
  const most = Math.max(...rows.flatMap((row) => numbers.map((name) => Number(row[name]))), 0);

  return (
    <Frame
      panel={panel}
      table={table}
      about={newest ? t('window until {{time}}', { time: formatTime(newest).replace('T', ' ') }) : ''}
      isLoading={answer.rows === undefined}
      isEmpty={rows.length === 0}
      error={answer.error}
      query={query}
    >
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard. */}
      <section className="latest" aria-label={t('Rows of {{title}}', { title: panel.title })} tabIndex={0}>
        <table>
          <thead>
            <tr>
              {by && <th scope="col">{by}</th>}
              {numbers.map((name) => (
                <th key={name} scope="col" className="number">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={String(row._key)}>
                {by && <th scope="row">{formatValue(row[by], by)}</th>}
                {numbers.map((name, place) => {
                  const share = most > 0 ? Math.max(0, Number(row[name])) / most : 0;
                  return (
                    <td key={name} className={`number ${classOf(row[name], panel.thresholds) ?? ''}`}>
                      <span
                        className="latest-bar"
                        style={{ inlineSize: `${share * 100}%`, opacity: (place + 1) / numbers.length }}
                      />
                      <span>{formatValue(row[name], unitOf(name))}</span>
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </Frame>
  );
}

/** The columns that `options.numbers` names, as far as the table has them; otherwise the number of the panel. */
function numbersFor(table: ChartProps['table'], panel: ChartProps['panel']): string[] {
  const known = new Set(numbersOf(table).map(({ name }) => name));
  const wanted = Array.isArray(panel.options?.numbers) ? panel.options.numbers : [];
  const numbers = wanted.filter((name): name is string => typeof name === 'string' && known.has(name));
  if (numbers.length > 0) return numbers.slice(0, NUMBERS_MAX);
  const { name } = measureOf(table, panel);
  return name === null ? [] : [name];
}

/** `median_time` of response times is a duration, as `response_time` is. */
function unitOf(name: string): string {
  return /_time$/.test(name) ? 'response_time' : name;
}
