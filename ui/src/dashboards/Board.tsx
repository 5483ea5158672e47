// The panels in their grid. The grid that can be dragged is loaded when a dashboard is edited.
import { type CSSProperties, lazy, type ReactNode, Suspense, useEffect, useRef, useState } from 'react';
import { Boundary } from '../components/Boundary';
import { t } from '../i18n';
import { useChanges, Visible } from './answer';
import { chartOf, KINDS } from './charts';
import type { Dashboard, PanelDocument } from './document';
import { Frame } from './Frame';
import type { ShownTable } from './tables';
import { paceOf, type View } from './view';

const DragGrid = lazy(() => import('./DragGrid'));

interface BoardProps {
  dashboard: Dashboard;
  /** Undefined while they are not known. */
  tables: ShownTable[] | undefined;
  view: View;
  onView: (changed: Partial<View>) => void;
  /** Takes the dashboard with other places, while it is edited. */
  onDraft: ((dashboard: Dashboard) => void) | null;
}

export function Board({ dashboard, tables, view, onView, onDraft }: BoardProps) {
  const draw = (panel: PanelDocument) => (
    <PanelOf panel={panel} tables={tables} view={view} onView={onView} />
  );
  const full = dashboard.panels.find(({ id }) => id === view.panel);

  if (full) {
    return (
      <div className="board-full">
        <button type="button" className="board-back" onClick={() => onView({ panel: undefined })}>
          {t('← All panels')}
        </button>
        {draw(full)}
      </div>
    );
  }
  if (dashboard.panels.length === 0) {
    return (
      <p className="explore-note">
        {t(
          'This dashboard has no panels yet. Choose “Edit” and then “Add a panel”, or open a table in Explore and pin it.',
        )}
      </p>
    );
  }
  if (onDraft) {
    return (
      <Suspense>
        <DragGrid dashboard={dashboard} draw={draw} onDraft={onDraft} />
      </Suspense>
    );
  }

  const rows = Math.max(...dashboard.panels.map(({ at }) => at.y + at.h));
  return (
    <div className="board" style={{ '--rows': rows } as CSSProperties}>
      {inReadingOrder(dashboard.panels).map((panel) => (
        <Place key={panel.id} panel={panel}>
          {draw(panel)}
        </Place>
      ))}
    </div>
  );
}

/** How far below the window panels are already drawn. */
const AHEAD = '150px';
/** Rows of the grid that any window shows at first. */
const ROWS_SHOWN = 3;

/** The place of a panel. A panel is drawn when it is first near the window, and asks nothing while it is far from it. */
function Place({ panel, children }: { panel: PanelDocument; children: ReactNode }) {
  const place = useRef<HTMLDivElement>(null);
  const [isNear, setNear] = useState(false);
  // The uppermost panels need not wait until the browser has said where they are.
  const [wasNear, setWasNear] = useState(panel.at.y < ROWS_SHOWN);

  useEffect(() => {
    if (!place.current) return;
    const observer = new IntersectionObserver(
      (entries) => {
        const near = entries.some(({ isIntersecting }) => isIntersecting);
        setNear(near);
        if (near) setWasNear(true);
      },
      { rootMargin: AHEAD },
    );
    observer.observe(place.current);
    return () => observer.disconnect();
  }, []);

  return (
    <div ref={place} className="board-place" style={styleOf(panel)}>
      <Visible value={isNear}>{wasNear ? children : <Frame panel={panel} table={null} isLoading />}</Visible>
    </div>
  );
}

/** From top to bottom and from left to right: the order for the keyboard, and on a narrow screen. */
function inReadingOrder(panels: PanelDocument[]): PanelDocument[] {
  return [...panels].sort((a, b) => a.at.y - b.at.y || a.at.x - b.at.x);
}

function styleOf({ at }: PanelDocument): CSSProperties {
  return {
    '--column': `${at.x + 1} / span ${at.w}`,
    '--place-row': `${at.y + 1} / span ${at.h}`,
    '--h': at.h,
  } as CSSProperties;
}

interface PanelOfProps {
  panel: PanelDocument;
  tables: ShownTable[] | undefined;
  view: View;
  onView: (changed: Partial<View>) => void;
}

function PanelOf({ panel, tables, view, onView }: PanelOfProps) {
  const table = tables?.find(({ shows }) => shows === panel.table);
  const Chart = chartOf(panel.chart);
  if (!Chart) {
    const error = new Error(
      t('There is no chart `{{chart}}`: choose {{kinds}}.', { chart: panel.chart, kinds: KINDS.join(', ') }),
    );
    return <Frame panel={panel} table={null} error={error} />;
  }
  if (!table) return <Frame panel={panel} table={null} isLoading={tables === undefined} isEmpty />;
  return <Live Chart={Chart} panel={panel} table={table} view={view} onView={onView} />;
}

interface LiveProps extends Omit<PanelOfProps, 'tables'> {
  Chart: NonNullable<ReturnType<typeof chartOf>>;
  table: ShownTable;
}

function Live({ Chart, panel, table, view, onView }: LiveProps) {
  const asked = useChanges(table.name, paceOf(view));
  const failed = (
    <Frame panel={panel} table={table} error={new Error(t('The code of this chart could not be loaded.'))} />
  );
  return (
    <Boundary fallback={failed}>
      <Suspense fallback={<Frame panel={panel} table={table} isLoading />}>
        <Chart table={table} panel={panel} view={view} asked={asked} onView={onView} />
      </Suspense>
    </Boundary>
  );
}
