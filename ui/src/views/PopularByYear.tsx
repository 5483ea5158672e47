// What students ask most, one year of study at a time.
import { useState } from 'react';
import { useAnalytics } from '../api/store';
import { Panel } from '../components/Panel';
import { RankedList } from '../components/RankedList';
import { Tabs } from '../components/Tabs';
import { byYear, yearLabel, yearTick } from '../format/label';
import { t } from '../i18n';

export function PopularByYear() {
  const groups = useAnalytics('popularByYear');
  const [chosen, setChosen] = useState('');
  const years = Object.keys(groups ?? {}).sort(byYear);
  // A year can leave the range while it is chosen.
  const year = years.includes(chosen) ? chosen : (years[0] ?? '');

  return (
    <Panel
      title={t('Popular by year')}
      area="popular-by-year"
      rows={groups && years}
      actions={
        years.length > 0 && (
          <Tabs
            label={t('Year of study')}
            tabs={years.map((value) => ({ value, label: yearTick(value) }))}
            selected={year}
            controls="popular-by-year-list"
            onSelect={setChosen}
          />
        )
      }
    >
      <div id="popular-by-year-list" className="fill" role="tabpanel" aria-label={yearLabel(year)}>
        <RankedList questions={groups?.[year] ?? []} places={5} />
      </div>
    </Panel>
  );
}
