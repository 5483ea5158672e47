// What can be done to a job: cancel it, or stop it with a savepoint. Each asks first and says what will happen.
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { act, get, Unreachable } from './api';
import { Copy } from './Copy';
import { Dialog } from './Dialog';
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
        aria-label={isSmall ? `Cancel ${name}` : undefined}
        onClick={() => setAsking(true)}
      >
        Cancel{isSmall ? '' : ' job'}
      </button>
      {isAsking && (
        <Dialog title={`Cancel ${name}?`} onClose={close}>
          <p>
            The job ends at once and does not come back. Open windows are dropped, and no savepoint is
            written.
          </p>
          <p>
            Its checkpoints stay until Weir forgets the job: <code>weir run --from CHECKPOINT JOB.sql</code>{' '}
            goes on from one.
          </p>
          <Failed error={cancel.error} what="The job was not cancelled" />
          <div className="jobs-dialog-actions">
            <button type="button" className="jobs-button" onClick={close}>
              Keep running
            </button>
            <button
              type="button"
              className="jobs-button jobs-button-danger"
              disabled={cancel.isPending}
              onClick={() => cancel.mutate()}
            >
              {cancel.isPending ? 'Cancelling…' : 'Cancel job'}
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
          Stop with savepoint
        </button>
      )}
      {isAsking && (
        <Dialog title={stop.data ? `${name} is stopped` : `Stop ${name} with a savepoint?`} onClose={close}>
          {stop.data ? (
            <>
              <p>The savepoint is complete:</p>
              <p>
                <Copy text={stop.data} what="the path of the savepoint" />
              </p>
              <p>
                <code>weir run --from SAVEPOINT JOB.sql</code> goes on from it.
              </p>
            </>
          ) : (
            <>
              <p>
                The job writes a savepoint with its offsets and open windows, and then ends as FINISHED. A new
                job can go on from the savepoint without losing or repeating records.
              </p>
              <label className="jobs-check">
                <input
                  type="checkbox"
                  checked={drain}
                  disabled={stop.isPending}
                  onChange={(event) => setDrain(event.target.checked)}
                />
                <span>
                  Drain: after the savepoint, close all open windows and write their rows. A job that goes on
                  from the savepoint writes them again.
                </span>
              </label>
            </>
          )}
          <Failed error={stop.error} what="The job was not stopped" />
          <div className="jobs-dialog-actions">
            <button type="button" className="jobs-button" onClick={close}>
              {stop.data ? 'Close' : 'Keep running'}
            </button>
            {!stop.data && (
              <button
                type="button"
                className="jobs-button jobs-button-main"
                disabled={stop.isPending}
                onClick={() => stop.mutate()}
              >
                {stop.isPending ? 'Writing the savepoint…' : 'Stop job'}
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
      return operation?.location ?? 'the server did not say where';
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function Failed({ error, what }: { error: Error | null; what: string }) {
  // Without an answer, the action may have reached the server.
  const outcome = error instanceof Unreachable ? 'The outcome is not known' : what;
  return (
    <p role="alert" className="jobs-error">
      {error && `${outcome}: ${error.message}`}
    </p>
  );
}
