// Places in a script: the compiler counts bytes, an editor the units of a JavaScript text.

/** Returns the position in `script` of each byte of its UTF-8. */
export function positionsOf(script: string, bytes: number[]): number[] {
  const encoded = new TextEncoder().encode(script);
  const decoder = new TextDecoder();
  return bytes.map((byte) => decoder.decode(encoded.subarray(0, byte)).length);
}

/** A range that can be seen: an empty one is widened to the character at or before it. */
export function visible(from: number, to: number, length: number): { from: number; to: number } {
  if (to > from) return { from, to: Math.min(to, length) };
  return from < length ? { from, to: from + 1 } : { from: Math.max(0, length - 1), to: length };
}
