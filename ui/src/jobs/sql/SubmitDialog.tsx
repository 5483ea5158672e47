// A script becomes a job: a new one, one that starts from a savepoint, or one in place of a running job. What happens to
// the state is shown before it is done.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { t } from '../../i18n';
import { act, Unreachable } from '../api';
import { Copy } from '../Copy';
import { Dialog } from '../Dialog';
import { formatMoment } from '../format';
import { isOver, useJobs } from '../queries';
import { StateReport } from './StateReport';
import { useSnapshots } from './snapshots';
import type { DryRun, Submitted } from './types';

type Start = 'new' | 'from' | 'replace';

interface SubmitDialogProps {
  script: string;
  name: string;
  /** A savepoint, or a job to replace, that the address of the page names. */
  from: string | undefined;
  replace: string | undefined;
  onClose: () => void;
}

/** The old job writes a savepoint, and the new one has ten seconds for its first checkpoint. */
const TIMEOUT_MS = 180_000;

export function SubmitDialog({ script, name: scriptName, from, replace, onClose }: SubmitDialogProps) {
  const [start, setStart] = useState<Start>(
    replace !== undefined ? 'replace' : from !== undefined ? 'from' : 'new',
  );
  const [name, setName] = useState(scriptName);
  const [savepoint, setSavepoint] = useState(from ?? '');
  const [job, setJob] = useState(replace ?? '');
  const queries = useQueryClient();

  const place = start === 'from' ? { from: savepoint.trim() } : start === 'replace' ? { replace: job } : {};
  const isChosen = start === 'new' || (start === 'from' ? savepoint.trim() !== '' : job !== '');
  // Without a name, a job that replaces another one takes its name.
  const body = {
    script,
    file: scriptName,
    ...place,
    ...(start !== 'replace' && { name: name.trim() || scriptName }),
  };

  const preview = useQuery({
    queryKey: ['dry run', JSON.stringify(body)],
    queryFn: () => act<DryRun>('POST', 'weir/jobs', { ...body, dry_run: true }, TIMEOUT_MS),
    enabled: start !== 'new' && isChosen,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  const submit = useMutation({
    networkMode: 'always',
    mutationFn: () => act<Submitted>('POST', 'weir/jobs', body, TIMEOUT_MS),
    onSuccess: () => queries.refetchQueries({ queryKey: ['jobs/overview'] }),
  });
  const isReady = isChosen && (start === 'new' || preview.data !== undefined);

  if (submit.data) return <Done submitted={submit.data} onClose={onClose} />;
  return (
    <Dialog title={t('Submit {{name}} as a job?', { name: scriptName })} onClose={onClose}>
      <p>
        {t(
          'The job runs until it is stopped, and is started again with Weir. It writes to the tables of its INSERT statements.',
        )}
      </p>
      <fieldset className="sql-starts" disabled={submit.isPending}>
        <legend>{t('Start')}</legend>
        <Choice start="new" chosen={start} onChoose={setStart} name={t('without state')} />
        <Choice start="from" chosen={start} onChoose={setStart} name={t('from a savepoint or checkpoint')} />
        <Choice
          start="replace"
          chosen={start}
          onChoose={setStart}
          name={t('in place of a running job, from its state')}
        />
      </fieldset>
      {start !== 'replace' && (
        <label className="sql-field">
          {t('Name of the job, unless the script sets one')}
          <input type="text" value={name} maxLength={200} onChange={({ target }) => setName(target.value)} />
        </label>
      )}
      {start === 'from' && <SavepointChoice value={savepoint} onChange={setSavepoint} />}
      {start === 'replace' && <JobChoice value={job} onChange={setJob} />}
      {start !== 'new' && isChosen && preview.isFetching && (
        <p className="jobs-note" role="status">
          {t('Comparing the script with the state…')}
        </p>
      )}
      {start !== 'new' && preview.data && <StateReport report={preview.data} />}
      {start === 'replace' && preview.data && (
        <p>
          {t(
            'The old job is stopped with a savepoint, which stays. If the new job does not start, the old one goes on.',
          )}
        </p>
      )}
      <Refusal
        error={submit.error ?? (start === 'new' ? null : preview.error)}
        isSubmitted={submit.error !== null}
      />
      <div className="jobs-dialog-actions">
        <button type="button" className="jobs-button" onClick={onClose}>
          {t('Do not submit')}
        </button>
        <button
          type="button"
          className={
            preview.data?.complete === false && start !== 'new'
              ? 'jobs-button jobs-button-danger'
              : 'jobs-button jobs-button-main'
          }
          disabled={!isReady || submit.isPending}
          onClick={() => submit.mutate()}
        >
          {submit.isPending ? t('Submitting…') : start === 'replace' ? t('Replace job') : t('Submit job')}
        </button>
      </div>
    </Dialog>
  );
}

interface ChoiceProps {
  start: Start;
  chosen: Start;
  onChoose: (start: Start) => void;
  name: string;
}

function Choice({ start, chosen, onChoose, name }: ChoiceProps) {
  return (
    <label>
      <input type="radio" name="start" checked={start === chosen} onChange={() => onChoose(start)} /> {name}
    </label>
  );
}

interface FieldProps {
  value: string;
  onChange: (value: string) => void;
}

function SavepointChoice({ value, onChange }: FieldProps) {
  const { data, error } = useSnapshots();
  return (
    <>
      <label className="sql-field">
        {t('Savepoint or checkpoint')}
        <select
          value={data?.some(({ path }) => path === value) ? value : ''}
          onChange={({ target }) => onChange(target.value)}
        >
          <option value="">
            {data?.length === 0 ? t('no job has one') : t('choose one, or write its path')}
          </option>
          {data?.map(({ path, job, at, isSavepoint }) => (
            <option key={path} value={path}>
              {isSavepoint
                ? t('{{job}}: savepoint of {{time}}', { job, time: formatMoment(at) })
                : t('{{job}}: checkpoint of {{time}}', { job, time: formatMoment(at) })}
            </option>
          ))}
        </select>
      </label>
      {error && <p className="jobs-error">{error.message}</p>}
      <label className="sql-field">
        {t('Path, as Weir sees it')}
        <input type="text" value={value} onChange={({ target }) => onChange(target.value)} />
      </label>
    </>
  );
}

function JobChoice({ value, onChange }: FieldProps) {
  const { data } = useJobs();
  const running = data?.jobs.filter(({ state }) => !isOver(state)) ?? [];
  return (
    <label className="sql-field">
      {t('Running job')}
      <select value={value} onChange={({ target }) => onChange(target.value)}>
        <option value="">{running.length === 0 ? t('no job is running') : t('choose one')}</option>
        {running.map(({ jid, name }) => (
          <option key={jid} value={jid}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

function Refusal({ error, isSubmitted }: { error: Error | null; isSubmitted: boolean }) {
  if (!error) return null;
  const isUnknown = isSubmitted && error instanceof Unreachable;
  return (
    <pre role="alert" className="jobs-log jobs-error">
      {isUnknown ? t('The outcome is not known: {{why}}', { why: error.message }) : error.message}
    </pre>
  );
}

function Done({ submitted, onClose }: { submitted: Submitted; onClose: () => void }) {
  const { jobid, name, state, replaced } = submitted;
  return (
    <Dialog title={t('{{name}} is {{state}}', { name, state })} onClose={onClose}>
      <p>
        <Link to="/job/$job/graph" params={{ job: jobid }}>
          {t('Go to the job')}
        </Link>
      </p>
      {replaced && (
        <>
          <p>{t('The job before it was stopped. Its savepoint stays:')}</p>
          <Copy text={replaced.savepoint} label={t('Copy the path of the savepoint')} />
        </>
      )}
      <div className="jobs-dialog-actions">
        <button type="button" className="jobs-button" onClick={onClose}>
          {t('Close')}
        </button>
      </div>
    </Dialog>
  );
}
