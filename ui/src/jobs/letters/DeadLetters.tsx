// Dead letters: how many there are by reason and time, the newest first, and what can be replayed.
import { Link } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import { Boundary } from '../../components/Boundary';
import { formatCount } from '../../format/number';
import { t } from '../../i18n';
import { formatSpan } from '../format';
import { Moment } from '../Moment';
import { Pending } from '../Pending';
import { lettersRoute } from '../router';
import { Sentence } from '../Sentence';
import { type Column, Table } from '../Table';
import { useTitle } from '../title';
import { LetterDetails } from './LetterDetails';
import { type Letter, type LetterCounts, type LetterFilter, useLetterCounts, useLetters } from './queries';
import { ReplayButton } from './Replay';

const LetterBars = lazy(() => import('./LetterBars'));

export function DeadLetters() {
  useTitle(t('Dead letters'));
  const { reason, job, before, letter, hidden } = lettersRoute.useSearch();
  const navigate = lettersRoute.useNavigate();
  const filter = { reason, job };
  const { data: counts, error } = useLetterCounts(filter);
  // The reasons and jobs to choose from are those of all dead letters.
  const { data: all } = useLetterCounts({});

  return (
    <>
      <section className="jobs-section">
        <div className="jobs-title">
          <h1>{t('Dead letters')}</h1>
          {all && <JobChoice counts={all} />}
        </div>
        <p className="jobs-note">
          {t(
            'Events that a job could not count, with their original bytes. Once the cause is fixed, they can be replayed: appended to their topics again.',
          )}
        </p>
        {!counts && <Pending what={t('Dead letters')} error={error} />}
        {counts && all?.total === 0 && <p className="jobs-note">{t('There are no dead letters.')}</p>}
        {counts && all !== undefined && all.total > 0 && counts.total === 0 && (
          <p className="jobs-note">
            <Sentence
              text={t('No dead letter fits the filter. {{link}}')}
              values={{
                link: (
                  <Link to="/dead-letters" search={{}}>
                    {t('Show all')}
                  </Link>
                ),
              }}
            />
          </p>
        )}
        {counts && counts.total > 0 && (
          <>
            <p className="jobs-quiet">
              {t('By reason, in intervals of {{span}}', { span: formatSpan(counts.every_ms) })}
            </p>
            <Boundary
              fallback={<p className="jobs-note">{t('The chart cannot be drawn; its figures are below.')}</p>}
            >
              <Suspense fallback={<div className="jobs-chart" />}>
                <div className="jobs-chart jobs-chart-low">
                  <LetterBars
                    counts={counts}
                    hidden={hidden}
                    onHidden={(hidden) =>
                      void navigate({
                        search: (shown) => ({ ...shown, hidden }),
                        replace: true,
                        resetScroll: false,
                      })
                    }
                  />
                </div>
              </Suspense>
            </Boundary>
          </>
        )}
        {all && all.total > 0 && <Reasons counts={all} chosen={reason} />}
      </section>
      {letter !== undefined && <LetterDetails key={letter} id={letter} />}
      {counts && counts.total > 0 && <Letters filter={filter} before={before} open={counts.open} />}
    </>
  );
}

