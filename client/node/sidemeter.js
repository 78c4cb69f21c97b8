'use strict';
// Pushes metrics to a Sidemeter agent. Copy this file, or depend on the package. Node.js 18 on Unix, nothing else.
//
//     const sidemeter = require('sidemeter');
//     const requests = sidemeter.counter('http_requests_total', 'Requests answered.', { labels: ['code'] });
//     requests.labels('200').inc();
//
// An event is an addition in memory. What has added up is sent every 250 ms, and synchronously when the process exits.
// No call throws but a definition that is wrong, and none waits for the agent but flushAndWait() and close().

const fs = require('fs');
const net = require('net');

const NAME = 'sidemeter-node';
const VERSION = '0.1.0';
const DEFAULT_SOCKET = '/run/sidemeter/sidemeter.sock';
const DEFAULT_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const HANDLES = 4096;
const EXIT_WAIT_MS = 100;
const RETRY_MS = { first: 100, last: 5000 };
const LOOK_AGAIN_MS = 5; // whether the kernel takes bytes again, while something waits for it

const MOST = { nameBytes: 512, helpBytes: 4096, labels: 32, buckets: 128, states: 128 }; // PROTOCOL.md, Limits
const ESCAPES = { '\\': '\\\\', '"': '\\"', '\n': '\\n' };
const escaped = (text, which = /[\\"\n]/g) => text.replace(which, (character) => ESCAPES[character]);

// ---- Series: one a label set, holding what has happened since it was last sent ----

// A series enters its family at its first event, and leaves it with remove(). `waiting` says that it has something to
// send; a waiting series always stands in its family. One without a `text` lacks labels: its events are dropped.
class Series {
  constructor(family, key, text) {
    this.family = family;
    this.key = key;
    this.text = text;
    this.waiting = false;
    this.handle = -1;
    this.boundIn = null; // the socket
    this.lives = 0; // ended by remove()
    this.reset();
  }

  labels(...values) { return this.family.find(values); }
  remove() { this.family.remove(this); }
  refuse() { this.family.client.dropped += 1; }

  // The series to change, now waiting to be sent; nothing where there is none, and the event is dropped.
  standing() { return this.waiting ? this : this.family.admit(this); }

  // What waits is `pending`. operands() spells it, putBack() adds it again, repeat() says whether a new session has
  // something to hear of the series.
  reset() { this.pending = this.nothing(); }
  nothing() {}
  operands() { return ''; }
  putBack() {}
  repeat() { return false; }

  take() {
    const { pending } = this;
    this.reset();
    return pending;
  }
}

class Counter extends Series {
  inc(amount = 1) {
    if (!(Number.isFinite(amount) && amount >= 0)) return this.refuse();
    const series = this.standing();
    if (series) series.pending += amount;
  }

  nothing() { return 0; }
  operands(amount) { return ` ${amount}`; }
  putBack(amount) { this.pending += amount; }
}

// `value` is this process's own; when it is `known`, a new session is told it. What waits is the value where it is
// `toSet`, else the sum of what was added.
class Gauge extends Series {
  set(value) {
    if (typeof value !== 'number') return this.refuse();
    const series = this.standing();
    if (!series) return;
    series.value = value;
    series.known = true;
    series.toSet = true;
  }

  inc(amount = 1) {
    if (!Number.isFinite(amount)) return this.refuse();
    const series = this.standing();
    if (!series) return;
    series.value += amount;
    series.delta += amount;
    if (series.family.ownValues) series.known = true;
  }

  dec(amount = 1) { this.inc(-amount); }
  reset() { Object.assign(this, { value: 0, known: false, toSet: false, delta: 0 }); }
  repeat() { return (this.toSet = this.known); }

  take() {
    const { toSet, value, delta } = this;
    this.toSet = false;
    this.delta = 0;
    return { toSet, amount: toSet ? value : delta };
  }

  operands({ toSet, amount }) {
    if (toSet) return ` ${amount}`;
    return amount < 0 ? ` -=${-amount}` : ` +=${amount}`;
  }

  putBack({ toSet, amount }) {
    if (toSet) this.toSet = true;
    else this.delta += amount;
  }
}

// A histogram, or a summary, which is one whose only bucket holds all.
class Distribution extends Series {
  observe(value) {
    if (typeof value !== 'number' || Number.isNaN(this.pending.sum + value)) return this.refuse();
    const series = this.standing();
    if (!series) return;
    const { bounds } = this.family;
    let bucket = 0;
    while (bucket < bounds.length && value > bounds[bucket]) bucket += 1;
    series.pending.counts[bucket] += 1;
    series.pending.sum += value;
  }

  startTimer() {
    const start = performance.now();
    return () => {
      const seconds = (performance.now() - start) / 1000;
      this.observe(seconds);
      return seconds;
    };
  }

  nothing() { return { sum: 0, counts: new Array(this.family.bounds.length + 1).fill(0) }; }
  operands({ sum, counts }) { return ` ${sum} ${counts.join(' ')}`; }

  putBack({ sum, counts }) {
    this.pending.sum += sum;
    counts.forEach((count, bucket) => (this.pending.counts[bucket] += count));
  }
}

class Info extends Series {
  set(content = {}) { (this.family.labelNames.length ? this.labels(content) : this).standing(); }
  repeat() { return true; }
}

class StateSet extends Series {
  state(name) {
    if (!this.family.states.includes(name)) return this.refuse();
    const series = this.standing();
    if (series) series.current = name;
  }

  reset() { this.current = null; }
  take() { return this.current; }
  operands(state) { return ` ${state}`; }
  repeat() { return this.current !== null; }
}

const TYPES = {
  counter: { Kind: Counter, verb: 'c' },
  gauge: { Kind: Gauge, verb: 'g' },
  histogram: { Kind: Distribution, verb: 'm', reserved: 'le' },
  summary: { Kind: Distribution, verb: 'm', reserved: 'quantile' },
  info: { Kind: Info, verb: 'i' },
  stateset: { Kind: StateSet, verb: 'e' },
};

// ---- Families ----

function check(condition, words, found) {
  if (!condition) throw new RangeError(`${words}, got ${JSON.stringify(found)}`);
}

const rising = (bounds) => bounds.every((bound, i) => Number.isFinite(bound) && (i === 0 || bound > bounds[i - 1]));
const distinct = (words, most) => words.length <= most && new Set(words).size === words.length;

// Throws a RangeError that says what PROTOCOL.md wants and what was found.
function checkDefinition(type, name, help, { labels, unit, buckets, mode, states }) {
  check(/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name), 'a metric name must match [a-zA-Z_:][a-zA-Z0-9_:]*', name);
  check(name.length <= MOST.nameBytes, `a metric name has at most ${MOST.nameBytes} bytes`, name);
  check(!name.startsWith('sidemeter_'), 'names that begin with sidemeter_ are the agent\'s own', name);
  check(!help.includes('\0') && Buffer.byteLength(help) <= MOST.helpBytes, 'help is too long or has a NUL', help);
  check(distinct(labels, MOST.labels), `labels are at most ${MOST.labels}, and each is named once`, labels);
  const taken = [TYPES[type].reserved, type === 'stateset' && name, /all$/.test(mode) && 'pid'];
  for (const label of labels) {
    check(/^(?!__)[a-zA-Z_][a-zA-Z0-9_]{0,511}$/.test(label),
      `a label name must match [a-zA-Z_][a-zA-Z0-9_]* of at most ${MOST.nameBytes} bytes and not begin with __`, label);
    check(!taken.includes(label), `the agent itself writes this label of a ${type}`, label);
  }
  check(/^[a-zA-Z0-9_]*$/.test(unit), 'a unit must match [a-zA-Z0-9_]+', unit);
  check(/^(last|(live)?(sum|min|max|mostrecent|all))$/.test(mode) && (mode === 'last' || type === 'gauge'),
    'a mode is last, or of a gauge [live] and one of sum, min, max, mostrecent, all', mode);
  check(rising(buckets) && buckets.length <= MOST.buckets, `buckets are at most ${MOST.buckets}, rising`, buckets);
  check(distinct(states, MOST.states) && states.every((state) => /^[^\s\0]+$/.test(state))
    && (type === 'stateset') === states.length > 0, `the states of a stateset are 1 to ${MOST.states} words`, states);
}

// A metric family: its definition, and the series that stand in it by their label values.
class Family {
  constructor(client, type, name, help, { labels, unit, buckets, mode, states }) {
    const { verb, Kind } = TYPES[type];
    const bounds = type === 'histogram' ? buckets : [];
    Object.assign(this, { client, name, verb, Kind, labelNames: labels, bounds, states, ownValues: mode !== 'last' });
    this.declaration = [
      `# TYPE ${name} ${type}`,
      help && `# HELP ${name} ${escaped(help, /[\\\n]/g)}`,
      unit && `# UNIT ${name} ${unit}`,
      type === 'histogram' && `# BUCKETS ${name} ${[...bounds, '+Inf'].join(' ')}`,
      this.ownValues && `# MODE ${name} ${mode}`,
      type === 'stateset' && `# STATES ${name} ${states.join(' ')}`,
    ].filter(Boolean).map((line) => `${line}\n`).join('');
    this.series = new Map();
    this.lacking = new Kind(this, null, null);
    this.root = labels.length ? this.lacking : new Kind(this, '', name);
  }

  // The series of label values, in the order of the definition or as one object; `lacking` where they do not fit.
  // No label value holds a NUL (PROTOCOL.md, Transport), so that a key cuts into its values in one way only.
  find(values) {
    const { labelNames } = this;
    try {
      const object = values.length === 1 && typeof values[0] === 'object' ? values[0] : null;
      const given = object ? labelNames.map((label) => object[label]) : values;
      const many = object ? Object.keys(object).length : values.length;
      if (many !== labelNames.length || given.includes(undefined)) return this.lacking;
      const key = given.join('\0');
      return this.series.get(key) ?? this.spell(key);
    } catch {
      return this.lacking; // a value that has no text
    }
  }

  spell(key) {
    if (this.labelNames.length === 0) return this.root;
    const values = key.split('\0');
    if (values.length !== this.labelNames.length) return this.lacking;
    const labels = this.labelNames.map((name, i) => `${name}="${escaped(values[i])}"`);
    return new this.Kind(this, key, `${this.name}{${labels.join(',')}}`);
  }

  // Makes a series stand and wait. Another object may stand for the same labels already; then it is that one.
  admit(series) {
    const { client } = this;
    const known = this.series.get(series.key);
    const room = series.text !== null && client._seriesCount < client.maxSeries;
    if (client.closed || !(known || room)) return series.refuse();
    if (!known) client._seriesCount += 1;
    if (!known) this.series.set(series.key, series);
    return client._wait(known ?? series);
  }

  remove(series) {
    const { client } = this;
    const full = client._removals.size >= client.maxSeries;
    if (client.closed || series.text === null || full) return series.refuse();
    const known = this.series.get(series.key);
    if (known) client._forget(known);
    this.series.delete(series.key);
    client._removals.add(series.text);
  }
}

// ---- The client: the table of series, one buffer, one socket ----

class Client {
  constructor({ socket, interval = 250, maxBuffer = 65536, maxSeries = 10000 } = {}) {
    Object.assign(this, { maxBuffer, maxSeries, dropped: 0, closed: false, _reported: 0, _goingOn: null });
    Object.assign(this, { _families: new Map(), _waiting: new Set(), _removals: new Set(), _barriers: new Map() });
    Object.assign(this, { _seriesCount: 0, _barrierCount: 0, _handleCount: 0, _freeHandles: [] });
    Object.assign(this, { _socket: null, _retryAt: 0, _retryMs: RETRY_MS.first });
    this._path = String(socket || process.env.SIDEMETER_SOCKET || DEFAULT_SOCKET);
    this._clearBuffer();
    this._timer = setInterval(() => this.flush(), interval).unref();
    this._atExit = () => this._flushAtExit();
    process.on('exit', this._atExit);
  }

  _define(type, name, help = '', options = {}) {
    const { labels = [], unit = '', buckets = DEFAULT_BUCKETS, mode = 'last', states = [] } = options;
    const bounds = buckets.filter((bound) => bound !== Infinity); // the agent's anyway
    const definition = { labels: [...labels], unit, buckets: bounds, mode, states: [...states] };
    checkDefinition(type, name, help, definition);
    const words = JSON.stringify([type, help, definition]);
    const known = this._families.get(name);
    check(!known || known.words === words, `${name} is defined already, as ${known?.words}`, words);
    if (known) return known.family.root;
    const family = new Family(this, type, name, help, definition);
    this._families.set(name, { family, words });
    return family.root;
  }

  // Sends what the kernel takes now, a buffer at a time, with the event loop's other work in between.
  flush() {
    if (this._goingOn || this.closed || this._families.size === 0 || this._step() !== 'more') return;
    this._goingOn = setImmediate(() => {
      this._goingOn = null;
      this.flush();
    }).unref();
  }

  async flushAndWait(timeoutMs = 1000) {
    const until = performance.now() + timeoutMs;
    const token = String((this._barrierCount += 1));
    let answered = false;
    let wake;
    this._barriers.set(token, { written: false, answer: () => wake((answered = true)) });
    while (!answered && !this.closed && performance.now() < until) {
      const pauseMs = this._step() === 'more' ? 0 : Math.min(LOOK_AGAIN_MS, until - performance.now());
      await new Promise((resolve) => setTimeout((wake = resolve), pauseMs));
    }
    this._barriers.delete(token);
    return answered;
  }

  async close(timeoutMs = EXIT_WAIT_MS) {
    const arrived = await this.flushAndWait(timeoutMs);
    this.closed = true;
    clearInterval(this._timer);
    process.removeListener('exit', this._atExit);
    for (const series of this._waiting) series.waiting = false;
    this._waiting.clear();
    this._socket?.destroy();
    this._socket = null;
    return arrived;
  }

  _flushAtExit() {
    if (this._families.size === 0) return;
    const until = performance.now() + EXIT_WAIT_MS;
    // A socket that turns out to be dead is replaced once.
    for (let connections = 0; connections < 2 && performance.now() < until;) {
      if (!this._socket) connections += 1;
      this._retryAt = 0;
      const result = this._step();
      if (result === 'done') return;
      if (result === 'full') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }

  _wait(series) {
    series.waiting = true;
    this._waiting.add(series);
    return series;
  }

  _forget(series) {
    this._seriesCount -= 1;
    this._waiting.delete(series);
    if (series.handle >= 0) this._freeHandles.push(series.handle);
    Object.assign(series, { waiting: false, handle: -1, boundIn: null, lives: series.lives + 1 });
    series.reset();
  }

  // One step of sending: what is left of the buffer, or one buffer more. The answer is 'done' when nothing is left,
  // 'more' when a buffer went out, 'full' when the kernel takes no more now, 'away' without an agent.
  //
  // Node connects and writes a Unix socket without waiting and at once, so that what the kernel has taken is known to
  // the byte, and sending works in the last turn of the loop too: connect(2) happens in net.connect, and write(2) in
  // fs.writeSync on its descriptor, which is non-blocking.
  _step() {
    if (!this._socket && !this._connect()) return 'away';
    if (this._sent === this._bytes.length) {
      this._clearBuffer();
      this._write();
      this._bytes = Buffer.from(this._text);
      if (this._bytes.length === 0) return 'done';
    }
    try {
      while (this._sent < this._bytes.length) {
        this._sent += fs.writeSync(this._socket._handle?.fd, this._bytes, this._sent);
      }
      return 'more';
    } catch (error) {
      if (error.code === 'EAGAIN' || error.code === 'EINTR') return 'full';
      this._lose();
      return 'away';
    }
  }

  _connect() {
    if (performance.now() < this._retryAt) return false;
    const socket = net.connect({ path: this._path });
    this._socket = socket.unref().setEncoding('latin1');
    socket.on('error', () => {});
    socket.on('close', () => socket === this._socket && this._lose());
    let rest = '';
    socket.on('data', (text) => {
      this._retryMs = RETRY_MS.first;
      const lines = (rest + text).split('\n');
      rest = lines.pop();
      for (const line of lines) if (line.startsWith('ok ')) this._barriers.get(line.split(' ')[1])?.answer();
    });
    this._begun = false;
    this._declared = 0;
    for (const { family } of this._families.values()) {
      for (const series of family.series.values()) if (series.repeat()) this._wait(series);
    }
    return true;
  }

  // The session is over: what the kernel has not taken goes back to the table, from the record that was cut on.
  _lose() {
    this._socket.destroy();
    this._socket = null;
    for (const { end, undo } of this._records) if (end > this._sent) undo?.();
    for (const barrier of this._barriers.values()) barrier.written = false;
    this._clearBuffer();
    this._retryAt = performance.now() + this._retryMs;
    this._retryMs = Math.min(2 * this._retryMs, RETRY_MS.last);
  }

  _clearBuffer() {
    Object.assign(this, { _bytes: Buffer.alloc(0), _sent: 0, _records: [], _size: 0, _text: '' });
  }

  _put(record, undo) {
    this._text += record;
    this._size += Buffer.byteLength(record);
    this._records.push({ end: this._size, undo });
  }

  // Writes records until the buffer is full or the table empty.
  _write() {
    if (!this._begun) this._put(`hello v=1 pid=${process.pid} client=${NAME}/${VERSION}\n`);
    this._begun = true;
    const full = () => this._size >= this.maxBuffer;
    for (const { family } of [...this._families.values()].slice(this._declared)) {
      if (full()) return;
      this._put(family.declaration);
      this._declared += 1;
    }
    for (const text of this._removals) {
      if (full()) return;
      this._removals.delete(text);
      this._put(`x ${text}\n`, () => this._removals.add(text));
    }
    for (const series of this._waiting) {
      if (full()) return;
      this._writeSeries(series);
    }
    const dropped = this.dropped - this._reported;
    if (dropped > 0) {
      this._reported += dropped;
      this._put(`c sidemeter_client_dropped_total{client="${NAME}"} ${dropped}\n`, () => (this._reported -= dropped));
    }
    for (const [token, barrier] of this._barriers) {
      if (!barrier.written) this._put(`sync ${token}\n`);
      barrier.written = true;
    }
  }

  _writeSeries(series) {
    this._waiting.delete(series);
    series.waiting = false;
    const { lives } = series;
    const taken = series.take();
    this._put(`${this._addressed(series)}${series.operands(taken)}\n`, () => {
      if (series.lives !== lives) return; // removed since
      series.putBack(taken);
      this._wait(series);
    });
  }

  // `@7`, behind its binding where this session has none yet; a series without a handle by its text.
  _addressed(series) {
    const { verb } = series.family;
    if (series.handle < 0 && this._freeHandles.length > 0) series.handle = this._freeHandles.pop();
    if (series.handle < 0 && this._handleCount < HANDLES) series.handle = this._handleCount++;
    if (series.handle < 0) return `${verb} ${series.text}`;
    const bound = series.boundIn === this._socket;
    series.boundIn = this._socket;
    return bound ? `@${series.handle}` : `@${series.handle} ${verb} ${series.text}\n@${series.handle}`;
  }
}

for (const type of Object.keys(TYPES)) {
  Client.prototype[type] = function define(name, help, options) { return this._define(type, name, help, options); };
}

// ---- The client of the process, made at its first use ----

let own;
const client = () => (own ??= new Client());
const [counter, gauge, histogram, summary, info, stateset, flush, flushAndWait, close] = [
  ...Object.keys(TYPES), 'flush', 'flushAndWait', 'close'].map((name) => (...words) => client()[name](...words));

// Written out, so that `import { counter } from` finds the names.
module.exports = {
  Client, client, counter, gauge, histogram, summary, info, stateset, flush, flushAndWait, close, DEFAULT_BUCKETS,
};
