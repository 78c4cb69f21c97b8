'use strict';
// client/node/prom_client.js against prom-client itself, which ./test installs: one program, run with both.

const assert = require('assert');
const { spawn, spawnSync } = require('child_process');
const fs = require('fs');
const path = require('path');
const { test } = require('node:test');
const { Agent, until } = require('./agent.js');

const PROGRAM = path.join(__dirname, 'prom_client_program.js');
const PEER = path.join(__dirname, '../../../build/clients/node/prom-client/node_modules/prom-client');
const options = { skip: fs.existsSync(PEER) ? false : 'prom-client is not installed, and no registry was reached' };

// Samples as { name: { labels, value } … }: labels sorted, empty ones left out, bounds as numbers.
function read(text) {
  const samples = {};
  for (const line of text.split('\n').filter((each) => each && !/^(#|sidemeter_)/.test(each))) {
    const [, name, labels = '', value] = /^([\w:]+)(?:\{(.*)\})? (\S+)$/.exec(line);
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].filter(([, , text]) => text !== '')
      .map(([, label, text]) => `${label}=${label === 'le' && text !== '+Inf' ? Number(text) : text}`).sort();
    samples[`${name}{${pairs}}`] = Number(value);
  }
  return samples;
}

test('what prom-client exposes, the agent exposes', options, async (t) => {
  const reference = spawnSync(process.execPath, [PROGRAM, PEER], { encoding: 'utf8' });
  assert.equal(reference.status, 0, reference.stderr);
  const wanted = read(reference.stdout);
  assert.ok(Object.keys(wanted).length > 30);

  const agent = await Agent.start();
  const program = spawn(process.execPath, [PROGRAM, 'ours'],
    { env: { ...process.env, SIDEMETER_SOCKET: agent.socket }, stdio: ['pipe', 'ignore', 'inherit'] });
  t.after(() => agent.end());
  t.after(() => program.kill());
  const text = await until(async () => {
    const shown = await agent.text();
    return shown.includes('size_bytes_sum 42') && shown;
  }, 'the samples');
  assert.deepEqual(read(text), wanted);
});