function JobChoice({ counts }: { counts: LetterCounts }) {
  const { job } = lettersRoute.useSearch();
  const navigate = lettersRoute.useNavigate();
  const names = counts.jobs.map(({ job: name }) => name);
  // A job of an address may be one by id, or one without dead letters.
  const choices = job !== undefined && !names.includes(job) ? [job, ...names] : names;
  return (
    <label className="jobs-choice">
      {t('Job')}{' '}
      <select
        value={job ?? ''}
        onChange={({ target }) =>
          navigate({ search: ({ reason }) => ({ reason, job: target.value || undefined }), replace: true })
        }
      >
        <option value="">{t('All jobs')}</option>
        {choices.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

function Reasons({ counts, chosen }: { counts: LetterCounts; chosen: string | undefined }) {
  const all = { reason: undefined as string | undefined, count: counts.total, open: counts.open };
  return (
    <Table
      caption={t('Reasons')}
      keyOf={({ reason }) => reason ?? ''}
      rows={[all, ...counts.reasons]}
      classOf={({ reason }) => (reason === chosen ? 'jobs-selected' : undefined)}
      columns={[
        {
          name: t('Reason'),
          cell: ({ reason }) => (
            <Link
              to="/dead-letters"
              search={({ job }) => ({ job: typeof job === 'string' ? job : undefined, reason })}
              className="jobs-name"
              aria-current={reason === chosen ? 'true' : undefined}
              activeProps={{}}
              resetScroll={false}
            >
              {reason ?? t('All reasons')}
            </Link>
          ),
        },
        { name: t('Dead letters'), isNumber: true, cell: ({ count }) => formatCount(count) },
        { name: t('Not replayed'), isNumber: true, cell: ({ open }) => formatCount(open) },
      ]}
    />
  );
}

interface LettersProps {
  filter: LetterFilter;
  before: string | undefined;
  /** Dead letters of the filter that were not replayed. */
  open: number;
}

function Letters({ filter, before, open }: LettersProps) {
  const { data, error } = useLetters(filter, before);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  if (!data) return <Pending what={t('Dead letters')} error={error} />;

  const newestFirst = data.letters.toReversed();
  const ids = newestFirst.filter(({ id, replayed }) => !replayed && chosen.has(id)).map(({ id }) => id);
  const choose = (id: string, isChosen: boolean) => {
    const next = new Set(chosen);
    if (isChosen) next.add(id);
    else next.delete(id);
    setChosen(next);
  };

  return (
    <section className="jobs-section" aria-labelledby="letters">
      <div className="jobs-title">
        <h2 id="letters">{t('Newest first')}</h2>
        <div className="jobs-actions">
          <ReplayButton
            name={t('Replay chosen ({{count}})', { count: formatCount(ids.length) })}
            wanted={{ ids }}
            count={ids.length}
          />
          <ReplayButton
            name={t('Replay all ({{count}})', { count: formatCount(open) })}
            wanted={{ ...filter, since: 0 }}
            count={open}
          />
        </div>
      </div>
      <Table
        caption={t('Dead letters')}
        keyOf={({ id }) => id}
        rows={newestFirst}
        columns={columns(chosen, choose)}
      />
      <nav className="jobs-pages" aria-label={t('Pages of dead letters')}>
        {before !== undefined && (
          <Link to="." search={({ before: _, letter: __, ...rest }) => rest}>
            {t('Newest')}
          </Link>
        )}
        {data.next !== null && (
          <Link
            to="."
            search={(search) => ({ ...search, before: data.next ?? undefined, letter: undefined })}
          >
            {t('Older')}
          </Link>
        )}
      </nav>
    </section>
  );
}

function columns(
  chosen: ReadonlySet<string>,
  choose: (id: string, isChosen: boolean) => void,
): Column<Letter>[] {
  return [
    {
      name: t('Written'),
      cell: ({ id, time }) => (
        <Link
          to="."
          search={(search) => ({ ...search, letter: id })}
          className="jobs-name"
          resetScroll={false}
        >
          <Moment at={time} />
        </Link>
      ),
    },
    { name: t('Reason'), cell: ({ reason }) => reason },
    { name: t('Job'), cell: ({ job }) => job },
    {
      name: t('Record'),
      cell: ({ topic, partition, offset }) => (
        <code>{t('{{topic}}-{{partition}} at {{offset}}', { topic, partition, offset })}</code>
      ),
    },
    { name: t('Body'), cell: ({ body }) => <code className="jobs-preview">{body}</code> },
    {
      name: t('Replay'),
      cell: ({ id, replayed }) =>
        replayed ? (
          <span className="jobs-quiet">{t('replayed')}</span>
        ) : (
          <input
            type="checkbox"
            aria-label={t('Choose dead letter {{id}}', { id })}
            checked={chosen.has(id)}
            onChange={({ target }) => choose(id, target.checked)}
          />
        ),
    },
  ];
}
