// A panel: a titled place of a fixed height, so that nothing below it moves when figures come.
import { type ReactNode, useId } from 'react';
import { t } from '../i18n';
import { Boundary } from './Boundary';

interface PanelProps {
  title: string;
  /** What the figures cover, e.g. "last 30 days". */
  range?: string;
  /** Where it stands in the grid; see styles/dashboard.css. */
  area: string;
  /** Rows to show; undefined while none came yet. */
  rows: { length: number } | undefined;
  actions?: ReactNode;
  children: ReactNode;
}

export function Panel({ title, range, area, rows, actions, children }: PanelProps) {
  const heading = useId();
  return (
    <section className={`panel panel-${area}`} aria-labelledby={heading}>
      <header className="panel-head">
        <h2 id={heading}>{title}</h2>
        {range && <span className="panel-range">{range}</span>}
        {actions}
      </header>
      <div className="panel-body">
        <Boundary fallback={<p className="panel-nothing">{t('These figures cannot be shown')}</p>}>
          {rows && rows.length > 0 ? children : <Nothing known={rows !== undefined} />}
        </Boundary>
      </div>
    </section>
  );
}

function Nothing({ known }: { known: boolean }) {
  return <p className="panel-nothing">{known ? t('Nothing in this range yet') : ''}</p>;
}
