// What can be done to a job: cancel it, or stop it with a savepoint. Each asks first and says what will happen.
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { t } from '../i18n';
import { act, get, Unreachable } from './api';
import { Copy } from './Copy';
import { Dialog } from './Dialog';
import { Sentence } from './Sentence';
import type { Progress } from './types';
import { plainWords } from './words';

const POLL_MS = 300;

interface ActionProps {
  job: string;
  name: string;
  isSmall?: boolean;
}

export function CancelButton({ job, name, isSmall }: ActionProps) {
  const [isAsking, setAsking] = useState(false);
  const queries = useQueryClient();
  const cancel = useMutation({
    networkMode: 'always',
    mutationFn: () => act('PATCH', `jobs/${job}?mode=cancel`),
    onSuccess: async () => {
      await queries.refetchQueries();
      setAsking(false);
    },
  });
  const close = () => {
    setAsking(false);
    cancel.reset();
  };

  return (
    <>
      <button
        type="button"
        className={isSmall ? 'jobs-button jobs-button-small' : 'jobs-button'}
        aria-label={isSmall ? t('Cancel {{name}}', { name }) : undefined}
        onClick={() => setAsking(true)}
      >
        {isSmall ? t('Cancel') : t('Cancel job')}
      </button>
      {isAsking && (
        <Dialog title={t('Cancel {{name}}?', { name })} onClose={close}>
          <p>
            {t(
              'The job ends at once and does not come back. Open windows are dropped, and no savepoint is written.',
            )}
          </p>
          <p>
            <Sentence
              text={t('Its checkpoints stay until Weir forgets the job: {{command}} goes on from one.')}
              values={{ command: <code>weir run --from CHECKPOINT JOB.sql</code> }}
            />
          </p>
          <Failed error={cancel.error} say={(why) => t('The job was not cancelled: {{why}}', { why })} />
          <div className="jobs-dialog-actions">
            <button type="button" className="jobs-button" onClick={close}>
              {t('Keep running')}
            </button>
            <button
              type="button"
              className="jobs-button jobs-button-danger"
              disabled={cancel.isPending}
              onClick={() => cancel.mutate()}
            >
              {cancel.isPending ? t('Cancelling…') : t('Cancel job')}
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}

interface StopProps extends ActionProps {
  /** Without a job to stop there is no button; the dialog stays, because it shows where the savepoint is. */
  isOver: boolean;
}

export function StopButton({ job, name, isOver }: StopProps) {
  const [isAsking, setAsking] = useState(false);
  const [drain, setDrain] = useState(false);
  const queries = useQueryClient();
  const stop = useMutation({
    networkMode: 'always',
    mutationFn: () => stopWithSavepoint(job, drain),
    onSuccess: () => queries.refetchQueries(),
  });
  const close = () => {
    setAsking(false);
    stop.reset();
  };

  return (
    <>
      {!isOver && (
        <button type="button" className="jobs-button" onClick={() => setAsking(true)}>
          {t('Stop with savepoint')}
        </button>
      )}
      {isAsking && (
        <Dialog
          title={
            stop.data ? t('{{name}} is stopped', { name }) : t('Stop {{name}} with a savepoint?', { name })
          }
          onClose={close}
        >
          {stop.data ? (
            <>
              <p>{t('The savepoint is complete:')}</p>
              <p>
                <Copy text={stop.data} label={t('Copy the path of the savepoint')} />
              </p>
              <p>
                <Sentence
                  text={t('{{command}} goes on from it.')}
                  values={{ command: <code>weir run --from SAVEPOINT JOB.sql</code> }}
                />
              </p>
            </>
          ) : (
            <>
              <p>
                {t(
                  'The job writes a savepoint with its offsets and open windows, and then ends as FINISHED. A new job can go on from the savepoint without losing or repeating records.',
                )}
              </p>
              <label className="jobs-check">
                <input
                  type="checkbox"
                  checked={drain}
                  disabled={stop.isPending}
                  onChange={(event) => setDrain(event.target.checked)}
                />
                <span>
                  {t(
                    'Drain: after the savepoint, close all open windows and write their rows. A job that goes on from the savepoint writes them again.',
                  )}
                </span>
              </label>
            </>
          )}
          <Failed error={stop.error} say={(why) => t('The job was not stopped: {{why}}', { why })} />
          <div className="jobs-dialog-actions">
            <button type="button" className="jobs-button" onClick={close}>
              {stop.data ? t('Close') : t('Keep running')}
            </button>
            {!stop.data && (
              <button
                type="button"
                className="jobs-button jobs-button-main"
                disabled={stop.isPending}
                onClick={() => stop.mutate()}
              >
                {stop.isPending ? t('Writing the savepoint…') : t('Stop job')}
              </button>
            )}
          </div>
        </Dialog>
      )}
    </>
  );
}

/** Stops a job; returns the path of its savepoint once that is complete. */
async function stopWithSavepoint(job: string, drain: boolean): Promise<string> {
  const wanted = { targetDirectory: null, drain };
  const { 'request-id': trigger } = await act<{ 'request-id': string }>('POST', `jobs/${job}/stop`, wanted);

  for (;;) {
    const { status, operation } = await get<Progress>(`jobs/${job}/savepoints/${trigger}`);
    if (status.id === 'COMPLETED') {
      const cause = operation?.['failure-cause'];
      if (cause) throw new Error(plainWords(cause['stack-trace'] || cause.class));
      return operation?.location ?? t('the server did not say where');
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function Failed({ error, say }: { error: Error | null; say: (why: string) => string }) {
  // Without an answer, the action may have reached the server.
  const outcome =
    error instanceof Unreachable ? (why: string) => t('The outcome is not known: {{why}}', { why }) : say;
  return (
    <p role="alert" className="jobs-error">
      {error && outcome(error.message)}
    </p>
  );
}
