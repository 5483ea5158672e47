// Before the first event: the one command that sends it.
import { useState } from 'react';
import { CopyCommand } from '../components/CopyCommand';

export function EmptyState() {
  // Shown with the time at which it came up; copied with the time of copying.
  const [command] = useState(firstEvent);
  return (
    <section className="notice" aria-labelledby="empty-title">
      <h2 id="empty-title">No events yet</h2>
      <p>
        Weir is running and waits for queries. Send a first one from a terminal; it shows up here at once.
      </p>
      <CopyCommand command={command} copied={firstEvent} />
    </section>
  );
}

function firstEvent(): string {
  const event = {
    query_id: 'q-1',
    timestamp: new Date().toISOString(),
    user: { user_id: 1, user_type: 'Sinh viên', years: 2 },
    query_text: 'Học phí kỳ này?',
    rag_metrics: { response_time_ms: 812.5, success: true },
  };
  return `curl -X POST ${location.origin}/events -H 'content-type: application/json' -d '${JSON.stringify(event)}'`;
}
