# Obeys the commands of ../README.md, a line each.

use 5.030;
use warnings;
use Sidemeter;
use Time::HiRes qw(CLOCK_MONOTONIC clock_gettime sleep);

local $SIG{__WARN__} = sub { die @_ }; # each warning is a fault
my %families;

# What was percent-encoded UTF-8, as characters.
sub plain {
    my ($word) = @_;
    $word =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
    $word =~ s/%\z//;
    utf8::decode($word);
    return $word;
}

sub list { my ($word) = @_; return $word eq '-' ? [] : [map { plain($_) } split /,/, $word] }

sub labels {
    my ($word) = @_;
    return {} if $word eq '-';
    return { map { my ($name, $value) = split /=/, $_, 2; ($name => plain($value)) } split /,/, $word };
}

sub series {
    my ($name, $word) = @_;
    my $labels = labels($word);
    return %$labels ? $families{$name}->labels($labels) : $families{$name};
}

sub define {
    my ($type, $name, $help, $labels, $unit, $buckets, $mode, $states) = @_;
    my %options = (labels => list($labels));
    $options{unit} = plain($unit) if $unit ne '-';
    $options{buckets} = list($buckets) if $buckets ne '-';
    $options{mode} = plain($mode) if $mode ne '-';
    $options{states} = list($states) if $type eq 'stateset';
    my $family = eval { Sidemeter->$type($name, $help eq '-' ? '' : plain($help), %options) } or return 'error';
    $families{$name} = $family;
    return 'ok';
}

# The longest of so many increments, in whole microseconds.
sub longest {
    my ($count, $counter) = @_;
    my $longest = 0;
    for (1 .. $count) {
        my $start = clock_gettime(CLOCK_MONOTONIC);
        $counter->inc;
        my $taken = clock_gettime(CLOCK_MONOTONIC) - $start;
        $longest = $taken if $taken > $longest;
    }
    return int($longest * 1e6);
}

sub in_a_child {
    my ($count, $counter) = @_;
    my $child = fork // die "fork: $!";
    if (!$child) {
        $counter->inc for 1 .. $count;
        exit(Sidemeter->flush_and_wait(30) ? 0 : 1);
    }
    waitpid $child, 0;
    return $? ? 'the child failed' : 'ok';
}

# Interpreter threads, each with a table and a session of its own.
sub in_threads {
    my ($threads, $count, $counter) = @_;
    return 'skip' unless eval { require threads };
    my $work = sub {
        $counter->inc for 1 .. $count;
        return Sidemeter->flush_and_wait(30);
    };
    my @done = map { $_->join } map { threads->create($work) } 1 .. $threads;
    return (grep { !$_ } @done) ? 'a thread failed' : 'ok';
}

my %commands = (
    define => \&define,
    time => sub { series(@_)->time(sub { }); return },
    info => sub { my ($name, $labels) = @_; return $families{$name}->info(labels($labels)) },
    state => sub { my ($name, $labels, $state) = @_; return series($name, $labels)->state(plain($state)) },
    remove => sub { return series(@_)->remove },
    many => sub { my ($name, undef, $count) = @_; $families{$name}->labels($_)->inc for 0 .. $count - 1; return },
    repeat => sub { my ($count, @series) = @_; return longest($count, series(@series)) },
    threads => sub { my ($threads, $count, @series) = @_; return in_threads($threads, $count, series(@series)) },
    fork => sub { my ($count, @series) = @_; return in_a_child($count, series(@series)) },
    flush => sub { return Sidemeter->flush },
    wait => sub { return Sidemeter->flush_and_wait($_[0]) ? 'true' : 'false' },
    sleep => sub { sleep $_[0]; return },
    dropped => sub { return Sidemeter->dropped },
    exit => sub { exit 0 },
);
for my $event (qw(inc dec set observe)) {
    $commands{$event} = sub { my ($name, $labels, $value) = @_; return series($name, $labels)->$event($value) };
}

STDOUT->autoflush(1);
while (my $line = <STDIN>) {
    chomp $line;
    my ($command, @words) = split /\t/, $line;
    my $answer = $commands{$command}->(@words);
    say $answer // 'ok';
}
