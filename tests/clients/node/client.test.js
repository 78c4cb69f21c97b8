'use strict';
// What the conformance runner cannot see: the bytes of a session, cut records, ways to end, and what never throws.

const assert = require('assert');
const { spawn } = require('child_process');
const { once } = require('events');
const path = require('path');
const { test } = require('node:test');
const { setTimeout: sleep } = require('timers/promises');
const { PaperAgent, until } = require('./agent.js');
const { Client } = require('../../../client/node/sidemeter.js');

// A client that flushes only when told, and a paper agent; both end with the test.
async function pair(t, options = {}, agentOptions = {}) {
  const agent = await PaperAgent.start(agentOptions);
  const client = new Client({ socket: agent.socket, interval: 60_000, ...options });
  t.after(async () => {
    await client.close(0);
    await agent.end();
  });
  return { agent, client };
}

const heard = (agent, text) => until(() => agent.sessions.join('').includes(text), `${text} in ${agent.sessions}`);

test('a session is hello, declarations, bindings, and then handles alone', async (t) => {
  const { agent, client } = await pair(t);
  const jobs = client.counter('jobs_total', 'Jobs\nof C:\\.', { labels: ['queue'], unit: 'jobs' });
  const seconds = client.histogram('job_seconds', '', { buckets: [0.5, 1] });
  const busy = client.gauge('busy', '', { mode: 'livesum' });
  const phase = client.stateset('phase', '', { states: ['up', 'down'] });
  jobs.labels('a "b"').inc(2);
  seconds.observe(0.75);
  seconds.observe(8);
  busy.inc(3);
  busy.dec();
  phase.state('up');
  client.flush();
  await heard(agent, 'phase\n@3 up\n');
  jobs.labels('a "b"').inc();
  busy.dec(4);
  client.flush();
  await heard(agent, '-=4\n');
  assert.deepEqual(agent.sessions[0].split('\n'), [
    `hello v=1 pid=${process.pid} client=sidemeter-node/0.1.0`,
    '# TYPE jobs_total counter', '# HELP jobs_total Jobs\\nof C:\\\\.', '# UNIT jobs_total jobs',
    '# TYPE job_seconds histogram', '# BUCKETS job_seconds 0.5 1 +Inf',
    '# TYPE busy gauge', '# MODE busy livesum',
    '# TYPE phase stateset', '# STATES phase up down',
    '@0 c jobs_total{queue="a \\"b\\""}', '@0 2',
    '@1 m job_seconds', '@1 8.75 0 1 1',
    '@2 g busy', '@2 2', // a new session is told the process's own value
    '@3 e phase', '@3 up',
    '@0 1', '@2 -=4', '',
  ]);
});

test('events between two flushes are one record', async (t) => {
  const { agent, client } = await pair(t);
  const counter = client.counter('c');
  for (let i = 0; i < 1000; i += 1) counter.inc();
  client.flush();
  await heard(agent, '@0 c c\n@0 1000\n');
});

test('past handle 4095 a series goes by its text, and a removed one gives its handle back', async (t) => {
  const { agent, client } = await pair(t);
  const counter = client.counter('c', '', { labels: ['n'] });
  for (let n = 0; n < 4098; n += 1) counter.labels(n).inc();
  client.flush();
  await heard(agent, '@4095 c c{n="4095"}\n@4095 1\nc c{n="4096"} 1\nc c{n="4097"} 1\n');
  counter.labels(7).remove();
  counter.labels('new').inc();
  client.flush();
  await heard(agent, 'x c{n="7"}\n@7 c c{n="new"}\n@7 1\n');
});

