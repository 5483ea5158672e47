// What stands in the place of an answer: that it is on its way, or why there is none.
import { t } from '../i18n';
import { Unreachable } from './api';

interface PendingProps {
  what: string;
  error: Error | null;
}

export function Pending({ what, error }: PendingProps) {
  if (!error) return <p className="jobs-note">{t('Loading…')}</p>;
  // The head says so, and since when.
  if (error instanceof Unreachable) {
    return (
      <p className="jobs-note">
        {t('{{what}}: nothing to show, the job manager does not answer.', { what })}
      </p>
    );
  }
  return (
    <p className="jobs-note" role="alert">
      {what}: {error.message}
    </p>
  );
}
