// The grid while a dashboard is edited: panels are dragged by their heads and sized at their corners.
import { type ReactNode, useMemo } from 'react';
import ReactGridLayout, { useContainerWidth } from 'react-grid-layout';
import { COLUMNS, type Dashboard, type PanelDocument, withPlaces } from './document';
import 'react-grid-layout/css/styles.css';

interface DragGridProps {
  dashboard: Dashboard;
  draw: (panel: PanelDocument) => ReactNode;
  onDraft: (dashboard: Dashboard) => void;
}

const ROW_PX = 56;
const GAP_PX = 16;

export default function DragGrid({ dashboard, draw, onDraft }: DragGridProps) {
  const { width, containerRef, mounted } = useContainerWidth();
  const layout = useMemo(
    () => dashboard.panels.map(({ id, at }) => ({ i: id, ...at, minW: 2, minH: 2 })),
    [dashboard.panels],
  );

  return (
    <div ref={containerRef} className="board-drag">
      {mounted && (
        <ReactGridLayout
          width={width}
          layout={layout}
          gridConfig={{
            cols: COLUMNS,
            rowHeight: ROW_PX,
            margin: [GAP_PX, GAP_PX],
            containerPadding: [0, 0],
          }}
          dragConfig={{ handle: '.panel-head', cancel: '.panel-head button' }}
          onLayoutChange={(after) => {
            const places = new Map(after.map(({ i, x, y, w, h }) => [i, { x, y, w, h }]));
            const isMoved = dashboard.panels.some(({ id, at }) => {
              const to = places.get(id);
              return to && (to.x !== at.x || to.y !== at.y || to.w !== at.w || to.h !== at.h);
            });
            if (isMoved) onDraft(withPlaces(dashboard, places));
          }}
        >
          {dashboard.panels.map((panel) => (
            <div key={panel.id}>{draw(panel)}</div>
          ))}
        </ReactGridLayout>
      )}
    </div>
  );
}
