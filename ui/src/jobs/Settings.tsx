// Settings by name, with a search.
import { useId, useState } from 'react';
import { t } from '../i18n';
import { Table } from './Table';
import type { Setting } from './types';

export function Settings({ title, settings }: { title: string; settings: Setting[] }) {
  const [sought, setSought] = useState('');
  const heading = useId();
  const words = sought.trim().toLowerCase();
  const found = settings.filter(({ key, value }) => `${key} ${value}`.toLowerCase().includes(words));

  return (
    <section className="jobs-section" aria-labelledby={heading}>
      <div className="jobs-title">
        <h2 id={heading}>{title}</h2>
        {settings.length > 8 && (
          <input
            type="search"
            aria-label={t('Search {{title}}', { title })}
            placeholder={t('Search')}
            value={sought}
            onChange={(event) => setSought(event.target.value)}
          />
        )}
      </div>
      {found.length === 0 ? (
        <p className="jobs-note">
          {settings.length === 0 ? t('None.') : t('No setting contains “{{sought}}”.', { sought })}
        </p>
      ) : (
        <Table
          caption={title}
          keyOf={({ key }) => key}
          rows={found}
          columns={[
            { name: t('Name'), cell: ({ key }) => <code>{key}</code> },
            {
              name: t('Value'),
              cell: ({ value }) => <code className="jobs-value">{value || t('(empty)')}</code>,
            },
          ]}
        />
      )}
    </section>
  );
}
