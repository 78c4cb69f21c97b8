'use strict';
// Nanoseconds an event, ours beside prom-client's, which is pinned and installed by ./bench. Rounds alternate, and the
// best of each counts, so that the machine's other work weighs on both alike. Our agent is absent: what is timed is the hot path.

const prom = require(`${process.argv[2]}/node_modules/prom-client`);
const { Client } = require('../../../client/node/sidemeter.js');

const EVENTS = 300_000;
const ROUNDS = 9;

const client = new Client({ socket: '/nonexistent/socket' });
const BUCKETS = client.histogram('d').family.bounds;
const theirs = {
  c: new prom.Counter({ name: 'c', help: 'c' }),
  l: new prom.Counter({ name: 'l', help: 'l', labelNames: ['method', 'code'] }),
  g: new prom.Gauge({ name: 'g', help: 'g' }),
  h: new prom.Histogram({ name: 'h', help: 'h', buckets: BUCKETS }),
};
const ours = {
  c: client.counter('c', 'c'),
  l: client.counter('l', 'l', { labels: ['method', 'code'] }),
  g: client.gauge('g', 'g'),
  h: client.histogram('h', 'h', { buckets: BUCKETS }),
};
const values = Array.from({ length: 1024 }, (_, i) => ((i * 7919) % 1024) / 100);

const cases = {
  'counter, inc()': (m) => { const { c } = m; for (let i = 0; i < EVENTS; i += 1) c.inc(); },
  'counter, child kept, inc()': (m) => { const s = m.l.labels('GET', '200'); for (let i = 0; i < EVENTS; i += 1) s.inc(); },
  'counter, labels(values).inc()': (m) => { const { l } = m; for (let i = 0; i < EVENTS; i += 1) l.labels('GET', '200').inc(); },
  'counter, labels(object).inc()': (m) => {
    const { l } = m;
    for (let i = 0; i < EVENTS; i += 1) l.labels({ method: 'GET', code: '200' }).inc();
  },
  'gauge, set()': (m) => { const { g } = m; for (let i = 0; i < EVENTS; i += 1) g.set(i); },
  'histogram, 14 buckets, observe()': (m) => { const { h } = m; for (let i = 0; i < EVENTS; i += 1) h.observe(values[i & 1023]); },
};

function nanoseconds(run, metrics) {
  const start = process.hrtime.bigint();
  run(metrics);
  return Number(process.hrtime.bigint() - start) / EVENTS;
}

console.log(`node ${process.version}, prom-client ${require(`${process.argv[2]}/node_modules/prom-client/package.json`).version}`);
console.log(`${'ns an event'.padEnd(34)} ${'ours'.padStart(8)} ${'theirs'.padStart(8)} ${'ratio'.padStart(8)}`);
for (const [name, run] of Object.entries(cases)) {
  const best = [Infinity, Infinity];
  for (let round = 0; round < ROUNDS; round += 1) {
    [ours, theirs].forEach((metrics, i) => (best[i] = Math.min(best[i], nanoseconds(run, metrics))));
  }
  const [mine, other] = best;
  console.log([name.padEnd(34), ...[mine, other].map((n) => n.toFixed(1).padStart(8)), (mine / other).toFixed(2).padStart(8)].join(' '));
}
