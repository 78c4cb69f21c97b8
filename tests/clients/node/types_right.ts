// Must compile: every call of the interface, as a strict program makes it.
import { Client, close, counter, flush, flushAndWait, gauge, histogram, info, stateset, summary, DEFAULT_BUCKETS } from 'sidemeter';

const requests = counter('http_requests_total', 'Requests.', { labels: ['method', 'code'] });
requests.labels('GET', 200).inc();
requests.labels({ method: 'GET', code: '200' }).inc(2);
requests.labels('GET', 200).remove();

const depth = gauge('depth', 'Waiting.', { mode: 'livesum' });
depth.set(1);
depth.inc();
depth.dec(2);

const stop: () => number = histogram('job_seconds', 'Time.', { buckets: [...DEFAULT_BUCKETS, 60], unit: 'seconds' }).startTimer();
const seconds: number = stop();
summary('size_bytes').observe(seconds);
info('build', 'The build.', { labels: ['version'] }).set({ version: '1.2' });
stateset('phase', 'The phase.', { states: ['up', 'down'] }).state('up');

const client = new Client({ socket: '/run/x.sock', interval: 100, maxBuffer: 1024, maxSeries: 10 });
const dropped: number = client.dropped;
flush();
const arrived: Promise<boolean> = flushAndWait(1000 + dropped);
arrived.then(() => close());