test('a record that was cut is sent again, and none twice', async (t) => {
  const { agent, client } = await pair(t, { maxSeries: 20_000 }, { reads: false });
  const counter = client.counter('c', '', { labels: ['n', 'filler'] });
  const filler = 'x'.repeat(200);
  const COUNT = 6000; // some 1.3 MB: more than a socket's buffers hold
  for (let n = 0; n < COUNT; n += 1) counter.labels(n, filler).inc(3);
  for (let i = 0; i < 100; i += 1) {
    client.flush();
    await sleep(2);
  }
  await until(() => agent.sockets.length === 1, 'a session');
  // Reads what the kernel holds, while nobody flushes; then the session is cut.
  agent.sockets[0].resume();
  await sleep(300);
  agent.sockets[0].destroy();
  await sleep(50);
  const first = agent.sessions[0];
  assert.ok(!first.endsWith('\n'), 'the last record of the first session was cut');
  for (const connection of agent.sockets) connection.resume();
  for (let i = 0; i < 200 && agent.sessions.length < 2; i += 1) {
    client.flush();
    await sleep(20);
  }
  agent.sockets[1].resume();
  for (let i = 0; i < 200; i += 1) {
    client.flush();
    await sleep(5);
  }
  // Sums what both sessions applied: a record without LF is not applied.
  const sums = new Map();
  for (const session of agent.sessions) {
    const bound = new Map();
    for (const line of session.split('\n').slice(0, -1)) {
      const [, handle, text] = /^@(\d+) c (c\{.*\})$/.exec(line) ?? [];
      if (handle) bound.set(handle, text);
      const [, used, amount] = /^@(\d+) (\d+)$/.exec(line) ?? [];
      const [, plain, more] = /^c (c\{.*\}) (\d+)$/.exec(line) ?? [];
      const series = used ? bound.get(used) : plain;
      if (series) sums.set(series, (sums.get(series) ?? 0) + Number(amount ?? more));
    }
  }
  assert.equal(sums.size, COUNT);
  assert.deepEqual(new Set(sums.values()), new Set([3]));
});

test('the table is emptied as fast as the kernel takes it, a buffer at a time', async (t) => {
  const { agent, client } = await pair(t);
  const counter = client.counter('c', '', { labels: ['n'] });
  for (let n = 0; n < 9000; n += 1) counter.labels(n).inc();
  client.flush(); // one call
  await heard(agent, '@4095 1\n');
  await heard(agent, 'c{n="8999"} 1\n');
});

// Runs exits.js to its end: its exit status, and the milliseconds that the client took at exit.
async function exits(way, socket) {
  const child = spawn(process.execPath, [path.join(__dirname, 'exits.js'), way],
    { stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, SIDEMETER_SOCKET: socket } });
  let said = '';
  child.stdout.on('data', (text) => (said += text));
  const [status] = await once(child, 'close');
  return { status, tookMs: Number(said) };
}

for (const [way, count, wanted] of [['by itself', 1, 0], ['by process.exit', 1, 0], ['by an exception', 1, 1],
  ['with a count in an exit listener', 2, 0]]) {
  test(`a process that ends ${way} has sent what it counted`, async (t) => {
    const { agent } = await pair(t);
    const { status } = await exits(way, agent.socket);
    assert.equal(status, wanted);
    await heard(agent, `@0 c ends_total\n@0 ${count}\n`);
    assert.equal(agent.sessions.length, 1);
  });
}

test('a process ends at once without an agent', async () => {
  const { status, tookMs } = await exits('by itself', '/nonexistent/socket');
  assert.equal(status, 0);
  assert.ok(tookMs < 50, `${tookMs} ms`);
});

test('a process that ends against a full socket waits for some 100 ms', async (t) => {
  const { agent } = await pair(t, {}, { reads: false });
  const { status, tookMs } = await exits('against a full socket', agent.socket);
  t.diagnostic(`${tookMs} ms`);
  assert.equal(status, 0);
  assert.ok(tookMs >= 90 && tookMs < 1000, `${tookMs} ms`);
});

test('what is wrong in an event is counted and never thrown', async (t) => {
  const { client } = await pair(t);
  const counter = client.counter('c', '', { labels: ['a', 'b'] });
  const wrong = [
    () => counter.inc(), () => counter.labels().inc(), () => counter.labels('1').inc(), () => counter.labels('1', '2', '3').inc(),
    () => counter.labels({ a: 1 }).inc(), () => counter.labels({ a: 1, c: 2 }).inc(), () => counter.labels(null).inc(),
    () => counter.labels('1', undefined).inc(), () => counter.labels(Symbol('s'), '2').inc(),
    () => counter.labels('1\0', '2').inc(), () => counter.labels({ get a() { throw new Error('a'); }, b: 1 }).inc(),
    () => counter.labels('1', '2').inc(-1), () => counter.labels('1', '2').inc(NaN), () => counter.labels('1', '2').inc(Infinity),
    () => counter.labels('1', '2').inc('1'), () => counter.labels('1', '2').inc(1n), () => counter.labels('1', '2').inc(null),
    () => client.gauge('g').set('1'), () => client.gauge('g').inc(Infinity), () => client.gauge('g').set(),
    () => client.histogram('h').observe(NaN), () => client.histogram('h').observe(), () => client.summary('s').observe('1'),
    () => client.stateset('e', '', { states: ['a'] }).state('b'), () => client.info('i', '', { labels: ['v'] }).set({ w: 1 }),
    () => counter.remove(),
  ];
  wrong.forEach((event, index) => {
    event();
    assert.equal(client.dropped, index + 1, String(event));
  });
});

