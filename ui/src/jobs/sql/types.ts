// The parts of the server's answers that the page of SQL shows.

/** A finding; `start` and `end` are bytes of the script in UTF-8. */
export interface Finding {
  severity: 'error' | 'notice';
  message: string;
  detail: string | null;
  hint: string | null;
  start: number;
  end: number;
  line: number;
  column: number;
}

export interface Declared {
  name: string;
  is_view: boolean;
  columns: { name: string; data_type: string }[];
}

export interface Checked {
  ok: boolean;
  has_insert: boolean;
  has_query: boolean;
  findings: Finding[];
  objects: Declared[];
}

export interface SqlFunction {
  names: string[];
  doc: string;
}

export interface Explained {
  text: string;
  nodes: { id: string; name: string; lines: string[] }[];
  edges: { from: string; to: string; changes: string }[];
}

export type RowKind = 'INSERT' | 'UPDATE_BEFORE' | 'UPDATE_AFTER' | 'DELETE';

export interface Column {
  name: string;
  logicalType: { type: string };
}

/** A page of the result of a query, as Flink's SQL gateway answers it. */
export interface ResultPage {
  resultType: 'NOT_READY' | 'PAYLOAD' | 'EOS';
  jobID?: string;
  results?: { columns: Column[]; data: { kind: RowKind; fields: unknown[] }[] };
  nextResultUri?: string;
}

/** What happens to the state of a savepoint or a job. */
export interface DryRun {
  complete: boolean;
  states: { name: string; state: 'kept' | 'taken' | 'stateless' | 'new'; detail: string | null }[];
  dropped: string[];
  resumed: string[];
  started: { table: string; reason: string }[];
}

export interface Submitted {
  jobid: string;
  name: string;
  state: string;
  replaced: { jobid: string; name: string; savepoint: string } | null;
}
