'use strict';
// sidemeter.d.ts, as the TypeScript compiler that ./test has installed reads it.

const assert = require('assert');
const { spawnSync } = require('child_process');
const fs = require('fs');
const path = require('path');
const { test } = require('node:test');

const ROOT = path.join(__dirname, '../../..');
const COMPILER = path.join(ROOT, 'build/clients/node/typescript/node_modules/typescript/bin/tsc');
const options = { skip: fs.existsSync(COMPILER) ? false : 'typescript is not installed, and no registry was reached' };

function compile(file) {
  // The package by its name, from this tree.
  const settings = path.join(ROOT, 'build/clients/node', `${path.parse(file).name}.json`);
  fs.writeFileSync(settings, JSON.stringify({
    compilerOptions: {
      strict: true, noEmit: true, target: 'es2022', module: 'commonjs', moduleResolution: 'node', types: [],
      paths: { sidemeter: [path.join(ROOT, 'client/node')] },
    },
    files: [path.join(__dirname, file)],
  }));
  return spawnSync(process.execPath, [COMPILER, '--project', settings], { encoding: 'utf8' });
}

test('a right program compiles', options, () => {
  const { status, stdout } = compile('types_right.ts');
  assert.equal(status, 0, stdout);
});

test('each mistake is found in its line', options, () => {
  const { status, stdout } = compile('types_wrong.ts');
  assert.notEqual(status, 0);
  const found = [...stdout.matchAll(/types_wrong\.ts\((\d+),/g)].map(([, line]) => Number(line));
  const text = fs.readFileSync(path.join(__dirname, 'types_wrong.ts'), 'utf8').split('\n');
  const wanted = text.map((line, i) => (/^(?!\/\/|import|$)/.test(line) ? i + 1 : 0)).filter(Boolean);
  assert.deepEqual([...new Set(found)], wanted, stdout);
});