test('a definition that is wrong says what is wanted and what was found', async (t) => {
  const { client } = await pair(t);
  const wrong = [
    [() => client.counter('9lives'), /must match .*"9lives"/],
    [() => client.counter('sidemeter_x'), /the agent's own/],
    [() => client.counter('x', '', { labels: ['a-b'] }), /label name must match .*"a-b"/],
    [() => client.counter('x', '', { labels: ['a', 'a'] }), /named once/],
    [() => client.histogram('x', '', { labels: ['le'] }), /le/],
    [() => client.summary('x', '', { labels: ['quantile'] }), /quantile/],
    [() => client.gauge('x', '', { labels: ['pid'], mode: 'liveall' }), /pid/],
    [() => client.histogram('x', '', { buckets: [1, 1] }), /rising/],
    [() => client.histogram('x', '', { buckets: [NaN] }), /rising/],
    [() => client.gauge('x', '', { mode: 'often' }), /often/],
    [() => client.counter('x', '', { mode: 'sum' }), /mode/],
    [() => client.stateset('x'), /states/],
    [() => client.stateset('x', '', { states: ['a b'] }), /a b/],
    [() => client.counter('x', 'y'.repeat(4097)), /help/],
  ];
  for (const [define, words] of wrong) assert.throws(define, { name: 'RangeError', message: words });
  client.counter('twice', 'Same.');
  assert.equal(client.counter('twice', 'Same.'), client.counter('twice', 'Same.'));
  assert.throws(() => client.gauge('twice', 'Same.'), /is defined already/);
});

test('two objects of one label set are one series', async (t) => {
  const { agent, client } = await pair(t);
  const counter = client.counter('c', '', { labels: ['a', 'b'] });
  const one = counter.labels('1', '2');
  const other = counter.labels({ b: 2, a: 1 });
  one.inc();
  other.inc(2);
  one.inc(4);
  client.flush();
  await heard(agent, '@0 c c{a="1",b="2"}\n@0 7\n');
});

test('a removed series that the application still holds begins at nothing', async (t) => {
  const { agent, client } = await pair(t);
  const gauge = client.gauge('g', '', { labels: ['a'] });
  const held = gauge.labels('1');
  held.set(5);
  held.remove();
  held.inc(2);
  client.flush();
  await heard(agent, 'x g{a="1"}\n@0 g g{a="1"}\n@0 +=2\n');
  assert.ok(!agent.sessions[0].includes(' 5\n'));
});

test('series that come and go without an agent cost bounded memory', async () => {
  const client = new Client({ socket: '/nonexistent/socket', maxSeries: 100, interval: 60_000 });
  const gauge = client.gauge('g', '', { labels: ['n'] });
  for (let n = 0; n < 10_000; n += 1) {
    gauge.labels(n).set(1);
    gauge.labels(n).remove();
  }
  assert.ok(client._removals.size <= 100 && client._waiting.size <= 100, 'both lists are bounded');
  assert.ok(client.dropped > 0);
  await client.close(0);
});

test('after close() events are dropped and counted', async (t) => {
  const { client } = await pair(t);
  const counter = client.counter('c');
  counter.inc();
  await client.close(0);
  counter.inc();
  assert.equal(client.dropped, 1);
  assert.equal(await client.flushAndWait(10), false);
});

test('an ES module imports it by names', async () => {
  const imported = await import('../../../client/node/sidemeter.js');
  const names = ['Client', 'client', 'counter', 'gauge', 'histogram', 'summary', 'info', 'stateset', 'flush', 'flushAndWait', 'close'];
  for (const name of names) assert.equal(typeof imported[name], 'function', name);
});
