'use strict';
// One program for both: with argument `theirs` it prints what prom-client exposes, with `ours` it pushes.

const theirs = process.argv[2] !== 'ours';
const prom = require(theirs ? process.argv[2] : '../../../client/node/prom_client.js');

const requests = new prom.Counter({ name: 'requests_total', help: 'Requests.', labelNames: ['method', 'code'] });
requests.inc({ method: 'GET', code: 200 });
requests.inc({ method: 'GET', code: '200' }, 2);
requests.labels('POST', '500').inc();
requests.labels({ code: '500', method: 'POST' }).inc(0.5);
requests.inc({ method: 'PUT', code: 'a "b"\\\n' });
requests.inc({ method: 'gone', code: '1' });
requests.remove('gone', '1');
requests.inc({ method: 'gone', code: '2' });
requests.remove({ method: 'gone', code: '2' });
requests.inc({ method: 'partial' });

new prom.Counter({ name: 'untouched_total', help: 'No event.' });
const events = new prom.Counter({ name: 'events_total', help: 'Events.' });
events.inc();
events.inc(41);

const depth = new prom.Gauge({ name: 'depth', help: 'Depth.', labelNames: ['queue'] });
depth.set({ queue: 'a' }, 7);
depth.inc({ queue: 'a' });
depth.dec({ queue: 'a' }, 3);
depth.labels('b').set(-1.5);
const level = new prom.Gauge({ name: 'level', help: 'Level.' });
level.set(3);
level.dec();
level.inc(10);

const seconds = new prom.Histogram({ name: 'job_seconds', help: 'Time.', labelNames: ['job'], buckets: prom.linearBuckets(1, 2, 3) });
for (const value of [0.5, 1, 3.5, 9]) seconds.observe({ job: 'x' }, value);
seconds.labels('y').observe(2);
seconds.zero({ job: 'z' });
new prom.Histogram({ name: 'quiet_bytes', help: 'None yet.', buckets: prom.exponentialBuckets(1, 2, 4) });

const sizes = new prom.Summary({ name: 'size_bytes', help: 'Sizes.', percentiles: [] });
sizes.observe(10);
sizes.observe(32);

if (theirs) prom.register.metrics().then((text) => process.stdout.write(text));
else require('../../../client/node/sidemeter.js').flushAndWait(10_000).then(() => process.stdin.resume());
