'use strict';
// The metric classes of prom-client over this client: `require('sidemeter/prom_client.js')` in place of `require('prom-client')`.
//
// What is different: the agent answers the scrapes, so that `register.metrics()` gives a comment only, and no cluster registry is
// needed. A gauge's `aggregator` becomes the live mode of that name; the agent knows no `first`, `average` or `omit`, which
// become `last`. Summaries have a count and a sum, and no percentiles. A wrong amount is dropped and counted, not thrown.
// A label that is not given is empty, which Prometheus takes for absent. `collect`, exemplars, `reset()` and
// collectDefaultMetrics() are not there.

const sidemeter = require('./sidemeter.js');

const metrics = new Map();

// Each method takes its labels first where an object stands there: inc({ code: 200 }, 2), inc(2).
class Metric {
  constructor(type, { name, help, labelNames = [], registers: _, ...more }) {
    if (typeof help !== 'string') throw new Error('Missing mandatory help parameter');
    if (metrics.has(name)) throw new Error(`A metric with the name ${name} has already been registered.`);
    const { buckets, aggregator = 'sum' } = more;
    const mode = { sum: 'livesum', min: 'livemin', max: 'livemax' }[aggregator] ?? 'last';
    const options = { labels: labelNames, ...(buckets && { buckets }), ...(type === 'gauge' && { mode }) };
    this.name = name;
    this.help = help;
    this.labelNames = labelNames;
    this.family = sidemeter[type](name, help, options);
    metrics.set(name, this);
    if (labelNames.length === 0) this.family.standing(); // stands at 0 before its first event
  }

  labels(...values) {
    if (values.length !== 1 || typeof values[0] !== 'object') return this.family.labels(...values);
    const known = Object.keys(values[0]).every((label) => this.labelNames.includes(label));
    return this.family.labels(...(known ? this.labelNames.map((label) => values[0][label] ?? '') : [undefined]));
  }

  remove(...values) { this.labels(...values).remove(); }

  call(method, words) {
    if (typeof words[0] !== 'object' || words[0] === null) return this.family[method](...words.filter((word) => word != null));
    return this.labels(words[0])[method](...words.slice(1));
  }
}

class Counter extends Metric {
  constructor(definition) { super('counter', definition); }
  inc(...words) { this.call('inc', words); }
}

class Gauge extends Metric {
  constructor(definition) { super('gauge', definition); }
  inc(...words) { this.call('inc', words); }
  dec(...words) { this.call('dec', words); }
  set(...words) { this.call('set', words); }
  setToCurrentTime(labels = {}) { this.set(labels, Date.now() / 1000); }

  startTimer(labels = {}) {
    const start = performance.now();
    return (more = {}) => {
      const seconds = (performance.now() - start) / 1000;
      this.set({ ...labels, ...more }, seconds);
      return seconds;
    };
  }
}

class Distribution extends Metric {
  observe(...words) { this.call('observe', words); }
  zero(labels = {}) { this.labels(labels).standing(); }

  startTimer(labels = {}) {
    const start = performance.now();
    return (more = {}) => {
      const seconds = (performance.now() - start) / 1000;
      this.observe({ ...labels, ...more }, seconds);
      return seconds;
    };
  }
}

class Histogram extends Distribution {
  constructor(definition) { super('histogram', definition); }
}

class Summary extends Distribution {
  constructor(definition) { super('summary', definition); }
}

const linearBuckets = (start, width, count) => Array.from({ length: count }, (_, i) => start + i * width);
const exponentialBuckets = (start, factor, count) => Array.from({ length: count }, (_, i) => start * factor ** i);

const register = {
  contentType: 'text/plain; version=0.0.4; charset=utf-8',
  metrics: async () => '# Sidemeter\'s agent answers the scrapes.\n',
  getSingleMetric: (name) => metrics.get(name),
};

module.exports = { Counter, Gauge, Histogram, Summary, linearBuckets, exponentialBuckets, register };
