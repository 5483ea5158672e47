// Which series of a picture are hidden: a list of ids, as an address keeps it. Undefined: none.
//
//   toggled   hides a series, or shows it again
//   alone     shows only one series; the second time, all of them
//
// Ids that the picture does not have at the moment stay in the list: their series may come back with the next answer.

/** Without a second series there is no legend, and so nothing that could be shown again. */
const LEAST = 2;

/** The ids that are hidden, of those that the picture has. */
export function hiddenAmong(ids: readonly string[], hidden: readonly string[] | undefined): Set<string> {
  return new Set(ids.length < LEAST ? [] : ids.filter((id) => hidden?.includes(id)));
}

/** The hidden ids after a series was hidden, or shown again. */
export function toggled(hidden: readonly string[] | undefined, id: string): string[] | undefined {
  const others = (hidden ?? []).filter((other) => other !== id);
  return listOf(others.length === (hidden ?? []).length ? [...others, id] : others);
}

/** The hidden ids that leave only one series; if it was the only one already, all are shown. */
export function alone(
  ids: readonly string[],
  hidden: readonly string[] | undefined,
  id: string,
): string[] | undefined {
  const others = ids.filter((other) => other !== id);
  const isAlone = !hidden?.includes(id) && others.every((other) => hidden?.includes(other));
  const elsewhere = (hidden ?? []).filter((other) => !ids.includes(other));
  return listOf(isAlone ? elsewhere : [...elsewhere, ...others]);
}

/** Reads the ids of an address; undefined if they make no sense. */
export function readHidden(raw: unknown): string[] | undefined {
  return Array.isArray(raw) ? listOf(raw.filter((id): id is string => typeof id === 'string')) : undefined;
}

function listOf(ids: string[]): string[] | undefined {
  return ids.length > 0 ? ids : undefined;
}
