'use strict';
// A pool of HTTP workers under `cluster`. Each pushes to the agent in a session of its own, and the agent adds them up:
// workers may come, go and crash, and a scrape shows one total.
//
//     PORT=8080 WORKERS=4 SIDEMETER_SOCKET=… node server.js
//
//     GET /            is counted
//     GET /order       is counted, and sent before it is answered: a SIGKILL loses no answered order
//     GET /slow        is answered after SLOW_MS (60000)
//
// SIGTERM ends a worker in good order: it answers what it has accepted, then its last counts go out as it exits.
// SIGTERM of the primary ends the pool so.

const cluster = require('cluster');
const http = require('http');
const sidemeter = require('..');

const { PORT = 8080, WORKERS = 4, SLOW_MS = 60_000 } = process.env;

function bePrimary() {
  const respawns = sidemeter.counter('worker_respawns_total', 'Workers that were replaced.');
  let ending = false;
  cluster.on('exit', (worker) => {
    console.log(`worker ${worker.process.pid} ended`);
    if (ending) return;
    respawns.inc();
    cluster.fork();
  });
  cluster.on('listening', (worker, { port }) => console.log(`worker ${worker.process.pid} listens on ${port}`));
  process.on('SIGTERM', () => {
    ending = true;
    for (const worker of Object.values(cluster.workers)) worker.process.kill('SIGTERM');
  });
  for (let i = 0; i < Number(WORKERS); i += 1) cluster.fork();
}

function beWorker() {
  const requests = sidemeter.counter('http_requests_total', 'Requests answered.', { labels: ['path'] });
  const seconds = sidemeter.histogram('http_request_seconds', 'From request to answer.', { buckets: [0.01, 0.1, 1] });
  // Live: what a worker holds is gone with it, however it dies.
  const inProgress = sidemeter.gauge('http_requests_in_progress', 'Being answered now.', { mode: 'livesum' });
  sidemeter.gauge('workers', 'Workers that run.', { mode: 'livesum' }).set(1);

  const paths = {
    '/': (answer) => answer(),
    '/order': (answer) => answer(),
    '/slow': (answer) => setTimeout(answer, Number(SLOW_MS)),
  };
  const server = http.createServer((request, response) => {
    const work = paths[request.url];
    if (!work) return response.writeHead(404).end();
    const observe = seconds.startTimer();
    inProgress.inc();
    return work(() => {
      requests.labels(request.url).inc();
      observe();
      inProgress.dec();
      if (request.url === '/order') sidemeter.flush();
      response.end('done\n');
    });
  });
  server.listen(Number(PORT), '127.0.0.1');
  process.on('SIGTERM', () => cluster.worker.disconnect());
}

if (cluster.isPrimary) bePrimary();
else beWorker();
