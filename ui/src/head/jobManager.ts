// Where the pages of the job manager are: below this page's own address, or on another port of its server.
import { BASE } from '../explore/api';
import type { Pulse } from './pulse';

/** The address of a page of the job manager; null: the server does not say where it is. */
export function jobManagerUrl(
  { has_job_pages: isHere, job_manager_port: port }: Pulse,
  hash = '',
): URL | null {
  if (port === null || port === undefined) return null;
  const url = isHere ? new URL('jobs/', BASE) : new URL('/', location.href);
  if (!isHere) url.port = String(port);
  url.search = '';
  url.hash = hash;
  return url;
}
