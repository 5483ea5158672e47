// Who the server takes us for, and where to go when it takes us for nobody.

export interface Session {
  /** Whether the server asks for tokens. */
  required: boolean;
  /** The token's name; null: nobody is logged in. */
  name: string | null;
}

/** A server that does not say, as one that is away, is left to the feed. */
export async function fetchSession(base: string): Promise<Session | null> {
  try {
    const response = await fetch(new URL('session', base), { cache: 'no-store' });
    return response.ok ? decodeSession(await response.json()) : null;
  } catch {
    return null;
  }
}

export function decodeSession(json: unknown): Session | null {
  if (typeof json !== 'object' || json === null || !('required' in json)) return null;
  const name = 'name' in json && typeof json.name === 'string' ? json.name : null;
  return { required: json.required === true, name };
}

/** The login page, which leads back to `here`; null where there is no need of it. */
export function loginUrl(session: Session, base: string, here: string): string | null {
  if (!session.required || session.name !== null) return null;
  const login = new URL('login', base);
  const { pathname, search } = new URL(here);
  login.searchParams.set('to', pathname + search);
  return login.href;
}
