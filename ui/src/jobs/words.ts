// The words of an error, as Flink's routes send them.

/** What the server says in an error, without the name of a Java class before it and the stack after it. */
export function wordsOf(body: unknown): string | null {
  if (typeof body !== 'object' || body === null || !('errors' in body) || !Array.isArray(body.errors)) {
    return null;
  }
  const last: unknown = body.errors.at(-1);
  return typeof last === 'string' && last !== '' ? plainWords(last) : null;
}

/** The message of a Java exception that was written as text: that of its last cause, which says what to do. */
export function plainWords(text: string): string {
  const cause = text.split(/\n\s*Caused by: /).at(-1) ?? '';
  const [message = ''] = cause.split(/\n\s*at /);
  return message.replace(/^(?:[a-z][\w$]*\.)+[A-Z]\w*(?:Exception|Error|Throwable): /, '').trim();
}
