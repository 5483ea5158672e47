// Jobs as rows, with what is wrong with each, and a button that cancels it.
import { Link } from '@tanstack/react-router';
import { t } from '../i18n';
import { CancelButton } from './Actions';
import { formatAge, formatPart, formatRate } from './format';
import { Moment } from './Moment';
import { isOver, type Observed } from './queries';
import { State } from './State';
import { type Column, Table } from './Table';
import type { JobLine } from './types';

interface JobTableProps {
  caption: string;
  jobs: JobLine[];
  figures: ReadonlyMap<string, Observed>;
}

export function JobTable({ caption, jobs, figures }: JobTableProps) {
  const live = jobs.some(({ state }) => !isOver(state));
  const columns: Column<JobLine>[] = [
    {
      name: t('Job'),
      cell: (job) => (
        <>
          <Link to="/job/$job/graph" params={{ job: job.jid }} className="jobs-name">
            {job.name}
          </Link>
          <Notes figures={figures.get(job.jid)} />
        </>
      ),
    },
    { name: t('State'), cell: (job) => <State state={job.state} /> },
    { name: t('Started'), cell: (job) => <Moment at={job['start-time']} /> },
    ...(live ? [] : [{ name: t('Ended'), cell: (job: JobLine) => <Moment at={job['end-time']} /> }]),
    { name: t('Duration'), isNumber: true, cell: (job) => formatAge(job.duration) },
    {
      name: live ? t('Subtasks running') : t('Subtasks'),
      isNumber: true,
      cell: (job) => (live ? formatPart(job.tasks.running, job.tasks.total) : job.tasks.total),
    },
    ...(live
      ? [
          {
            name: t('Records in'),
            isNumber: true,
            cell: (job: JobLine) => formatRate(figures.get(job.jid)?.rate),
          },
        ]
      : []),
    {
      name: t('Action'),
      isAction: true,
      cell: (job) =>
        (!isOver(job.state) || figures.get(job.jid)?.not_started) && (
          <CancelButton job={job.jid} name={job.name} isSmall />
        ),
    },
  ];
  return <Table caption={caption} columns={columns} rows={jobs} keyOf={({ jid }) => jid} />;
}

/** What is wrong with a job: it waits, has failed, cannot write its checkpoints or cannot count what it reads. */
export function Notes({ figures }: { figures: Observed | undefined }) {
  const notes = [
    figures?.problem,
    figures?.mostly_dead,
    figures?.mostly_late,
    figures?.memory.held_back,
  ].filter((note) => typeof note === 'string');
  return [...new Set(notes)].map((note) => (
    <p key={note} className="jobs-warning">
      {note}
    </p>
  ));
}
