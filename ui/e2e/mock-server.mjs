// A stand-in for Weir: serves dist/, the WebSocket and the routes that the dashboard asks, with made-up figures.
//
// Tests start it on a port of its own and make things happen. `npm run mock` starts it on :8000 with figures that
// move; `npm run mock -- --empty` starts it with none.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import { counted, emptyAnalytics, fullAnalytics } from './mock-data.mjs';

/** @typedef {import('../src/api/types').Analytics} Analytics */

const DESCRIPTION = fileURLToPath(new URL('../openapi.json', import.meta.url));
const DIST = fileURLToPath(new URL('../dist', import.meta.url));
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};
/** As the server sends it: what it forbids must fail here, too. */
const POLICY =
  "default-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; connect-src 'self' ws: wss:; img-src 'self' data: blob:";
/** The keys that the snapshot leaves out. */
const LOADED = ['timeseriesMinute', 'timeseriesHour', 'timeseriesDay', 'hourlyHeatmap'];

/**
 * @param {{ port?: number, analytics?: Analytics }} [options] port 0 takes any that is free
 */
export async function startMock({ port = 0, analytics = fullAnalytics() } = {}) {
  let refusing = false;
  /** Whether it keeps its connections and says nothing, as a process that is stopped. */
  let frozen = false;
  /** What is said in the place of the snapshot while results are being loaded, as a frame. @type {string | null} */
  let loading = null;
  /** Files that do not arrive. @type {RegExp | null} */
  let missing = null;
  /** Who is logged in, where somebody must be. @type {{ required: boolean, name: string | null }} */
  let session = { required: false, name: null };
  /** What is wrong behind the server, as a frame. @type {string | null} */
  let trouble = null;
  const feed = new WebSocketServer({ noServer: true });
  const http = createServer((request, response) => void answer(request, response));

  http.on('upgrade', (request, socket, head) => {
    if (session.required && session.name === null) {
      socket.end('HTTP/1.1 401 Unauthorized\r\nconnection: close\r\n\r\n');
      return;
    }
    if (refusing || request.url !== '/ws/analytics') {
      socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n');
      return;
    }
    feed.handleUpgrade(request, socket, head, (client) => {
      const known = Object.entries(analytics).filter(([key]) => !LOADED.includes(key));
      if (loading) return client.send(loading);
      client.send(
        JSON.stringify({ type: 'initial', time_zone: 'Asia/Ho_Chi_Minh', data: Object.fromEntries(known) }),
      );
      if (trouble) client.send(trouble);
      client.on('message', () => {
        if (!frozen) client.send('{"type":"pong"}');
      });
    });
  });

  /** Sends any text to all clients. @param {string} frame */
  function send(frame) {
    for (const client of feed.clients) client.send(frame);
  }

  /** Says how store, log and jobs stand; without an argument, that all is well. @param {{ store?: object, log?: object, jobs?: object }} [status] */
  function stand(status) {
    const frame = JSON.stringify({ type: 'status', ...allWell(), ...status });
    trouble = status ? frame : null;
    send(frame);
  }

  /** Changes the figures and sends one update for each. @param {Partial<Analytics>} data */
  function push(data) {
    Object.assign(analytics, data);
    for (const [key, value] of Object.entries(data)) {
      const timestamp = new Date().toISOString().slice(0, 19);
      send(JSON.stringify({ type: 'update', analytics_type: key, data: { [key]: value }, timestamp }));
    }
  }

  /** @param {import('node:http').IncomingMessage} request @param {import('node:http').ServerResponse} response */
  async function answer(request, response) {
    const url = new URL(request.url ?? '/', 'http://mock');
    const json = (/** @type {number} */ status, /** @type {unknown} */ body) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

    if (request.method === 'POST' && url.pathname === '/events') {
      let body = '';
      for await (const chunk of request) body += chunk;
      push(counted(analytics, JSON.parse(body)));
      json(202, { accepted: 1, rejected: [] });
    } else if (url.pathname === '/analytics/redis/timeseries') {
      const granularity = url.searchParams.get('granularity') ?? 'hour';
      const rows = {
        minute: analytics.timeseriesMinute,
        hour: analytics.timeseriesHour,
        day: analytics.timeseriesDay,
      };
      const data = rows[/** @type {keyof typeof rows} */ (granularity)];
      json(200, { status: 'success', data, count: data.length, granularity, days: 7 });
    } else if (url.pathname === '/analytics/redis/hourly-heatmap') {
      json(200, { status: 'success', data: analytics.hourlyHeatmap, count: 24, days: 7 });
    } else if (url.pathname === '/session') {
      json(200, { ...session, roles: [] });
    } else if (url.pathname === '/login') {
      response
        .writeHead(200, { 'content-type': 'text/html' })
        .end(`<h1>Log in</h1>${url.searchParams.get('to')}`);
    } else if (url.pathname === '/logout') {
      session = { required: true, name: null };
      response.writeHead(303, { location: '/login?to=/' }).end();
    } else if (url.pathname === '/openapi.json') {
      json(200, JSON.parse(await readFile(DESCRIPTION, 'utf8')));
    } else if (missing?.test(url.pathname)) {
      response.destroy();
    } else {
      await file(url.pathname, response);
    }
  }

  await new Promise((resolve) => http.listen(port, '127.0.0.1', () => resolve(null)));
  const address = /** @type {import('node:net').AddressInfo} */ (http.address());

  return {
    url: `http://127.0.0.1:${address.port}/`,
    analytics,
    send,
    push,
    stand,
    /** Says who is logged in; null: nobody, and somebody must be. @param {string | null} name */
    logIn(name) {
      session = { required: true, name };
    },
    /** Cuts all connections. */
    drop() {
      for (const client of feed.clients) client.terminate();
    },
    /** Whether new connections are refused. @param {boolean} now */
    refuse(now) {
      refusing = now;
    },
    /** Stops to answer, and keeps its connections. */
    freeze() {
      frozen = true;
    },
    /** Has new clients wait for the snapshot. */
    load() {
      loading = JSON.stringify({
        type: 'status',
        ...allWell(),
        results: { ok: false, since: null, message: 'the results are being loaded' },
      });
    },
    /** Sends the snapshot to all that wait for it. */
    loaded() {
      loading = null;
      const data = Object.fromEntries(Object.entries(analytics).filter(([key]) => !LOADED.includes(key)));
      send(JSON.stringify({ type: 'initial', time_zone: 'Asia/Ho_Chi_Minh', data }));
    },
    /** Has files whose paths are like this not arrive. @param {RegExp | null} paths */
    lose(paths) {
      missing = paths;
    },
    async stop() {
      for (const client of feed.clients) client.terminate();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

/** Nothing is wrong anywhere. */
function allWell() {
  const well = { ok: true, since: null, message: null };
  return { store: well, log: well, results: well, jobs: well };
}

/** @param {string} path @param {import('node:http').ServerResponse} response */
async function file(path, response) {
  const name = path === '/' ? '/index.html' : normalize(path);
  try {
    const body = await readFile(join(DIST, name));
    const type = TYPES[/** @type {keyof typeof TYPES} */ (extname(name))] ?? 'application/octet-stream';
    response.writeHead(200, { 'content-type': type, 'content-security-policy': POLICY }).end(body);
  } catch {
    response.writeHead(404, { 'content-type': 'application/json' }).end('{"detail":"Not Found"}');
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const empty = process.argv.includes('--empty');
  const port = Number(process.env.PORT ?? 8000);
  const mock = await startMock({ port, analytics: empty ? emptyAnalytics() : fullAnalytics() });
  process.stdout.write(`${mock.url}\n`);
  if (!empty) {
    setInterval(() => {
      const { query_text = '' } = mock.analytics.popularQuestions[Math.floor(Math.random() ** 2 * 10)] ?? {};
      const { user_type = '' } = mock.analytics.userType[Math.floor(Math.random() ** 2 * 4)] ?? {};
      const rag_metrics = { response_time_ms: 400 + 900 * Math.random(), success: Math.random() < 0.96 };
      mock.push(counted(mock.analytics, { query_text, user: { user_type }, rag_metrics }));
    }, 300);
  }
}
