// Questions, the most asked first, each with a bar as long as its share of the first.
import type { PopularQuestion } from '../api/types';
import { formatCount } from '../format/number';

interface RankedListProps {
  questions: PopularQuestion[];
  /** Places for ten, one line each, or for five, two lines each. */
  places: 10 | 5;
}

export function RankedList({ questions, places }: RankedListProps) {
  const most = Math.max(1, ...questions.map((question) => question.total_count));
  return (
    <ol className={places === 5 ? 'ranked ranked-few' : 'ranked'}>
      {questions.map((question) => (
        <li key={question.query_text} title={question.query_text}>
          <span className="ranked-bar" style={{ inlineSize: `${(question.total_count / most) * 100}%` }} />
          <span className="ranked-text" lang="vi">
            {question.query_text}
          </span>
          <span className="ranked-count">{formatCount(question.total_count)}</span>
        </li>
      ))}
    </ol>
  );
}
