// A table whose rows become blocks on narrow screens: there, each figure has its name beside it.
import type { ReactNode } from 'react';

export interface Column<Row> {
  name: string;
  /** Figures stand at the right, so that their digits are below each other. */
  isNumber?: boolean;
  /** A column of buttons has a name for screen readers only. */
  isAction?: boolean;
  cell: (row: Row) => ReactNode;
}

interface TableProps<Row> {
  caption: string;
  columns: Column<Row>[];
  rows: Row[];
  keyOf: (row: Row) => string;
  classOf?: (row: Row) => string | undefined;
}

export function Table<Row>({ caption, columns, rows, keyOf, classOf }: TableProps<Row>) {
  const classes = ({ isNumber, isAction }: Column<Row>) =>
    isNumber ? 'number' : isAction ? 'action' : undefined;
  return (
    <table className="jobs-table">
      <caption className="visually-hidden">{caption}</caption>
      <thead>
        <tr>
          {columns.map((column) => (
            <th key={column.name} scope="col" className={classes(column)}>
              {column.isAction ? <span className="visually-hidden">{column.name}</span> : column.name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)} className={classOf?.(row)}>
            {columns.map((column, index) =>
              index === 0 ? (
                <th key={column.name} scope="row">
                  {column.cell(row)}
                </th>
              ) : (
                <td
                  key={column.name}
                  className={classes(column)}
                  data-name={column.isAction ? undefined : column.name}
                >
                  {column.cell(row)}
                </td>
              ),
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
