# A queue with two forked workers:
#
#     SIDEMETER_SOCKET=/run/sidemeter/sidemeter.sock perl -I client/perl/lib client/perl/example.pl

use 5.030;
use warnings;
use Sidemeter;
use Time::HiRes qw(sleep);

my $jobs = Sidemeter->counter('example_jobs_total', 'Jobs that were done.', labels => [qw(queue outcome)]);
my $seconds = Sidemeter->histogram('example_job_seconds', 'Time a job took.', unit => 'seconds', buckets => [0.01, 0.1, 1]);
my $busy = Sidemeter->gauge('example_busy_workers', 'Workers that do a job right now.', mode => 'livesum');

my $done = $jobs->labels('mail', 'done'); # kept: its events need no look-up
my $failed = $jobs->labels('mail', 'failed');

sub work {
    my $timer = $seconds->timer; # until the end of this block
    $busy->inc;
    sleep rand() / 100;
    rand() < 0.1 ? $failed->inc : $done->inc;
    $busy->dec;
    return;
}

# The families stay defined in a child; it has a session of its own.
for (1 .. 2) {
    next if fork;
    work() for 1 .. 50;
    exit;
}
1 while wait != -1;
