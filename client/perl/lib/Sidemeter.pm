# Pushes metrics to the Sidemeter agent beside this process, over its Unix socket. Copy this file in, or install the
# distribution. The documentation is at the end; the protocol is proto/PROTOCOL.md, the promises client/README.md.
#
# A client is a table of series, a buffer and a socket. An event is an addition in memory; what has added up is sent at
# the first event after 250 ms, in batches, and at exit.

package Sidemeter;

use 5.030;
use warnings;
use Carp qw(croak);
use Errno qw(EAGAIN EINTR EWOULDBLOCK);
use IO::Handle;
use Scalar::Util qw(looks_like_number);
use Socket qw(AF_UNIX MSG_NOSIGNAL SOCK_STREAM pack_sockaddr_un);
use Time::HiRes qw(CLOCK_MONOTONIC clock_gettime);

our $VERSION = '0.1.0';

use constant {
    NAME => 'sidemeter-perl', DROPPED => 'sidemeter_client_dropped_total',
    # Upper bounds in seconds, as Prometheus's own clients have them.
    DEFAULT_BUCKETS => [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
    MAX_HANDLES => 4096,
    EVENT_SERIES => 500, # that one event sends: the time of some milliseconds
    EXIT_SECONDS => 0.1,
    MIN_RETRY_SECONDS => 0.1, MAX_RETRY_SECONDS => 5,
    INF => 9**9**9, NAN => 9**9**9 - 9**9**9,
};

my (@clients, $shared); # of this process
sub now { return clock_gettime(CLOCK_MONOTONIC) }
sub for_now { return $! == EAGAIN || $! == EWOULDBLOCK || $! == EINTR } # the kernel cannot
sub shared { return $shared //= Sidemeter->new }

sub new {
    my ($class, %options) = @_;
    my $self = bless {
        socket_path => $options{socket} // $ENV{SIDEMETER_SOCKET} // '/run/sidemeter/sidemeter.sock',
        interval => $options{interval} // 0.25, # seconds
        max_series => $options{max_series} // 10_000,
        max_buffer => $options{max_buffer} // 65_536, # bytes
        families => {}, # by name
        declared => [], # those families in the order of their definition
        session => 0,
        token => 0, # of the last sync
    }, $class;
    $self->{drops} = Sidemeter::Series->new($self, { verb => 'c' }, '', DROPPED . '{client="' . NAME . '"}');
    $self->begin_anew;
    push @clients, $self;
    return $self;
}

# The methods below are of a client, or of the class: then they mean the process's own client.
for my $type (qw(counter gauge histogram summary info stateset)) {
    no strict 'refs'; ## no critic
    *$type = sub { my ($self, @definition) = @_; return itself($self)->define($type, @definition) };
}
sub dropped { return itself(shift)->{dropped} }
sub flush { itself(shift)->push_all; return }
sub close { my $self = itself(shift); $self->finish; $self->begin_anew; return }

# Sends all that happened before and waits for the agent to have it: true when the next scrape shows it.
sub flush_and_wait {
    my ($self, $timeout) = @_;
    $self = itself($self);
    my $until = now() + ($timeout // 5);
    my ($session, $token) = (0, undef);
    do {
        if ($self->push_all && $session != $self->{session} && $self->connect) {
            ($session, $token) = ($self->{session}, ++$self->{token});
            $self->fill;
            $self->{buffer} .= "sync $token\n";
            $self->write_buffer;
        }
        return 1 if defined $token && $self->{answered} >= $token;
    } while ($self->pause($until));
    return 0;
}

# Below: for families and series only.

sub itself { my ($self) = @_; return ref $self ? $self : shared() }

sub define {
    my ($self, $type, $name, $help, %options) = @_;
    my $family = Sidemeter::Family->new($self, $type, $name, $help, %options);
    my $found = $self->{families}{$name} // $family;
    croak "$name is already defined, as something else"
        if "@{[$found->{declaration}, @{ $found->{labels} }]}" ne "@{[$family->{declaration}, @{ $family->{labels} }]}";
    push @{ $self->{declared} }, $family if $found == $family;
    return $self->{families}{$name} = $found;
}
# A child has a session of its own and none of its parent's amounts.
sub begin_anew {
    my ($self) = @_;
    $self->disconnect;
    for my $family (values %{ $self->{families} }) {
        $_->leave for values %{ $family->{series} };
        $family->{series} = {};
    }
    $self->{drops}->leave;
    $self->{drops}{held} = 1;
    $self->{dropped} = 0 if ($self->{pid} // 0) != $$;
    @$self{qw(pid waiting count answered retry_at retry_after)} = ($$, [], 0, 0, 0, MIN_RETRY_SECONDS);
    $self->{due} = now() + $self->{interval};
    $self->begin_session;
}
sub begin_session {
    my ($self) = @_;
    ++$self->{session};
    # In flight are pairs: a series, and where in the buffer its records end. `told` families are declared.
    @$self{qw(handles greeted told buffer sent unsure in_flight)} = (0, 0, 0, '', 0, 0, []);
}
# Puts a series into the table, or finds the one that is there; undef when it is full.
sub enter {
    my ($self, $series) = @_;
    my $table = $series->{family}{series};
    my $found = $table->{ $series->{key} };
    return $found if $found || !defined $series->{text} || $self->{count} >= $self->{max_series};
    ++$self->{count};
    $series->{held} = 1;
    return $table->{ $series->{key} } = $series;
}
sub wait {
    my ($self, $series) = @_;
    push @{ $self->{waiting} }, $series unless $series->{waiting};
    return $series->{waiting} = 1;
}
sub drop {
    my ($self) = @_;
    ++$self->{dropped};
    $self->{drops}->change('add', 1);
    return $self->wait($self->{drops});
}
sub free_handle { my ($self) = @_; return $self->{handles} < MAX_HANDLES ? $self->{handles}++ : undef }

# What an event sends: a part, the next event another.
sub send_some {
    my ($self) = @_;
    my $goes_on = $self->push_all(EVENT_SERIES) && @{ $self->{waiting} };
    $self->{due} = $goes_on ? 0 : now() + $self->{interval};
}
# True when the kernel has taken all that waited when this began, or as many series of it as given.
sub push_all {
    my ($self, $most) = @_;
    local ($@, $!, $_);
    $self->begin_anew if $self->{pid} != $$;
    $self->lose if $self->{socket} && ($self->{unsure} || !$self->read_replies);
    my $left = @{ $self->{waiting} };
    $left = $most if $most && $most < $left;
    while (length $self->{buffer} || $left > 0 && @{ $self->{waiting} }) {
        return 0 unless $self->connect;
        $left -= $self->fill($most) unless length $self->{buffer};
        return 0 unless $self->write_buffer;
    }
    return 1;
}
# Writes records into the empty buffer, up to max_buffer. The number of series that they tell of.
sub fill {
    my ($self, $most) = @_;
    my ($families, $waiting, $in_flight) = @$self{qw(declared waiting in_flight)};
    $self->{buffer} .= "hello v=1 pid=$$ client=" . NAME . "/$VERSION\n" unless $self->{greeted}++;
    while ($self->{told} < @$families && length $self->{buffer} < $self->{max_buffer}) {
        $self->{buffer} .= $families->[$self->{told}++]{declaration};
    }
    while (@$waiting && length $self->{buffer} < $self->{max_buffer} && @$in_flight < ($most // INF)) {
        my $series = shift @$waiting;
        $series->{waiting} = 0;
        $self->{buffer} .= $series->records($self->{session});
        push @$in_flight, [$series, length $self->{buffer}];
    }
    return scalar @$in_flight;
}
# True when the kernel has taken the whole buffer.
sub write_buffer {
    my ($self) = @_;
    my ($from, $length) = ($self->{sent}, length $self->{buffer});
    @$self{qw(sent unsure)} = ($length, 1); # should a signal's handler die here: sent, rather than twice
    my $taken = send $self->{socket}, substr($self->{buffer}, $from), MSG_NOSIGNAL;
    @$self{qw(sent unsure)} = ($from + ($taken // 0), 0);
    return for_now() ? 0 : $self->lose unless defined $taken;
    return 0 if $self->{sent} < $length;
    for my $series (grep { $_->is_gone } map { $_->[0] } @{ $self->{in_flight} }) {
        delete $series->{family}{series}{ $series->{key} };
        --$self->{count};
        $series->leave;
    }
    @$self{qw(buffer sent in_flight)} = ('', 0, []);
    return 1;
}
# The agent is gone. The record that was cut, and all behind it, go back into the table. False.
sub lose {
    my ($self) = @_;
    $self->disconnect;
    for my $series (map { $_->[0] } grep { $_->[1] > $self->{sent} } @{ $self->{in_flight} }) {
        $series->take_back;
        $self->wait($series);
    }
    for my $family (@{ $self->{declared} }) {
        $self->wait($_) for grep { $_->repeat } values %{ $family->{series} };
    }
    $self->begin_session;
    return 0;
}
# Tries to connect, where it is not and it is time to.
sub connect {
    my ($self) = @_;
    return defined $self->{socket} if $self->{socket} || now() < $self->{retry_at};
    $self->{retry_at} = now() + $self->{retry_after};
    $self->{retry_after} *= 2;
    $self->{retry_after} = MAX_RETRY_SECONDS if $self->{retry_after} > MAX_RETRY_SECONDS;
    $self->{replies} = '';
    my $connected = eval { # of a path that is too long it dies
        socket(my $socket, AF_UNIX, SOCK_STREAM, 0) or die;
        $socket->blocking(0);
        CORE::connect($socket, pack_sockaddr_un($self->{socket_path})) or die;
        $self->{socket} = $socket;
    };
    return defined $connected;
}
# Closes this process's copy only: no `shutdown`, the socket may be a parent's.
sub disconnect {
    my ($self) = @_;
    my $socket = delete $self->{socket};
    return $socket && CORE::close $socket;
}
# False when the agent is gone.
sub read_replies {
    my ($self) = @_;
    my $got;
    while ($got = sysread $self->{socket}, my $some, 4096) {
        $self->{retry_after} = MIN_RETRY_SECONDS; # this agent speaks
        $self->{replies} .= $some;
        while ($self->{replies} =~ s/\A(.*)\n//) {
            $self->{answered} = $1 if $1 =~ /\Aok ([0-9]+) /;
        }
    }
    return !defined $got && for_now();
}
# Sleeps until a reply has come or there is room for more bytes, at most 10 ms. False when the time is over.
sub pause {
    my ($self, $until) = @_;
    local ($!, $_);
    my $seconds = $until - now();
    $seconds = 0.01 if $seconds > 0.01;
    return 0 if $seconds <= 0;
    my $readable = '';
    vec($readable, fileno $self->{socket}, 1) = 1 if $self->{socket};
    my $writable = length $self->{buffer} ? $readable : '';
    select $readable, $writable, undef, $seconds;
    return 1;
}
# At the end of the process. Where no agent is, nothing waits.
sub finish {
    my ($self) = @_;
    my $until = now() + EXIT_SECONDS;
    1 until $self->push_all || !$self->{socket} || !$self->pause($until);
}

END {
    local ($?, $!, $@);
    $_->finish for @clients;
}
# A new interpreter thread has copies of the tables: it begins anew, as a child does.
sub CLONE { $_->{pid} = 0 for @clients; return }

# What has happened to one label set of a family since it was last sent. `pending`: of a counter an amount; of a gauge
# [1, value] to set or [0, amount] to add; of a histogram or summary the sum, then a count a bucket, not cumulative; of a
# stateset the state, of an info ''. `in_flight`: what was written of it into the buffer. `own`: what a new agent has to be
# told again.
package Sidemeter::Series;

use Scalar::Util qw(looks_like_number);

my %CHANGES = ( # false from one: the event is wrong
    'c add' => sub {
        my ($self, $amount) = @_;
        my $sum = ($self->{pending} // 0) + $amount;
        return $amount >= 0 && $sum < Sidemeter::INF && defined($self->{pending} = $sum);
    },
    'g set' => sub { my ($self, $value) = @_; $self->{pending} = $self->{own} = [1, $value] },
    'g add' => sub {
        my ($self, $amount) = @_;
        my ($sets, $before) = @{ $self->{pending} // [0, 0] };
        $self->{own} = [1, ($self->{own} // [1, 0])->[1] + $amount]
            if $self->{own} || $self->{family}{mode} ne 'last'; # else the value is everybody's
        $self->{pending} = [$sets, $before + $amount];
    },
    'm observe' => sub {
        my ($self, $value) = @_;
        my ($bounds, $at) = ($self->{family}{buckets}, 0);
        my $sum = ($self->{pending} ? $self->{pending}[0] : 0) + $value;
        return 0 if $sum != $sum;
        ++$at while $at < @$bounds && $bounds->[$at] < $value;
        $self->{pending} //= [0, (0) x (@$bounds + 1)];
        $self->{pending}[0] = $sum;
        return ++$self->{pending}[$at + 1];
    },
    'e state' => sub {
        my ($self, undef, $state) = @_;
        my $bytes = $self->{family}{states}{ $state // "\0" };
        return defined $bytes && defined($self->{pending} = $self->{own} = $bytes);
    },
);
$CHANGES{'i state'} = $CHANGES{'e state'};
my $remove = sub { my ($self) = @_; delete @$self{qw(pending in_flight own)}; $self->{removed} = 1 };
$CHANGES{"$_ remove"} = $remove for qw(c g m i e);

# The text is the series as the protocol writes it; undef where the labels were wrong, then each event is dropped.
sub new {
    my ($class, $client, $family, $key, $text) = @_;
    return bless { client => $client, family => $family, key => $key, text => $text, session => 0 }, $class;
}

sub inc { my ($self, $amount) = @_; return $self->event('add', @_ > 1 ? $amount : 1) }
sub dec { my ($self, $amount) = @_; return $self->event('add', -number(@_ > 1 ? $amount : 1)) }
sub set { my ($self, $value) = @_; return $self->event('set', $value) }
sub observe { my ($self, $value) = @_; return $self->event('observe', $value) }
sub state { my ($self, $name) = @_; return $self->event('state', $name) } ## no critic
sub remove { my ($self) = @_; return $self->event('remove', 0) }
sub timer { my ($self) = @_; return bless [$self, Sidemeter::now()], 'Sidemeter::Timer' }
sub time { my ($self, $work) = @_; my $timer = $self->timer; return $work->() }

sub event {
    my ($self, $event, $value) = @_;
    my $client = $self->{client};
    $client->begin_anew if $client->{pid} != $$;
    my $series = $self->{held} ? $self : $client->enter($self);
    $series && $series->change($event, $value) ? $series->{waiting} || $client->wait($series) : $client->drop;
    $client->send_some if Sidemeter::now() >= $client->{due};
    return;
}

# Below: for the client only.

# False when the event is wrong; then nothing is changed.
sub change {
    my ($self, $event, $value) = @_;
    my $change = $CHANGES{"$self->{family}{verb} $event"};
    return $change && $change->($self, number($value), $value);
}
# It is in the table no more.
sub leave {
    my ($self) = @_;
    delete @$self{qw(held waiting pending in_flight own removed removal_in_flight)};
    return $self->{session} = 0; # that the handle is bound in
}
# The records that tell the agent what has happened.
#
#     @7 c jobs_total{queue="mail"}    once a session, where a handle is free
#     @7 12
sub records {
    my ($self, $session) = @_;
    ($self->{in_flight}, $self->{pending}) = ($self->{pending}, undef);
    ($self->{removal_in_flight}, $self->{removed}) = ($self->{removed}, 0);
    my ($verb, $text, $what) = ($self->{family}{verb}, @$self{qw(text in_flight)});
    my $records = $self->{removal_in_flight} ? "x $text\n" : '';
    return $records unless defined $what;
    if ($self->{session} != $session && $verb ne 'i') {
        ($self->{session}, $self->{handle}) = ($session, $self->{client}->free_handle);
        $records .= "\@$self->{handle} $verb $text\n" if defined $self->{handle};
    }
    $what = number_text($what) if $verb eq 'c';
    $what = ($what->[0] ? '' : $what->[1] < 0 ? '-=' : '+=') . number_text($what->[0] ? $what->[1] : abs $what->[1])
        if $verb eq 'g';
    $what = join ' ', number_text($what->[0]), @$what[1 .. $#$what] if $verb eq 'm';
    return $records . (defined $self->{handle} ? "\@$self->{handle}" : "$verb $text") . " $what\n";
}
# The kernel has not taken what is in flight: it happened before what is pending.
sub take_back {
    my ($self) = @_;
    my ($earlier, $later, $verb) = (@$self{qw(in_flight pending)}, $self->{family}{verb});
    return if $self->{removed} || !defined $earlier && !$self->{removal_in_flight};
    $self->{removed} = $self->{removal_in_flight};
    $self->{pending} = $later // $earlier;
    return unless defined $earlier && defined $later;
    $self->{pending} = $earlier + $later if $verb eq 'c';
    $self->{pending} = $later->[0] ? $later : [$earlier->[0], $earlier->[1] + $later->[1]] if $verb eq 'g';
    $self->{pending} = [map { $earlier->[$_] + $later->[$_] } 0 .. $#$later] if $verb eq 'm';
}
sub is_gone { my ($self) = @_; return $self->{removal_in_flight} && !defined $self->{in_flight} && !$self->{waiting} }
# Makes pending what a new agent has to be told again; true where there is such.
sub repeat { my ($self) = @_; return defined $self->{own} && defined($self->{pending} = $self->{own}) }
sub number { my ($value) = @_; return looks_like_number($value) ? 0 + $value : Sidemeter::NAN }
# As the protocol spells it, so that it is read as the same number.
sub number_text {
    my ($value) = @_;
    return $value != $value ? 'NaN' : $value > 0 ? '+Inf' : '-Inf' if $value - $value != 0;
    return $value == "$value" ? "$value" : sprintf '%.17g', $value;
}
# Observes the seconds of its life.
sub Sidemeter::Timer::DESTROY { local ($@, $!); $_[0][0]->observe(Sidemeter::now() - $_[0][1]) }

# One metric family. It is its series without labels, too: where it has labels, events of its own are dropped.
package Sidemeter::Family;

use Carp qw(croak);
use parent -norequire, 'Sidemeter::Series';

our @CARP_NOT = ('Sidemeter');
my %VERBS = (counter => 'c', gauge => 'g', histogram => 'm', summary => 'm', info => 'i', stateset => 'e');
my %OPTIONS = (counter => 'labels unit', gauge => 'labels unit mode', histogram => 'labels unit buckets',
    summary => 'labels unit', info => 'labels', stateset => 'labels states');

sub new {
    my ($class, $client, $type, $name, $help, %options) = @_;
    my @labels = @{ $options{labels} // [] };
    my @buckets = $type eq 'histogram' ? @{ $options{buckets} // Sidemeter::DEFAULT_BUCKETS } : ();
    pop @buckets if @buckets && $buckets[-1] == Sidemeter::INF;
    my @states = $type eq 'info' ? ('') : @{ $options{states} // [] };
    my $mode = $options{mode} // 'last';
    my $self = $class->SUPER::new($client, undef, '', @labels ? undef : $name);
    @$self{qw(family type name labels buckets mode)} = ($self, $type, $name, \@labels, \@buckets, $mode);
    $self->{verb} = $VERBS{$type};
    @$self{qw(series states)} = ({}, { map { $_ => bytes($_) } @states }); # by label values; by names
    $help = bytes($help // '', 4096);
    $self->check($help, \@states, %options);
    $self->{declaration} = join '', map { "# $_\n" } "TYPE $name $type",
        (length $help ? "HELP $name " . escape($help) : ()), (defined $options{unit} ? "UNIT $name $options{unit}" : ()),
        ($type eq 'gauge' ? "MODE $name $mode" : ()), ($type eq 'stateset' ? "STATES $name @{[map { bytes($_) } @states]}" : ()),
        (@buckets ? join ' ', "BUCKETS $name", map { Sidemeter::Series::number_text($_) } @buckets : ());
    return $self;
}

# The series of these label values: all in the order of the definition, or all by name in a hash reference.
sub labels {
    my ($self, @values) = @_;
    return $self unless @values;
    @values = keys %{ $values[0] } == @{ $self->{labels} } ? @{ $values[0] }{ @{ $self->{labels} } } : ()
        if ref $values[0] eq 'HASH';
    my @bytes = map { scalar bytes($_, 2048) } @values;
    my $right = @values && @values == @{ $self->{labels} } && !grep { !defined } @bytes;
    return Sidemeter::Series->new($self->{client}, $self, '', undef) unless $right;
    my $key = join "\xFF", @bytes; # which no UTF-8 has
    return $self->{series}{$key} // do {
        my @pairs = map { $self->{labels}[$_] . '="' . escape($bytes[$_]) =~ s/"/\\"/gr . '"' } 0 .. $#bytes;
        Sidemeter::Series->new($self->{client}, $self, $key, "$self->{name}\{" . join(',', @pairs) . '}');
    };
}
sub remove { my ($self, @values) = @_; return $self->labels(@values)->event('remove', 0) }
sub info { my ($self, $content) = @_; return $self->labels($content ? $content : ())->state('') }

# Characters as UTF-8, undef where there is no such text or it is longer than so many bytes.
sub bytes {
    my ($text, $most) = @_;
    return undef if !defined $text || ref $text || $text =~ /[\0\x{D800}-\x{DFFF}]|[^\0-\x{10FFFF}]/; ## no critic
    utf8::encode($text);
    return length $text <= ($most // 2048) ? $text : undef;
}
sub escape { my ($text) = @_; return $text =~ s/\\/\\\\/gr =~ s/\n/\\n/gr }

sub check {
    my ($self, $help, $states, %options) = @_;
    my ($type, $name, $labels, $buckets) = @$self{qw(type name labels buckets)};
    my $kept = $self->{mode} =~ /all\z/ ? 'pid' : { histogram => 'le', summary => 'quantile', stateset => $name }->{$type} // '';
    my (%seen, %said);
    my @rules = (
        'a metric name that matches [a-zA-Z_:][a-zA-Z0-9_:]*, without the agent\'s sidemeter_',
        !!($name =~ /\A(?!sidemeter_)[a-zA-Z_:][a-zA-Z0-9_:]{0,511}\z/),
        "at most 32 labels, each once, that match [a-zA-Z_][a-zA-Z0-9_]*, not __..., none that a $type has",
        @$labels <= 32 && !(grep { $seen{$_}++ || $_ eq $kept || !/\A(?!__)[a-zA-Z_][a-zA-Z0-9_]{0,511}\z/ } @$labels),
        'a help of at most 4096 bytes of UTF-8', defined $help,
        'a unit that matches [a-zA-Z0-9_]+', !!(($options{unit} // 'x') =~ /\A[a-zA-Z0-9_]{1,512}\z/),
        'a mode: last, or sum, min, max, mostrecent or all, with live before it or not',
        !!($self->{mode} =~ /\A(?:last|(?:live)?(?:sum|min|max|mostrecent|all))\z/),
        '1 to 128 finite bounds of buckets that rise strictly', $type ne 'histogram' || @$buckets && @$buckets <= 128
            && !(grep { $_ - $_ != 0 } @$buckets) && !(grep { $buckets->[$_] <= $buckets->[$_ - 1] } 1 .. $#$buckets),
        '1 to 128 states, different words', $type ne 'stateset' || @$states && @$states <= 128
            && !(grep { $said{$_}++ || /\A\z|[\s\0]/ || length > 512 } @$states),
        "no other options than $OPTIONS{$type}", !(grep { " $OPTIONS{$type} " !~ / $_ / } keys %options),
    );
    while (my ($wanted, $right) = splice @rules, 0, 2) {
        croak "metric family \"$name\" wants $wanted" unless $right;
    }
}

1;

__END__

=head1 NAME

Sidemeter - pushes metrics to the Sidemeter agent beside this process

=head1 SYNOPSIS

    use Sidemeter;
    my $jobs = Sidemeter->counter('jobs_total', 'Jobs that were done.', labels => ['queue']);
    $jobs->labels('mail')->inc;

=head1 METHODS

C<counter>, C<gauge>, C<histogram>, C<summary>, C<info>, C<stateset> define a family (NAME, HELP, OPTIONS: C<labels>,
C<unit>, C<mode>, C<buckets>, C<states>) and croak where that is wrong. C<labels> gives a series. Events are C<inc>,
C<dec>, C<set>, C<observe>, C<timer>, C<time>, C<info>, C<state>, C<remove>; none dies, what is wrong is counted in
C<dropped>. C<flush>, C<flush_and_wait(SECONDS)>, C<close> are the client's. F<README.md> tells the rest.

=cut
