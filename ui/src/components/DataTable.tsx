// The figures of a picture as a table, for those who do not see the picture.
interface DataTableProps {
  caption: string;
  /** A sentence about the figures. */
  note?: string | undefined;
  columns: string[];
  rows: (string | number)[][];
}

export function DataTable({ caption, note, columns, rows }: DataTableProps) {
  return (
    <div className="visually-hidden">
      <table>
        <caption>
          {caption}
          {note && <span className="data-note">{note}</span>}
        </caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([head, ...cells], place) => (
            <tr key={place}>
              <th scope="row">{head}</th>
              {cells.map((cell, index) => (
                <td key={columns[index + 1]}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
