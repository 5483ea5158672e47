import type { SuccessRecord } from '../api/types';

/** Windows in the order of time; ISO 8601 without offsets sorts as text. */
export function oldestFirst(records: SuccessRecord[]): SuccessRecord[] {
  return records.toSorted((a, b) => (a.timestamp < b.timestamp ? -1 : 1));
}
