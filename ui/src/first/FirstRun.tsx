// Before the first event: one sentence, the event in three languages, and generated events for a look around.

import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { fetchSession } from '../api/session';
import { CopyCommand } from '../components/CopyCommand';
import { BASE } from '../explore/api';
import { t } from '../i18n';
import { EXAMPLES, type Example, firstEvent } from './firstEvent';
import { useGenerated, useGenerator } from './generated';

export function FirstRun() {
  const { data: session } = useQuery({
    queryKey: ['session'],
    queryFn: () => fetchSession(BASE),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const [example, setExample] = useState<Example>('curl');
  // Shown with the time at which it came up; copied with the time of copying.
  const [shownAt] = useState(() => new Date());
  const program = (at: Date) =>
    firstEvent(example, {
      url: new URL('events', BASE).href,
      at,
      needsToken: session?.required ?? false,
    });

  return (
    <section className="notice" aria-labelledby="empty-title">
      <h1 id="empty-title">{t('No events yet')}</h1>
      <p>{t('Weir is running and waits for events: send one, and it appears here at once.')}</p>
      <fieldset className="tabs explore-periods first-languages">
        <legend className="visually-hidden">{t('Language of the example')}</legend>
        {Object.entries(EXAMPLES).map(([name, label]) => (
          <button
            key={name}
            type="button"
            aria-pressed={name === example}
            onClick={() => setExample(name as Example)}
          >
            {label}
          </button>
        ))}
      </fieldset>
      <CopyCommand key={example} command={program(shownAt)} copied={() => program(new Date())} />
      <Generator />
    </section>
  );
}

/** The way to figures without events of one's own. */
function Generator() {
  const { data } = useGenerated();
  const start = useGenerator('POST');
  if (!data) return null;
  if (data.refusal !== null && data.refusal !== undefined) {
    return (
      <p className="first-generated">
        {t('Generated events are not available: {{why}}.', { why: data.refusal })}
      </p>
    );
  }
  return (
    <div className="first-generated">
      <p>
        {t(
          'Or look around with generated events: a week with a daily rhythm, and then the present. They have a topic, a job and tables of their own, so they never mix with your events, and one button removes their figures.',
        )}
      </p>
      <button type="button" className="button" disabled={start.isPending} onClick={() => start.mutate()}>
        {start.isPending ? t('Starting…') : t('Show generated events')}
      </button>
      {start.error && (
        <p className="board-error" role="alert">
          {start.error.message}
        </p>
      )}
    </div>
  );
}
