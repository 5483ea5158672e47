// Who asks: one bar that is all queries, cut by user type.
import { useAnalytics } from '../api/store';
import { Legend } from '../components/Legend';
import { Panel } from '../components/Panel';
import { groupLabel } from '../format/label';
import { formatCount, formatPercent } from '../format/number';
import { t } from '../i18n';
import { userTypeColor, useTheme } from '../theme';

export function UserTypes() {
  const theme = useTheme();
  const rows = useAnalytics('userType');
  const sorted = (rows ?? []).toSorted((a, b) => b.query_count - a.query_count);

  return (
    <Panel title={t('Who asks')} range={t('last 30 days')} area="user-types" rows={rows}>
      <div className="distribution">
        <div className="distribution-bar" aria-hidden="true">
          {sorted.map((row) => (
            <span
              key={row.user_type}
              title={groupLabel(row.user_type)}
              style={{ flexGrow: row.query_count, background: userTypeColor(row.user_type, theme) }}
            />
          ))}
        </div>
        <Legend
          items={sorted.map((row) => ({
            label: groupLabel(row.user_type),
            color: userTypeColor(row.user_type, theme),
            share: formatPercent(row.percentage),
            count: formatCount(row.query_count),
          }))}
        />
      </div>
    </Panel>
  );
}
