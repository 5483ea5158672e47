// A panel: a titled place of a fixed height, so that nothing below it moves when figures come.
import { Component, type ReactNode, useId } from 'react';

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
        <Guard>{rows && rows.length > 0 ? children : <Nothing known={rows !== undefined} />}</Guard>
      </div>
    </section>
  );
}

function Nothing({ known }: { known: boolean }) {
  return <p className="panel-nothing">{known ? 'Nothing in this range yet' : ''}</p>;
}

/** A panel that cannot draw what it got says so and leaves the others alone. */
class Guard extends Component<{ children: ReactNode }, { failed: boolean }> {
  state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  render() {
    return this.state.failed ? (
      <p className="panel-nothing">These figures cannot be shown</p>
    ) : (
      this.props.children
    );
  }
}
