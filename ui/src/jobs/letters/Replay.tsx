// Replay of dead letters: a dry run says what will happen, and only then it can be done.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { formatCount } from '../../format/number';
import { t } from '../../i18n';
import { act, Unreachable } from '../api';
import { Dialog } from '../Dialog';
import type { Replayed } from './queries';

/** Body of a replay: dead letters by id, or a filter. */
interface Wanted {
  ids?: string[];
  reason?: string | undefined;
  job?: string | undefined;
  since?: number;
}

interface ReplayButtonProps {
  name: string;
  wanted: Wanted;
  /** How many dead letters it is about; without any, there is nothing to do. */
  count: number;
}

/** A replay reads all dead letters and appends what may be many records. */
const TIMEOUT_MS = 120_000;

function replay(wanted: Wanted, dryRun: boolean) {
  return act<Replayed>('POST', 'weir/dead-letters/replay', { ...wanted, dry_run: dryRun }, TIMEOUT_MS);
}

export function ReplayButton({ name, wanted, count }: ReplayButtonProps) {
  const [isAsking, setAsking] = useState(false);
  return (
    <>
      <button type="button" className="jobs-button" disabled={count === 0} onClick={() => setAsking(true)}>
        {name}
      </button>
      {isAsking && <Question wanted={wanted} onClose={() => setAsking(false)} />}
    </>
  );
}

function Question({ wanted: given, onClose }: { wanted: Wanted; onClose: () => void }) {
  // New dead letters come in while the question stands.
  const [wanted] = useState(given);
  const queries = useQueryClient();
  const preview = useQuery({
    queryKey: ['replay', JSON.stringify(wanted)],
    queryFn: () => replay(wanted, true),
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const { data, error, isPending, mutate } = useMutation({
    networkMode: 'always',
    // What the question was about, and nothing that has come since.
    mutationFn: () => replay({ ids: preview.data?.replayed ?? [] }, false),
    onSuccess: () =>
      queries.refetchQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'replay', type: 'active' }),
  });
  const count = preview.data?.replayed.length ?? 0;

  return (
    <Dialog title={data ? t('Dead letters were replayed') : t('Replay dead letters?')} onClose={onClose}>
      {data ? (
        <Outcome outcome={data} isDone />
      ) : preview.data ? (
        <>
          <Outcome outcome={preview.data} isDone={false} />
          {count > 0 && (
            <p>
              {t(
                'Running jobs read them as new records, with their original keys, headers and times. What is still wrong with them makes them dead letters again. A replay cannot be taken back.',
              )}
            </p>
          )}
        </>
      ) : (
        !preview.error && <p className="jobs-note">{t('Looking at what can be replayed…')}</p>
      )}
      <p role="alert" className="jobs-error">
        {preview.error?.message}
        {error &&
          (error instanceof Unreachable
            ? t('The outcome is not known: {{why}}', { why: error.message })
            : t('Nothing was replayed: {{why}}', { why: error.message }))}
      </p>
      <div className="jobs-dialog-actions">
        <button type="button" className="jobs-button" onClick={onClose}>
          {data || count === 0 ? t('Close') : t('Do not replay')}
        </button>
        {!data && count > 0 && (
          <button
            type="button"
            className="jobs-button jobs-button-main"
            disabled={isPending}
            onClick={() => mutate()}
          >
            {isPending ? t('Replaying…') : sayReplay(count)}
          </button>
        )}
      </div>
    </Dialog>
  );
}

function sayReplay(count: number): string {
  return count === 1 ? t('Replay 1 event') : t('Replay {{count}} events', { count: formatCount(count) });
}

function Outcome({ outcome, isDone }: { outcome: Replayed; isDone: boolean }) {
  const reasons = new Map<string, number>();
  for (const { reason } of outcome.left) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  return (
    <>
      <p>{sayAppended(outcome.replayed.length, isDone)}</p>
      {reasons.size > 0 && (
        <>
          <p>{isDone ? t('These were left:') : t('These are left:')}</p>
          <ul className="jobs-operators">
            {[...reasons].map(([reason, count]) => (
              <li key={reason}>{t('{{count}}: {{reason}}', { count: formatCount(count), reason })}</li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}

function sayAppended(count: number, isDone: boolean): string {
  const counted = formatCount(count);
  if (isDone) {
    return count === 1
      ? t('1 event was appended to its topic again.')
      : t('{{count}} events were appended to their topics again.', { count: counted });
  }
  if (count === 0) return t('None of them can be replayed.');
  return count === 1
    ? t('1 event will be appended to its topic again.')
    : t('{{count}} events will be appended to their topics again.', { count: counted });
}
