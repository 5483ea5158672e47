// The zone in which the pages show times: that of the data, or another that the reader has chosen.
//
// Rows have wall-clock times of the data's zone. The charts draw them as if they were UTC, so a time in another zone is a
// time that is shifted:
//
//   row  2025-12-09T11:30:00 (UTC)  ──toShown──►  18:30 (Asia/Ho_Chi_Minh)  ──toData──►  11:30, for a question
//
// Days, and hours of the day, are groups that the data was counted in. They are not shifted.

/** Where the reader's choice is kept, unless the address has one. */
const CHOICE = 'weir.zone';
/** Name of the parameter in the address. */
export const ZONE_PARAMETER = 'tz';
/** No zone changes its offset within a piece of this length. */
const PIECE_MS = 15 * 60_000;

/** The zone that the reader has chosen; null: that of the data. */
export const chosenZone: string | null = chosen();

let dataZone: string | null = null;

/** Takes over the zone of the data, which the server names. */
export function setDataZone(zone: string): void {
  dataZone = zone;
}

/** The zone of all times on the page; null while the server has not named the zone of the data. */
export function shownZone(): string | null {
  return chosenZone ?? dataZone;
}

/** A wall-clock time of the data, in milliseconds as if it were UTC, as a time of the shown zone. */
export function toShown(wall: number): number {
  return shifted(wall, dataZone, chosenZone);
}

/** A wall-clock time of the shown zone as one of the data. */
export function toData(wall: number): number {
  return shifted(wall, chosenZone, dataZone);
}

/** Moves a wall-clock time from one zone to another. */
export function shifted(wall: number, from: string | null, to: string | null): number {
  if (from === null || to === null || from === to || Number.isNaN(wall)) return wall;
  // The offset belongs to the instant, which the wall clock gives only with the offset: the second guess is right.
  const guess = wall - offsetOf(from, wall);
  const instant = wall - offsetOf(from, guess);
  return instant + offsetOf(to, instant);
}

const formats = new Map<string, Intl.DateTimeFormat>();
const offsets = new Map<string, number>();

/** Offset of a zone at an instant, in milliseconds. */
function offsetOf(zone: string, instant: number): number {
  const piece = Math.floor(instant / PIECE_MS);
  const key = `${zone} ${piece}`;
  const known = offsets.get(key);
  if (known !== undefined) return known;

  const format = formats.get(zone) ?? clock(zone);
  formats.set(zone, format);
  const at = piece * PIECE_MS;
  const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const part = (name: Intl.DateTimeFormatPartTypes) => parts.get(name) ?? 0;
  const wall = Date.UTC(
    part('year'),
    part('month') - 1,
    part('day'),
    part('hour'),
    part('minute'),
    part('second'),
  );
  // A page that is open for months does not collect offsets.
  if (offsets.size > 20_000) offsets.clear();
  offsets.set(key, wall - at);
  return wall - at;
}

function clock(timeZone: string): Intl.DateTimeFormat {
  const two = '2-digit';
  const digits = { month: two, day: two, hour: two, minute: two, second: two } as const;
  return new Intl.DateTimeFormat('en-US', { timeZone, year: 'numeric', ...digits, hourCycle: 'h23' });
}

/** Whether the browser knows a zone. */
export function isZone(zone: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat('en-US', { timeZone: zone }));
  } catch {
    return false;
  }
}

/** Zones that browsers list by a name of before. They know both names. */
const RENAMED: Record<string, string> = {
  'Asia/Saigon': 'Asia/Ho_Chi_Minh',
  'Asia/Calcutta': 'Asia/Kolkata',
  'Asia/Katmandu': 'Asia/Kathmandu',
  'Asia/Rangoon': 'Asia/Yangon',
  'Europe/Kiev': 'Europe/Kyiv',
};

/** The zones to choose from. */
export function allZones(): string[] {
  const listed = Intl.supportedValuesOf('timeZone').map((zone) => RENAMED[zone] ?? zone);
  const known = new Set(['UTC', ...listed]);
  for (const zone of [dataZone, chosenZone, browserZone()]) if (zone) known.add(zone);
  return [...known].sort();
}

/** The zone of the reader's computer. */
export function browserZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** The zone of the data. */
export function zoneOfData(): string | null {
  return dataZone;
}

/** Chooses a zone, or with null that of the data. Formats are made when the page is loaded, so it is loaded again. */
export function chooseZone(zone: string | null): void {
  try {
    if (zone === null) localStorage.removeItem(CHOICE);
    else localStorage.setItem(CHOICE, zone);
  } catch {
    // The address alone keeps it.
  }
  const url = new URL(location.href);
  if (zone === null) url.searchParams.delete(ZONE_PARAMETER);
  else url.searchParams.set(ZONE_PARAMETER, zone);
  location.replace(url);
}

function chosen(): string | null {
  if (typeof location === 'undefined') return null;
  const inAddress = new URLSearchParams(location.search).get(ZONE_PARAMETER);
  if (inAddress !== null && isZone(inAddress)) return inAddress;
  try {
    const kept = localStorage.getItem(CHOICE);
    return kept !== null && isZone(kept) ? kept : null;
  } catch {
    // A browser may refuse to keep anything.
    return null;
  }
}
