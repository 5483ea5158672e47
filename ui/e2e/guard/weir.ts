// A Weir of its own for a test: the real binary, on free ports, with a token for each role.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export type Scheme = 'http' | 'https';

export interface Weir {
  /** Where the dashboard is, and where the job manager is; without a slash at the end. */
  http: string;
  jobs: string;
  /** Makes a token with one role, and returns its secret. */
  token(role: string): string;
  /** Stops the process where it stands, its connections open; and lets it go on. */
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

export interface WeirOptions {
  scheme?: Scheme;
  /** Roles that get a token before the start: from the first token on, every listener asks for one. */
  roles?: string[];
  arguments?: string[];
  environment?: Record<string, string>;
}

/** Starts `weir up` and waits until it says where it listens. */
export async function startWeir(options: WeirOptions = {}): Promise<Weir & { secrets: Map<string, string> }> {
  const binary = process.env.WEIR_BINARY;
  if (!binary) throw new Error('WEIR_BINARY names the binary of weir');
  const directory = mkdtempSync(join(tmpdir(), 'weir-e2e-'));
  const data = join(directory, 'data');
  const token = (role: string) =>
    execFileSync(binary, ['tokens', 'create', '--name', role, '--role', role, '--data-dir', data], {
      cwd: directory,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  const secrets = new Map((options.roles ?? []).map((role) => [role, token(role)]));

  const tls = options.scheme === 'https' ? certificate(directory) : [];
  const listeners = ['--http', '--jobs-http', '--gateway-http'].flatMap((name) => [name, '127.0.0.1:0']);
  const process_ = spawn(
    binary,
    ['up', ...(options.arguments ?? []), '--data-dir', data, ...listeners, ...tls],
    {
      cwd: directory,
      env: { ...process.env, WEIR_LOG: 'warn', ...options.environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const ended = new Promise<void>((resolve) => process_.once('exit', () => resolve()));

  // It says `weir is up: http://127.0.0.1:41234/ jobs: http://127.0.0.1:41235/ …` once it listens.
  const first = await new Promise<string>((resolve, reject) => {
    createInterface({ input: process_.stdout }).once('line', resolve);
    void ended.then(() => reject(new Error('weir ended before it was up')));
  });
  const [http = '', jobs = ''] = (first.match(/https?:\/\/\S+/g) ?? []).map((url) => url.replace(/\/$/, ''));

  return {
    http,
    jobs,
    secrets,
    token,
    freeze: () => void process_.kill('SIGSTOP'),
    thaw: () => void process_.kill('SIGCONT'),
    async stop() {
      process_.kill('SIGCONT');
      process_.kill('SIGINT');
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Arguments that make Weir speak TLS, with a certificate that nobody vouches for. */
function certificate(directory: string): string[] {
  const [key, cert] = [join(directory, 'key.pem'), join(directory, 'certificate.pem')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const names = ['-subj', '/CN=weir', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const out = ['-days', '1', '-keyout', key, '-out', cert];
  execFileSync('openssl', ['req', '-x509', ...curve, ...names, ...out], { stdio: 'pipe' });
  return ['--set', `tls.certificate=${cert}`, '--set', `tls.key=${key}`];
}
