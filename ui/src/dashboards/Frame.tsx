// The frame of a panel: its title, what the figures are, and what can be done with it.
import { createContext, type ReactNode, useContext, useId, useRef, useState } from 'react';
import { Boundary } from '../components/Boundary';
import { DataTable } from '../components/DataTable';
import { rowsUrl, type Table } from '../explore/api';
import { t } from '../i18n';
import { type PanelDocument, titleOf } from './document';
import { saveImage } from './download';
import { Menu } from './Menu';

/** What the page lets the reader do with a panel. */
export interface PanelActions {
  onFull: (id: string) => void;
  /** The address of the table's own page. */
  exploreUrl: (panel: PanelDocument) => string;
  /** While the dashboard is edited. */
  editing: { onEdit: (id: string) => void; onRemove: (id: string) => void } | null;
}

export const Actions = createContext<PanelActions | null>(null);

interface Figures {
  /** What the picture does not show of them. */
  note?: string | undefined;
  columns: string[];
  rows: (string | number)[][];
}

interface FrameProps {
  panel: PanelDocument;
  table: Table | null;
  /** What the figures are: `sum(query_count) by minute`. */
  about?: string;
  /** The first answer has not come yet. */
  isLoading?: boolean;
  isEmpty?: boolean;
  error?: Error | null;
  /** The question whose answer is downloaded as CSV. */
  query?: URLSearchParams | null;
  /** The figures of the picture; without them the panel is text itself. */
  figures?: Figures;
  /** The picture is drawn by ECharts and can be saved. */
  isPicture?: boolean;
  children?: ReactNode;
}

export function Frame(props: FrameProps) {
  const { panel, table, about, isLoading, isEmpty, error, figures, children } = props;
  const heading = useId();
  const body = useRef<HTMLDivElement>(null);
  const [isTable, setTable] = useState(false);
  const title = titleOf(panel);

  return (
    <section className="panel board-panel" aria-labelledby={heading} aria-busy={isLoading}>
      <header className="panel-head">
        <h2 id={heading}>{title}</h2>
        {about && <span className="panel-range">{about}</span>}
        <FrameMenu
          {...props}
          title={title}
          isTable={isTable}
          onTable={() => setTable(!isTable)}
          onSave={(format) => body.current && void saveImage(body.current, panel.id, format)}
        />
      </header>
      {error && !isLoading && (
        <p className="board-error" role="alert">
          {error.message}
        </p>
      )}
      <div className={isTable ? 'panel-body board-figures' : 'panel-body'} ref={body}>
        <Boundary fallback={<p className="panel-nothing">{t('These figures cannot be shown')}</p>}>
          {isLoading && !error && <div className="board-skeleton" />}
          {!isLoading && isEmpty && !error && (
            <p className="panel-nothing">
              {table ? t('Nothing in this period') : t('No table {{table}} yet', { table: panel.table })}
            </p>
          )}
          {!isLoading && !isEmpty && children}
          {!isLoading && !isEmpty && figures && (
            <DataTable caption={title} note={figures.note} columns={figures.columns} rows={figures.rows} />
          )}
        </Boundary>
      </div>
    </section>
  );
}

interface FrameMenuProps extends FrameProps {
  title: string;
  isTable: boolean;
  onTable: () => void;
  onSave: (format: 'svg' | 'png') => void;
}

function FrameMenu({
  panel,
  table,
  query,
  figures,
  isPicture,
  title,
  isTable,
  onTable,
  onSave,
}: FrameMenuProps) {
  const actions = useContext(Actions);
  if (!actions) return null;
  if (actions.editing) {
    const { onEdit, onRemove } = actions.editing;
    return (
      <span className="board-edit">
        <button type="button" aria-label={t('Change {{title}}', { title })} onClick={() => onEdit(panel.id)}>
          {t('Change')}
        </button>
        <button
          type="button"
          aria-label={t('Remove {{title}}', { title })}
          onClick={() => onRemove(panel.id)}
        >
          {t('Remove')}
        </button>
      </span>
    );
  }

  const csv = new URLSearchParams(query ?? undefined);
  csv.set('format', 'csv');
  return (
    <Menu label={t('More about {{title}}', { title })}>
      <button type="button" onClick={() => actions.onFull(panel.id)}>
        {t('Full page')}
      </button>
      {figures && (
        <button type="button" aria-pressed={isTable} onClick={onTable}>
          {isTable ? t('As a picture') : t('As a table')}
        </button>
      )}
      {table && <a href={actions.exploreUrl(panel)}>{t('Explore {{table}}', { table: table.name })}</a>}
      {table && query && (
        <a href={rowsUrl(table.name, csv).href} download={`${panel.id}.csv`}>
          {t('Save as CSV')}
        </a>
      )}
      {isPicture && (
        <button type="button" onClick={() => onSave('png')}>
          {t('Save as PNG')}
        </button>
      )}
      {isPicture && (
        <button type="button" onClick={() => onSave('svg')}>
          {t('Save as SVG')}
        </button>
      )}
    </Menu>
  );
}
