'use strict';
// The pool of client/node/example_cluster under load, while its workers are killed and respawned.

const assert = require('assert');
const { spawn } = require('child_process');
const { once } = require('events');
const http = require('http');
const path = require('path');
const readline = require('readline');
const { after, before, test } = require('node:test');
const { setTimeout: sleep } = require('timers/promises');
const { Agent, until } = require('./agent.js');

const SERVER = path.join(__dirname, '../../../client/node/example_cluster/server.js');
const WORKERS = 3;
const LOAD_MS = 4000;
const KILL_EVERY_MS = 200;

let agent;
let pool;
let port;
let workers; // pids of those that listen, the youngest last

before(async () => {
  agent = await Agent.start();
  workers = [];
  pool = spawn(process.execPath, [SERVER], { env: { ...process.env, SIDEMETER_SOCKET: agent.socket, PORT: 0, WORKERS } });
  pool.stderr.pipe(process.stderr);
  readline.createInterface({ input: pool.stdout }).on('line', (line) => {
    const [, pid, listened, ended] = /^worker (\d+) (?:listens on (\d+)|(ended))$/.exec(line);
    if (listened) workers.push(Number(pid));
    if (ended) workers = workers.filter((worker) => worker !== Number(pid));
    port = listened ?? port;
  });
  await until(() => workers.length === WORKERS, 'the workers listen');
});

after(async () => {
  if (pool.exitCode === null) pool.kill('SIGTERM');
  if (pool.exitCode === null) await once(pool, 'exit');
  await agent.end();
});

// 'answered', or 'broken' where the connection was cut, or fell silent, before the answer was whole. Node's primary keeps
// a connection open that it has handed to a worker that died before taking it: only time ends that one.
function request(url) {
  return new Promise((resolve) => {
    const asked = http.get({ host: '127.0.0.1', port, path: url, agent: false, timeout: 3000 }, (response) => {
      response.on('end', () => resolve(response.complete ? 'answered' : 'broken')).on('error', () => resolve('broken'));
      response.resume();
    });
    asked.on('error', () => resolve('broken')).on('timeout', () => asked.destroy());
  });
}

async function load(url, signal) {
  const outcome = { answered: 0, broken: 0, killed: 0 };
  const end = Date.now() + LOAD_MS;
  const ask = async () => {
    while (Date.now() < end) outcome[await request(url)] += 1;
  };
  const kill = async () => {
    while (Date.now() < end - KILL_EVERY_MS) {
      await sleep(KILL_EVERY_MS);
      const victim = workers[0];
      process.kill(victim, signal);
      outcome.killed += 1;
      await until(() => workers.length === WORKERS && !workers.includes(victim), 'another worker listens');
    }
  };
  await Promise.all([ask(), ask(), ask(), ask(), kill()]);
  return outcome;
}

const shown = async (series) => (await agent.samples())[series] ?? 0;

test('totals are exact after workers were ended under load', async (t) => {
  const { answered, broken, killed } = await load('/', 'SIGTERM');
  t.diagnostic(`${answered} answered, ${broken} broken, ${killed} workers ended`);
  assert.ok(killed >= 2 && answered > 100);
  assert.equal(broken, 0);
  await until(async () => (await shown('http_requests_total{path="/"}')) >= answered, `${answered} requests`);
  await sleep(600); // more than two flushes: nothing comes on top
  assert.equal(await shown('http_requests_total{path="/"}'), answered);
  assert.equal(await shown('http_request_seconds_count'), answered);
  assert.equal(await shown('worker_respawns_total'), killed);
});

test('no answered order is lost to SIGKILL under load', async (t) => {
  const { answered, broken, killed } = await load('/order', 'SIGKILL');
  t.diagnostic(`${answered} answered, ${broken} broken, ${killed} workers killed`);
  assert.ok(killed >= 2 && answered > 100);
  await sleep(600);
  const total = await shown('http_requests_total{path="/order"}');
  // A broken order was counted or not: it was cut before its answer.
  assert.ok(total >= answered && total <= answered + broken, `${answered} <= ${total} <= ${answered} + ${broken}`);
});

test('live gauges show the workers that live and what they hold', async () => {
  await until(async () => (await shown('workers')) === WORKERS, `${WORKERS} workers`);
  assert.equal(await shown('http_requests_in_progress'), 0);
  const held = Array.from({ length: 6 }, () => request('/slow'));
  await until(async () => (await shown('http_requests_in_progress')) === 6, '6 requests are held');
  const victims = [...workers];
  for (const pid of victims) process.kill(pid, 'SIGKILL');
  await until(() => !victims.some((pid) => workers.includes(pid)), 'all have ended');
  assert.equal(await shown('http_requests_in_progress'), 0);
  await until(async () => (await shown('workers')) === WORKERS, `${WORKERS} workers again`);
  assert.deepEqual(await Promise.all(held), Array(6).fill('broken'));
});

test('the pool ends in good order', async () => {
  pool.kill('SIGTERM');
  const [status] = await once(pool, 'exit');
  assert.equal(status, 0);
  assert.equal(await shown('workers'), 0);
  assert.equal(await shown('http_requests_in_progress'), 0);
});
