import { useAnalytics } from '../api/store';
import { Panel } from '../components/Panel';
import { RankedList } from '../components/RankedList';
import { t } from '../i18n';

/** What is asked most. */
export function PopularQuestions() {
  const questions = useAnalytics('popularQuestions');
  return (
    <Panel title={t('Popular questions')} range={t('last 30 days')} area="popular" rows={questions}>
      <RankedList questions={questions ?? []} places={10} />
    </Panel>
  );
}
