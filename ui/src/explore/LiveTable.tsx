// The newest rows as they change. A row whose window is open says so, because its numbers still grow.
import { Panel } from '../components/Panel';
import { t } from '../i18n';
import type { Table } from './api';
import { formatTime, formatValue, isNumeric } from './cells';
import type { LiveRows } from './live';
import { timesOf } from './plan';

/** Rows that are drawn; the rest is in the download. */
const ROWS = 200;

export function LiveTable({ table, live }: { table: Table; live: LiveRows }) {
  const rows = (live.rows ?? []).slice(0, ROWS);
  const times = timesOf(table);
  return (
    <Panel
      title={t('Rows')}
      range={t('the newest, as they change')}
      area="rows"
      rows={live.rows === null ? undefined : rows}
    >
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard. */}
      <section className="explore-rows" aria-label={t('Newest rows')} tabIndex={0}>
        <table>
          <thead>
            <tr>
              {table.columns.map((column) => (
                <th
                  key={column.name}
                  scope="col"
                  className={isNumeric(column) ? 'number' : undefined}
                  title={column.type}
                >
                  {column.name}
                </th>
              ))}
              <th scope="col">{t('state')}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row._key} className={live.fresh.has(row._key) ? 'fresh' : undefined}>
                {table.columns.map((column) => (
                  <td key={column.name} className={isNumeric(column) ? 'number' : undefined}>
                    {times.has(column.name) && typeof row[column.name] === 'string'
                      ? formatTime(row[column.name])
                      : formatValue(row[column.name], column.name)}
                  </td>
                ))}
                <td>
                  {row._is_final
                    ? row._revision > 0
                      ? t('corrected {{count}}×', { count: row._revision })
                      : t('final')
                    : t('still counting')}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </Panel>
  );
}
