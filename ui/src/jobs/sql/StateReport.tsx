// What happens to the state of a savepoint or a job: what the script keeps, what starts empty, and what is dropped.
import { t } from '../../i18n';
import type { DryRun } from './types';

export function StateReport({ report }: { report: DryRun }) {
  const { states, dropped, resumed, started } = report;
  const named = (state: DryRun['states'][number]['state']) => states.filter((of) => of.state === state);
  const kept = [
    ...named('kept').map(({ name }) => name),
    ...named('taken').map(({ name, detail }) => t('{{name}}, from {{other}}', { name, other: detail ?? '' })),
    ...resumed.map((table) => t('the position in {{table}}', { table })),
  ];
  const fresh = [
    ...named('new').map(({ name, detail }) => (detail ? `${name}: ${detail}` : name)),
    ...started.map(({ table, reason }) => t('the position in {{table}}: {{reason}}', { table, reason })),
  ];
  return (
    <div className="sql-report">
      <p className={report.complete ? 'jobs-state-good' : 'jobs-warning'} role="status">
        {report.complete
          ? t('All state is kept, and nothing starts empty.')
          : t('Not all state is kept. What is dropped is lost to the new job.')}
      </p>
      <Part title={t('Dropped')} names={dropped} />
      <Part title={t('Starts empty')} names={fresh} />
      <Part title={t('Kept')} names={kept} />
      <Part title={t('Without state')} names={named('stateless').map(({ name }) => name)} />
    </div>
  );
}

function Part({ title, names }: { title: string; names: string[] }) {
  if (names.length === 0) return null;
  return (
    <section aria-label={title}>
      <h3>{title}</h3>
      <ul className="jobs-operators">
        {names.map((name) => (
          <li key={name}>{name}</li>
        ))}
      </ul>
    </section>
  );
}
