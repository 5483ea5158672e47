// A query that runs: a session of the SQL gateway, whose rows are fetched page by page.
import { useCallback, useEffect, useRef, useState } from 'react';
import { t } from '../../i18n';
import { act, BASE, get } from '../api';
import { isActive, nextToken, type Run, withPage } from './rows';
import type { ResultPage } from './types';

const NONE: Run = { phase: 'idle', columns: [], rows: [], count: 0, job: null, error: null };
const SESSIONS = 'weir/sql/sessions';

export function useRun() {
  const [run, setRun] = useState<Run>(NONE);
  const current = useRef<AbortController | null>(null);

  const stop = useCallback(() => {
    current.current?.abort();
    current.current = null;
    setRun((run) => (isActive(run.phase) ? { ...run, phase: 'stopped' } : run));
  }, []);

  const start = useCallback((script: string) => {
    current.current?.abort();
    const control = new AbortController();
    current.current = control;
    setRun({ ...NONE, phase: 'starting' });
    const change = (next: (run: Run) => Run) => {
      if (!control.signal.aborted) setRun(next);
    };
    void follow(script, control.signal, change);
  }, []);

  // A page that is left ends its query.
  useEffect(() => {
    const leave = () => current.current?.abort();
    addEventListener('pagehide', leave);
    return () => {
      removeEventListener('pagehide', leave);
      leave();
    };
  }, []);

  return { run, start, stop };
}

async function follow(
  script: string,
  signal: AbortSignal,
  change: (next: (run: Run) => Run) => void,
): Promise<void> {
  let session: string | null = null;
  // The session ends the query with it. Without an answer it ends by itself after a while.
  const close = () => {
    if (session === null) return;
    void fetch(new URL(`${SESSIONS}/${session}`, BASE), { method: 'DELETE', keepalive: true }).catch(
      () => {},
    );
    session = null;
  };

  try {
    const opened = await act<{ sessionHandle: string }>('POST', SESSIONS, { sessionName: 'page' });
    session = opened.sessionHandle;
    if (signal.aborted) return;
    signal.addEventListener('abort', close);
    const path = `${SESSIONS}/${session}`;
    const { operationHandle: operation } = await act<{ operationHandle: string }>('POST', `${path}/scripts`, {
      script,
    });

    for (let token: string | null = '0'; token !== null && !signal.aborted; ) {
      const page: ResultPage = await get(
        `${path}/operations/${operation}/result/${token}?rowFormat=JSON`,
        signal,
      );
      change((run) => withPage(run, page));
      token = nextToken(page);
    }
    change((run) => ({ ...run, phase: 'ended' }));
  } catch (error) {
    const why = error instanceof Error ? error.message : t('the job manager does not answer');
    change((run) => ({ ...run, phase: 'failed', error: why }));
  } finally {
    close();
  }
}
