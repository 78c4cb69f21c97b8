'use strict';
// Obeys the commands of ../README.md with the client under test, one line at a time and in order: each is answered
// before the next is read from the queue of lines.

const { fork } = require('child_process');
const { once } = require('events');
const { performance } = require('perf_hooks');
const readline = require('readline');
const { setTimeout: sleep } = require('timers/promises');
const { isMainThread, Worker, workerData } = require('worker_threads');
const sidemeter = require('../../../client/node/sidemeter.js');

const families = new Map();
const definitions = new Map();

const list = (text) => (text === '-' ? [] : text.split(',').map(decodeURIComponent));
const word = (text) => (text === '-' ? '' : decodeURIComponent(text));
const values = (labels) => (labels === '-' ? [] : labels.split(',').map((pair) => decodeURIComponent(pair.split('=')[1])));
const named = (labels) => Object.fromEntries(
  (labels === '-' ? [] : labels.split(',')).map((pair) => pair.split('=').map(decodeURIComponent)));
const series = (name, labels) => families.get(name).labels(...values(labels));

function define(type, name, help, labels, unit, buckets, mode, states) {
  definitions.set(name, [type, name, help, labels, unit, buckets, mode, states]);
  const options = { labels: list(labels), unit: word(unit), mode: mode === '-' ? undefined : mode, states: list(states) };
  if (buckets !== '-') options.buckets = list(buckets).map(Number);
  try {
    families.set(name, sidemeter[type](name, word(help), options));
    return 'ok';
  } catch (error) {
    console.error(error.message);
    return 'error';
  }
}

function countUp(count, name, labels) {
  const counter = series(name, labels);
  for (let i = 0; i < count; i += 1) counter.inc();
}

const commands = {
  define,
  inc: (name, labels, amount) => series(name, labels).inc(Number(amount)),
  dec: (name, labels, amount) => series(name, labels).dec(Number(amount)),
  set: (name, labels, value) => series(name, labels).set(Number(value)),
  observe: (name, labels, value) => series(name, labels).observe(Number(value)),
  time: (name, labels) => series(name, labels).startTimer()(),
  info: (name, labels) => families.get(name).set(named(labels)),
  state: (name, labels, state) => series(name, labels).state(decodeURIComponent(state)),
  remove: (name, labels) => series(name, labels).remove(),
  many(name, label, count) {
    for (let i = 0; i < Number(count); i += 1) families.get(name).labels({ [label]: i }).inc();
  },
  repeat(count, name, labels) {
    const counter = series(name, labels);
    let longest = 0;
    for (let i = 0; i < Number(count); i += 1) {
      const start = performance.now();
      counter.inc();
      longest = Math.max(longest, performance.now() - start);
    }
    return String(Math.floor(longest * 1000));
  },
  // A thread has a client, and so a session, of its own.
  async threads(threads, count, name, labels) {
    const work = { definition: definitions.get(name), count: Number(count), name, labels };
    const workers = Array.from({ length: Number(threads) }, () => new Worker(__filename, { workerData: work }));
    const exits = await Promise.all(workers.map((worker) => once(worker, 'exit')));
    return exits.every(([status]) => status === 0) ? 'ok' : 'error';
  },
  // Node's fork begins a new process with this file, and with nothing of its parent's memory.
  async fork(count, name, labels) {
    const child = fork(__filename, ['child', count, name, labels, ...definitions.get(name)], { stdio: 'ignore' });
    const [status] = await once(child, 'exit');
    return status === 0 ? 'ok' : 'error';
  },
  flush: () => sidemeter.flush(),
  wait: async (seconds) => String(await sidemeter.flushAndWait(Number(seconds) * 1000)),
  sleep: (seconds) => sleep(Number(seconds) * 1000),
  dropped: () => String(sidemeter.client().dropped),
};

async function obey() {
  const lines = readline.createInterface({ input: process.stdin });
  for await (const line of lines) {
    const [command, ...words] = line.split('\t');
    if (command === 'exit') break;
    const answer = await commands[command](...words);
    process.stdout.write(`${typeof answer === 'string' ? answer : 'ok'}\n`);
  }
  // Nothing but what the client leaves behind could keep the process alive from here on.
  process.stdin.destroy();
}

async function beChild([count, name, labels, ...definition]) {
  define(...definition);
  countUp(Number(count), name, labels);
  if (!(await sidemeter.flushAndWait(10_000))) process.exitCode = 1;
  process.disconnect();
}

if (!isMainThread) {
  define(...workerData.definition);
  countUp(workerData.count, workerData.name, workerData.labels);
} else if (process.argv[2] === 'child') {
  beChild(process.argv.slice(3));
} else {
  obey();
}
