// Before the first event: the one command that sends it.
import { useState } from 'react';
import { useStore } from '../api/store';
import { CopyCommand } from '../components/CopyCommand';
import { t } from '../i18n';

export function EmptyState() {
  // Shown with the time at which it came up; copied with the time of copying.
  const [shownAt] = useState(() => new Date());
  const required = useStore((state) => state.session?.required ?? false);
  return (
    <section className="notice" aria-labelledby="empty-title">
      <h2 id="empty-title">{t('No events yet')}</h2>
      <p>
        {t('Weir is running and waits for queries. Send a query from a terminal: it appears here at once.')}
      </p>
      <CopyCommand command={firstEvent(shownAt, required)} copied={() => firstEvent(new Date(), required)} />
    </section>
  );
}

function firstEvent(at: Date, isTokenRequired: boolean): string {
  const event = {
    query_id: 'q-1',
    timestamp: at.toISOString(),
    user: { user_id: 1, user_type: 'Sinh viên', years: 2 },
    query_text: 'Học phí kỳ này?',
    rag_metrics: { response_time_ms: 812.5, success: true },
  };
  const token = isTokenRequired ? ` -H "Authorization: Bearer $WEIR_TOKEN"` : '';
  return `curl -X POST ${location.origin}/events${token} -H 'content-type: application/json' -d '${JSON.stringify(event)}'`;
}
