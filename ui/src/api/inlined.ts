// The answers that the server puts into the first page, so that its first picture waits for no request:
// crates/server/src/first. An answer that is not there is asked for.

export interface Inlined {
  etag: string | null;
  body: unknown;
}

/** Time after which an answer of the page is old, however slowly the code came. */
const FRESH_MS = 5_000;

const answers = read();

/** Takes the answer of an address, relative to the server's directory. It is given once: whoever asks again wants a new one. */
export function takeInlined(address: string): Inlined | undefined {
  const answer = answers.get(address);
  answers.delete(address);
  return answer;
}

function read(): Map<string, Inlined> {
  const element = typeof document === 'undefined' ? null : document.getElementById('answers');
  if (!element?.textContent) return new Map();
  const found = new Map(Object.entries(JSON.parse(element.textContent) as Record<string, Inlined>));
  element.remove();
  setTimeout(() => found.clear(), FRESH_MS);
  return found;
}
