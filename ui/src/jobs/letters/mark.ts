// Where the part of a record is that a reason names: `at byte 17`, or a field such as `query_id`.

export interface Part {
  start: number;
  end: number;
}

/** The characters of a body that a reason names; null where it names none, or the body lacks the field. */
export function failingPart(reason: string, body: string): Part | null {
  const byte = /\bat byte (\d+)/.exec(reason)?.[1];
  if (byte !== undefined) return at(body, Number(byte));
  const field = fieldOf(reason);
  return field === null ? null : memberOf(body, field);
}

/** The field that a reason names. */
export function fieldOf(reason: string): string | null {
  const named = /\bfield `([^`]+)`/.exec(reason)?.[1] ?? /^missing (.+)$/.exec(reason)?.[1];
  return named?.split('.').at(-1) ?? null;
}

/** The character at a byte; at the end, the last one. */
function at(body: string, byte: number): Part | null {
  if (body === '') return null;
  const bytes = new TextEncoder().encode(body);
  const before = new TextDecoder().decode(bytes.subarray(0, byte)).length;
  const start = Math.min(before, body.length - 1);
  // A character outside the basic plane is two units of a text.
  return { start, end: start + ((body.codePointAt(start) ?? 0) > 0xffff ? 2 : 1) };
}

/** The first member of this name, from its name to the end of its value. */
function memberOf(body: string, name: string): Part | null {
  for (let start = body.indexOf('"'); start >= 0; ) {
    const end = stringEnd(body, start);
    const colon = /^\s*:\s*/.exec(body.slice(end));
    if (colon && textOf(body.slice(start, end)) === name) {
      return { start, end: valueEnd(body, end + colon[0].length) };
    }
    start = body.indexOf('"', end);
  }
  return null;
}

/** Behind the closing quote of the text that begins here. */
function stringEnd(body: string, start: number): number {
  for (let index = start + 1; index < body.length; index++) {
    if (body[index] === '\\') index++;
    else if (body[index] === '"') return index + 1;
  }
  return body.length;
}

function valueEnd(body: string, start: number): number {
  if (body[start] === '"') return stringEnd(body, start);
  let depth = 0;
  for (let index = start; index < body.length; index++) {
    const character = body[index] ?? '';
    if (character === '"') index = stringEnd(body, index) - 1;
    else if ('{['.includes(character)) depth++;
    else if ('}]'.includes(character) && --depth < 0) return trimmedEnd(body, start, index);
    else if (character === ',' && depth === 0) return trimmedEnd(body, start, index);
    if (depth === 0 && '}]'.includes(character)) return index + 1;
  }
  return body.length;
}

function trimmedEnd(body: string, start: number, end: number): number {
  return start + body.slice(start, end).trimEnd().length;
}

function textOf(literal: string): string | null {
  try {
    return JSON.parse(literal) as string;
  } catch {
    return null;
  }
}

/** Bytes as lines of 16: their offset, their digits, and the characters that can be shown. */
export function hexLines(base64: string): string[] {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const lines: string[] = [];
  for (let offset = 0; offset < bytes.length; offset += 16) {
    const row = [...bytes.subarray(offset, offset + 16)];
    const digits = row.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = row.map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '·')).join('');
    lines.push(`${offset.toString(16).padStart(6, '0')}  ${digits.padEnd(47)}  ${text}`);
  }
  return lines;
}
