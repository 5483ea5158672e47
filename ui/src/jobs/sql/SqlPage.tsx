// SQL: a script with its errors at their places, the rows of its query, its plan, and its way to a job.
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useRef, useState } from 'react';
import { Boundary } from '../../components/Boundary';
import { t } from '../../i18n';
import { get } from '../api';
import { Dialog } from '../Dialog';
import { sqlRoute } from '../router';
import { useTitle } from '../title';
import { useChecked, useSettled } from './check';
import { PlanView } from './PlanView';
import { Results } from './Results';
import { isActive } from './rows';
import { useRun } from './run';
import { SubmitDialog } from './SubmitDialog';
import type { Checked, Finding, SqlFunction } from './types';
import { useScripts } from './useScripts';

const Editor = lazy(() => import('./Editor'));

const NOTHING: Checked = { ok: false, has_insert: false, has_query: false, findings: [], objects: [] };

export function SqlPage() {
  useTitle('SQL');
  const { from, replace } = sqlRoute.useSearch();
  const scripts = useScripts();
  const { open, change } = scripts;
  const text = open?.text ?? '';
  const settled = useSettled(text);
  const check = useChecked(settled);
  const checked = check.data?.checked ?? NOTHING;
  const isCurrent = check.data?.script === text;

  const functions = useQuery({
    queryKey: ['functions'],
    queryFn: ({ signal }) => get<SqlFunction[]>('weir/sql/functions', signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const { run, start, stop } = useRun();
  const [view, setView] = useState<'rows' | 'plan'>('rows');
  const [explained, setExplained] = useState<string | null>(null);
  const [isSubmitting, setSubmitting] = useState(false);
  const show = useRef<(finding: Finding) => void>(() => {});

  const runQuery = () => {
    setView('rows');
    start(text);
  };
  const explain = () => {
    setView('plan');
    setExplained(text);
  };

  return (
    <>
      <section className="jobs-section" aria-label={t('Script')}>
        <div className="jobs-title">
          <h1>SQL</h1>
          <ScriptChoice {...scripts} />
        </div>
        {(from !== undefined || replace !== undefined) && (
          <p className="jobs-note">
            {from !== undefined
              ? t('The script that you submit can start from {{from}}.', { from })
              : t('The script that you submit can replace the job {{job}}.', { job: replace ?? '' })}
          </p>
        )}
        <Boundary fallback={<p className="jobs-note">{t('The editor could not be loaded.')}</p>}>
          <Suspense fallback={<div className="sql-editor" />}>
            {open && (
              <Editor
                key={open.id}
                text={open.text}
                known={{ objects: checked.objects, functions: functions.data ?? [] }}
                findings={checked.findings}
                checked={check.data?.script ?? null}
                onChange={(text) => change(open.id, { text })}
                onRun={runQuery}
                onReady={(shower) => {
                  show.current = shower;
                }}
              />
            )}
          </Suspense>
        </Boundary>
        <div className="sql-bar">
          {isActive(run.phase) ? (
            <button type="button" className="jobs-button jobs-button-danger" onClick={stop}>
              {t('Stop query')}
            </button>
          ) : (
            <button
              type="button"
              className="jobs-button jobs-button-main"
              disabled={isCurrent && !checked.has_query}
              onClick={runQuery}
              title={t('Ctrl+Enter')}
            >
              {t('Run query')}
            </button>
          )}
          <button type="button" className="jobs-button" disabled={text.trim() === ''} onClick={explain}>
            {t('Explain')}
          </button>
          <button
            type="button"
            className="jobs-button"
            disabled={isCurrent && !checked.has_insert}
            onClick={() => setSubmitting(true)}
          >
            {t('Submit as job…')}
          </button>
          <span className="jobs-quiet" role="status">
            {sayState(text, isCurrent, checked, check.error)}
          </span>
        </div>
        {!scripts.isKept && (
          <p className="jobs-warning">
            {t('This browser does not keep the scripts: copy them before you leave.')}
          </p>
        )}
        <Findings findings={text.trim() === '' ? [] : checked.findings} onShow={(of) => show.current(of)} />
      </section>
      {view === 'plan' && explained !== null ? (
        <PlanView script={explained} onClose={() => setView('rows')} />
      ) : (
        <Results run={run} />
      )}
      {isSubmitting && open && (
        <SubmitDialog
          script={text}
          name={open.name}
          from={from}
          replace={replace}
          onClose={() => setSubmitting(false)}
        />
      )}
    </>
  );
}

function sayState(text: string, isCurrent: boolean, checked: Checked, error: Error | null): string {
  if (text.trim() === '') return t('The script is empty.');
  if (error) return error.message;
  if (!isCurrent) return t('Checking…');
  const errors = checked.findings.filter(({ severity }) => severity === 'error').length;
  if (errors > 0) return errors === 1 ? t('1 error') : t('{{errors}} errors', { errors });
  if (checked.has_query) return t('No errors. The query can run.');
  return checked.has_insert
    ? t('No errors. The script can be a job.')
    : t('No errors, and nothing to run yet.');
}

function Findings({ findings, onShow }: { findings: Finding[]; onShow: (finding: Finding) => void }) {
  if (findings.length === 0) return null;
  return (
    <ul className="sql-findings" aria-label={t('Findings')}>
      {findings.map((finding) => (
        <li key={`${finding.start} ${finding.message}`} className={`sql-finding-${finding.severity}`}>
          <button type="button" className="jobs-quiet-button" onClick={() => onShow(finding)}>
            {t('Line {{line}}, column {{column}}', { line: finding.line, column: finding.column })}
          </button>{' '}
          {finding.message}
          {[finding.detail, finding.hint].map((more) => more && <p key={more}>{more}</p>)}
        </li>
      ))}
    </ul>
  );
}

type ScriptChoiceProps = ReturnType<typeof useScripts>;

function ScriptChoice({ scripts, open, setOpenId, change, add, remove, hasRoom }: ScriptChoiceProps) {
  const [isRemoving, setRemoving] = useState(false);
  if (!open) return null;
  return (
    <>
      <label className="jobs-choice">
        {t('Script')}{' '}
        <select value={open.id} onChange={({ target }) => setOpenId(target.value)}>
          {scripts.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label className="jobs-choice">
        {t('Name')}{' '}
        <input
          type="text"
          value={open.name}
          maxLength={80}
          onChange={({ target }) => change(open.id, { name: target.value })}
        />
      </label>
      <button type="button" className="jobs-button jobs-button-small" disabled={!hasRoom} onClick={add}>
        {t('New script')}
      </button>
      <button type="button" className="jobs-button jobs-button-small" onClick={() => setRemoving(true)}>
        {t('Delete script')}
      </button>
      {isRemoving && (
        <Dialog title={t('Delete {{name}}?', { name: open.name })} onClose={() => setRemoving(false)}>
          <p>{t('The script is removed from this browser. Jobs that were started from it go on.')}</p>
          <div className="jobs-dialog-actions">
            <button type="button" className="jobs-button" onClick={() => setRemoving(false)}>
              {t('Keep it')}
            </button>
            <button
              type="button"
              className="jobs-button jobs-button-danger"
              onClick={() => {
                setRemoving(false);
                remove(open.id);
              }}
            >
              {t('Delete script')}
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}
