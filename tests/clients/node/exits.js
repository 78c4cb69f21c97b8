'use strict';
// Counts and ends, in the way that its argument names.

const fs = require('fs');
const sidemeter = require('../../../client/node/sidemeter.js');

const way = process.argv[2];
let ends;
let began;
process.on('exit', () => {
  if (way === 'with a count in an exit listener') ends.inc();
  began = performance.now();
});
ends = sidemeter.counter('ends_total');
ends.inc();
process.on('exit', () => fs.writeSync(1, String(Math.round(performance.now() - began))));

if (way === 'by process.exit') process.exit(0);
if (way === 'by an exception') throw new Error('on purpose');
if (way === 'against a full socket') {
  const many = sidemeter.counter('many_total', '', { labels: ['n', 'filler'] });
  for (let n = 0; n < 9000; n += 1) many.labels(n, 'x'.repeat(200)).inc();
}
