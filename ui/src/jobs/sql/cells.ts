// Values of a query's rows, as text and as numbers.

/** A value as a cell shows it; null for SQL's NULL. */
export function cellText(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

const NUMBERS = /^(TINYINT|SMALLINT|INTEGER|BIGINT|FLOAT|DOUBLE|DECIMAL)$/;
const TIMES = /^(DATE|TIMESTAMP)/;

export function isNumeric(type: string): boolean {
  return NUMBERS.test(type);
}

export function isTime(type: string): boolean {
  return TIMES.test(type);
}

/** Milliseconds since 1970 of a time as the gateway writes it: its zone is that of the query. */
export function timeOf(value: unknown): number {
  const text = String(value).trim().replace(' ', 'T');
  return Date.parse(/[zZ]|[+-]\d\d:\d\d$/.test(text) || !text.includes('T') ? text : `${text}Z`);
}
