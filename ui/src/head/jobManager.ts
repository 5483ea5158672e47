// Where the job manager is: on another port of the server that this page came from.
import type { Pulse } from './pulse';

/** The address of a page of the job manager; null: the server does not say where it is. */
export function jobManagerUrl({ job_manager_port: port }: Pulse, hash = ''): URL | null {
  if (port === null || port === undefined) return null;
  const url = new URL('/', location.href);
  url.port = String(port);
  url.search = '';
  url.hash = hash;
  return url;
}
