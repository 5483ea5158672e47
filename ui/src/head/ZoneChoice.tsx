// The zone of all times on the page: named, and to choose.

import { useState } from 'react';
import { allZones, browserZone, chooseZone, chosenZone, shownZone, zoneOfData } from '../format/zone';
import { t } from '../i18n';

export function ZoneChoice() {
  const ofData = zoneOfData() ?? '';
  // Four hundred zones are drawn when somebody looks at them.
  const [isOpen, setOpen] = useState(false);
  const zones = isOpen ? allZones() : chosenZone ? [chosenZone] : [];
  return (
    <select
      className="language zone-choice"
      aria-label={t('Time zone of the times on this page')}
      title={t('Times are shown in this zone. Days and hours of the day stay those of the data.')}
      onFocus={() => setOpen(true)}
      onPointerDown={() => setOpen(true)}
      value={chosenZone ?? ''}
      onChange={({ target }) => chooseZone(target.value === '' ? null : target.value)}
    >
      <option value="">{t('{{zone}} (as counted)', { zone: ofData || (shownZone() ?? '') })}</option>
      {browserZone() !== ofData && (
        <option value={browserZone()}>{t('{{zone}} (this computer)', { zone: browserZone() })}</option>
      )}
      {zones
        .filter((zone) => zone !== ofData && zone !== browserZone())
        .map((zone) => (
          <option key={zone} value={zone}>
            {zone}
          </option>
        ))}
    </select>
  );
}
