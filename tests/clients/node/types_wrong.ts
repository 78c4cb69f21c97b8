// Must not compile: one mistake a line, which the test counts.
import { client, counter, gauge, histogram, stateset } from 'sidemeter';

counter('c').set(1);
counter('c').inc('1');
counter('c', 'Help.', { labels: ['code'] }).labels({ cod: '200' });
gauge('g', 'Help.', { mode: 'often' });
histogram('h', 'Help.', { buckets: ['1'] });
stateset('s', 'Help.', { states: ['up', 'down'] }).state('left');
client().dropped = 0;
