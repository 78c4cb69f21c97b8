<?php

// Pushes metrics to the Sidemeter agent beside this process, over its Unix socket. Copy this file in, or install the
// package.
//
//     $jobs = Sidemeter\Client::shared()->counter('jobs_total', 'Jobs that were done.', labels: ['queue']);
//     $jobs->labels('mail')->inc();
//
// An event is an addition in memory. What has added up is sent at the first event after 250 ms, in batches, and at the
// end of the request. Nothing here waits for the agent but flush_and_wait() and close(), and nothing throws but a
// definition that is wrong (InvalidArgumentException). The protocol is proto/PROTOCOL.md, the promises client/README.md.

declare(strict_types=1);

namespace Sidemeter;

const NAME = 'sidemeter-php', VERSION = '0.1.0';
const DEFAULT_SOCKET = '/run/sidemeter/sidemeter.sock';
// Upper bounds in seconds, as Prometheus's own clients have them.
const DEFAULT_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const VERBS = ['counter' => 'c', 'gauge' => 'g', 'histogram' => 'm', 'summary' => 'm', 'info' => 'i', 'stateset' => 'e'];
const DROPPED = 'sidemeter_client_dropped_total';
const MAX_HANDLES = 4096, EXIT_SECONDS = 0.1, RETRY_SECONDS = [0.1, 5.0];

function now(): float { return hrtime(true) / 1e9; }
function escape(string $text): string { return strtr($text, ['\\' => '\\\\', "\n" => '\\n']); }
// NAN for what is no number.
function number(mixed $value): float { return is_numeric($value) ? (float) $value : NAN; }
// As the protocol spells it, whatever the locale and the ini file say.
function number_text(float $value): string {
    return is_finite($value) ? sprintf('%.*h', -1, $value) : (is_nan($value) ? 'NaN' : ($value > 0 ? '+Inf' : '-Inf'));
}
function is_text(string $text, int $most): bool {
    return strlen($text) <= $most && preg_match('//u', $text) === 1 && !str_contains($text, "\0");
}

// What has happened to one label set of a family since it was last sent. Get it by labels() and keep it: an event is
// then an addition, without a look-up. It survives remove() and fork. What is wrong (a negative increment, NaN observed,
// an event of another type) changes nothing and is counted in `dropped`. Units are the family's.
class Series {
    public bool $held = false, $waiting = false; // by the table; to be sent
    // What has happened: of a counter an amount; of a gauge ['', value] to set or ['+', amount] to add; of a histogram or
    // summary the sum, then a count a bucket, not cumulative; of a stateset the state, of an info ''.
    private mixed $pending = null;
    private mixed $in_flight = null, $own = null; // written into the buffer; what a new agent has to be told again
    private bool $removed = false, $removal_in_flight = false;
    private ?int $session = null, $handle = null; // the handle, and the session that it is bound in

    // $text is the series as the protocol writes it; null where the labels were wrong, then each event is dropped.
    public function __construct(
        protected Client $client, public readonly Family $family, public readonly string $key, public readonly ?string $text
    ) {}

    // Of a counter, by a finite amount >= 0, or a gauge.
    public function inc(mixed $amount = 1): void { $this->event('add', $amount); }
    // Of a gauge.
    public function dec(mixed $amount = 1): void { $this->event('add', -number($amount)); }
    public function set(mixed $value): void { $this->event('set', $value); }
    // Of a histogram or a summary.
    public function observe(mixed $value): void { $this->event('observe', $value); }
    // Takes the series out of the exposition, with what was not sent of it.
    public function remove(): void { $this->event('remove', null); }
    // Of a stateset: $name is the state from now on, one of those that were defined.
    public function state(mixed $name): void { $this->event('state', $name); }

    // Observes the seconds that $work takes, however it ends, and gives what it gives.
    public function time(callable $work): mixed {
        $start = now();
        try { return $work(); } finally { $this->event('observe', now() - $start); }
    }

    protected function event(string $event, mixed $value): void {
        $client = $this->client;
        if ($client->forks && getmypid() !== $client->pid) { $client->begin_anew(); }
        $series = $this->held ? $this : $client->enter($this);
        if ($series === null || !$series->change($event, $value)) {
            $client->drop();
        } elseif (!$series->waiting) {
            $client->wait($series);
        }
        if (hrtime(true) >= $client->due) { $client->send_some(); }
    }

    // Below: for the client only.

    // False when the event is wrong; then nothing is changed.
    public function change(string $event, mixed $value): bool {
        $amount = number($value);
        switch ($this->family->verb . ' ' . $event) {
            case 'c add':
                $sum = ($this->pending ?? 0.0) + $amount;
                if (!($amount >= 0 && $sum < INF)) { return false; }
                $this->pending = $sum;
                return true;
            case 'g set':
                $this->pending = $this->own = ['', $amount];
                return true;
            case 'g add':
                if ($this->own !== null || $this->family->mode !== 'last') { // else the value is everybody's
                    $this->own = ['', ($this->own[1] ?? 0.0) + $amount];
                }
                $this->pending = [$this->pending[0] ?? '+', ($this->pending[1] ?? 0.0) + $amount];
                return true;
            case 'm observe':
                $sum = ($this->pending[0] ?? 0.0) + $amount;
                if (is_nan($sum)) { return false; }
                [$bounds, $count, $at] = [$this->family->buckets, count($this->family->buckets), 0];
                while ($at < $count && $bounds[$at] < $amount) { ++$at; }
                $this->pending ??= array_fill(0, $count + 2, 0);
                $this->pending[0] = $sum;
                ++$this->pending[$at + 1];
                return true;
            case 'i state':
            case 'e state':
                if (!in_array($value, $this->family->states, true)) { return false; }
                $this->pending = $this->own = $value;
                return true;
        }
        if ($event === 'remove') { $this->pending = $this->in_flight = $this->own = null; }
        return $event === 'remove' && $this->removed = true;
    }

    // It is in the table no more.
    public function leave(): void {
        $this->held = $this->waiting = $this->removed = $this->removal_in_flight = false;
        $this->pending = $this->in_flight = $this->own = $this->session = null;
    }

    // The records that tell the agent what has happened.
    //
    //     @7 c jobs_total{queue="mail"}    once a session, where a handle is free
    //     @7 12
    public function write(int $session): string {
        [$this->in_flight, $this->pending] = [$this->pending, null];
        [$this->removal_in_flight, $this->removed] = [$this->removed, false];
        $records = $this->removal_in_flight ? "x $this->text\n" : '';
        if ($this->in_flight === null) { return $records; }
        $verb = $this->family->verb;
        if ($this->session !== $session && $verb !== 'i') {
            [$this->session, $this->handle] = [$session, $this->client->free_handle()];
            $records .= $this->handle === null ? '' : "@$this->handle $verb $this->text\n";
        }
        return $records . ($this->handle === null ? "$verb $this->text " : "@$this->handle ") . match ($verb) {
            'c' => number_text($this->in_flight),
            'g' => $this->in_flight[0] === '' ? number_text($this->in_flight[1])
                : ($this->in_flight[1] < 0 ? '-=' : '+=') . number_text(abs($this->in_flight[1])),
            'm' => number_text($this->in_flight[0]) . ' ' . implode(' ', array_slice($this->in_flight, 1)),
            default => $this->in_flight
        } . "\n";
    }

    // The kernel has not taken what is in flight: it happened before what is pending.
    public function take_back(): void {
        [$earlier, $later] = [$this->removed ? null : $this->in_flight, $this->pending];
        $this->removed = $this->removed || $this->removal_in_flight;
        $this->pending = $earlier === null || $later === null ? $later ?? $earlier : match ($this->family->verb) {
            'c' => $earlier + $later,
            'g' => $later[0] === '' ? $later : [$earlier[0], $earlier[1] + $later[1]],
            'm' => array_map(static fn ($one, $other) => $one + $other, $earlier, $later),
            default => $later
        };
    }

    public function is_gone(): bool { return $this->removal_in_flight && $this->in_flight === null && !$this->waiting; }

    // Makes pending what a new agent has to be told again; true where there is such.
    public function repeat(): bool {
        $this->pending = $this->own ?? $this->pending;
        return $this->own !== null;
    }
}

// One metric family. It is its series without labels, too: where it has labels, events of its own are dropped.
final class Family extends Series {
    public array $series = []; // by label values
    public readonly string $verb, $declaration;

    public function __construct(
        Client $client, public readonly string $type, public readonly string $name, string $help = '',
        public readonly array $labels = [], ?string $unit = null, public array $buckets = [],
        public readonly string $mode = 'last', public readonly array $states = ['']
    ) {
        parent::__construct($client, $this, '', $labels === [] ? $name : null);
        $this->verb = VERBS[$type];
        $this->buckets = array_map(number(...), array_slice($buckets, 0, end($buckets) === INF ? -1 : null));
        $this->check($help, $unit);
        $bounds = implode(' ', array_map(number_text(...), $this->buckets));
        $this->declaration = "# TYPE $name $type\n" . ($help === '' ? '' : "# HELP $name " . escape($help) . "\n")
            . ($unit === null ? '' : "# UNIT $name $unit\n") . ($type === 'gauge' ? "# MODE $name $mode\n" : '')
            . ($bounds === '' ? '' : "# BUCKETS $name $bounds\n")
            . ($type === 'stateset' ? "# STATES $name " . implode(' ', $states) . "\n" : '');
    }

    // The series of these label values: all in the order of the definition, or all by name. What is wrong with them (too
    // few, not UTF-8, more than 2048 bytes, no scalars) makes a series whose events are dropped.
    public function labels(mixed ...$values): Series {
        if ($values === []) { return $this; }
        if (!array_is_list($values)) {
            $all = count($values) === count($this->labels);
            $values = $all ? array_map(static fn ($name) => $values[$name] ?? null, $this->labels) : [];
        }
        $values = array_map(static fn ($value) => is_scalar($value) ? (string) $value : "\0", $values);
        $key = implode("\xFF", $values); // which no UTF-8 has
        return $this->series[$key] ?? new Series($this->client, $this, $key, $this->series_text($values));
    }

    // Takes the series of these label values out of the exposition.
    public function remove(mixed ...$values): void { $this->labels(...$values)->event('remove', null); }
    // Of an info: exposes these labels with the value 1, beside those told before; remove() takes one back.
    public function info(mixed ...$content): void { $this->labels(...$content)->state(''); }

    // jobs_total{queue="mail"}, null where the agent would refuse it.
    private function series_text(array $values): ?string {
        if ($values === [] || count($values) !== count($this->labels)) { return null; }
        $labels = [];
        foreach ($values as $index => $value) {
            if (!is_text($value, 2048)) { return null; }
            $labels[] = $this->labels[$index] . '="' . str_replace('"', '\\"', escape($value)) . '"';
        }
        return $this->name . '{' . implode(',', $labels) . '}';
    }

    private function check(string $help, ?string $unit): void {
        $kept = str_ends_with($this->mode, 'all') ? 'pid'
            : (['histogram' => 'le', 'summary' => 'quantile', 'stateset' => $this->name][$this->type] ?? '');
        $match = static fn ($pattern, $words) => count(preg_grep("/^{$pattern}$/D", $words)) === count($words);
        $once = static fn ($list, $least, $most) =>
            count(array_unique($list)) === count($list) && count($list) >= $least && count($list) <= $most;
        $rising = $this->buckets;
        sort($rising, SORT_NUMERIC);
        foreach ([
            'a metric name that matches [a-zA-Z_:][a-zA-Z0-9_:]*, without the agent\'s sidemeter_' =>
                $this->name === DROPPED || $match('(?!sidemeter_)[a-zA-Z_:][a-zA-Z0-9_:]{0,511}', [$this->name]),
            "at most 32 labels, each once, that match [a-zA-Z_][a-zA-Z0-9_]*, not __…, none that a $this->type has" =>
                $once($this->labels, 0, 32) && $match('(?!__)[a-zA-Z_][a-zA-Z0-9_]{0,511}', $this->labels)
                && !in_array($kept, $this->labels, true),
            'a help of at most 4096 bytes of UTF-8' => is_text($help, 4096),
            'a unit that matches [a-zA-Z0-9_]+' => $match('[a-zA-Z0-9_]{1,512}', (array) $unit),
            'a mode: last, or sum, min, max, mostrecent or all, with live before it or not' =>
                $match('(last|(live)?(sum|min|max|mostrecent|all))', [$this->mode]),
            '1 to 128 finite bounds of buckets that rise strictly' => $this->type !== 'histogram'
                || $once($rising, 1, 128) && $rising === $this->buckets && array_filter($rising, is_finite(...)) === $rising,
            '1 to 128 states, different words' => $this->type !== 'stateset'
                || $once($this->states, 1, 128) && $match('[^\s\0]{1,512}', $this->states),
        ] as $wanted => $right) {
            $right || throw new \InvalidArgumentException("metric family \"$this->name\" wants $wanted");
        }
    }
}

// The table, the buffer and the session. One for the process is enough: Client::shared().
final class Client {
    public readonly bool $forks; // whether there can be a child
    public int $pid = 0, $due = 0; // when an event sends, on the clock of hrtime()
    private static ?Client $shared = null;
    private static array $persistent_paths = [];
    private array $families = [], $waiting = [], $in_flight = []; // pairs: a series, and where its records end
    private ?array $undeclared = null; // families; null before the hello
    private Series $drops;
    private int $dropped = 0, $session = 0, $handles = 0, $count = 0; // series in the table
    private string $buffer = '', $replies = '';
    private int $sent = 0; // bytes of the buffer that the kernel has taken
    private int $token, $answered = 0; // syncs; rise from request to request, since replies may outlive one
    private $socket = null, $unsure = false; // a signal's handler threw out of a write: all was sent, rather than twice
    private float $retry_at = 0.0, $retry_after = RETRY_SECONDS[0];

    // $interval seconds between two flushes; $max_series label sets in all; $max_buffer bytes that wait for the kernel.
    // $persistent keeps the connection, and so the session, for the next requests of this process.
    public function __construct(
        private ?string $path = null, private float $interval = 0.25, private int $max_series = 10_000,
        private int $max_buffer = 65_536, private bool $persistent = false
    ) {
        $this->path ??= getenv('SIDEMETER_SOCKET') ?: DEFAULT_SOCKET;
        if ($persistent && in_array($this->path, self::$persistent_paths, true)) {
            throw new \InvalidArgumentException("another client has the persistent connection to $this->path");
        }
        self::$persistent_paths[] = $persistent ? $this->path : null;
        $this->forks = function_exists('pcntl_fork');
        $this->token = hrtime(true);
        $this->drops = (new Family($this, 'counter', DROPPED, labels: ['client']))->labels(NAME);
        $this->begin_anew();
        register_shutdown_function($this->finish(...));
    }

    public static function shared(): Client { return self::$shared ??= new Client(); }

    // Each defines a family and gives it, the same one when it is defined again. $labels are their names, $buckets upper
    // bounds, $mode what the values of many processes make together (PROTOCOL.md, "Gauge modes").
    public function counter(string $name, string $help = '', array $labels = [], ?string $unit = null): Family {
        return $this->define('counter', $name, $help, $labels, $unit);
    }
    public function gauge(
        string $name, string $help = '', array $labels = [], ?string $unit = null, string $mode = 'last'): Family {
        return $this->define('gauge', $name, $help, $labels, $unit, mode: $mode);
    }
    public function histogram(string $name, string $help = '', array $labels = [], ?string $unit = null,
        array $buckets = DEFAULT_BUCKETS): Family {
        return $this->define('histogram', $name, $help, $labels, $unit, $buckets);
    }
    public function summary(string $name, string $help = '', array $labels = [], ?string $unit = null): Family {
        return $this->define('summary', $name, $help, $labels, $unit);
    }
    public function info(string $name, string $help = '', array $labels = []): Family {
        return $this->define('info', $name, $help, $labels);
    }
    public function stateset(string $name, array $states, string $help = '', array $labels = []): Family {
        return $this->define('stateset', $name, $help, $labels, states: $states);
    }

    // Events that were not kept, of this process.
    public function dropped(): int { return $this->dropped; }

    // Sends what has added up, as far as the kernel takes it. Waits for nothing.
    public function flush(): void { $this->push(); }

    // Sends all that happened before and waits for the agent to have it: true when the next scrape shows it, false when
    // $timeout seconds were not enough.
    public function flush_and_wait(float $timeout = 5.0): bool {
        [$until, $token, $session] = [now() + $timeout, null, null];
        do {
            if ($this->push() && $session !== $this->session && $this->open()) {
                [$session, $token] = [$this->session, ++$this->token];
                $this->fill();
                $this->buffer .= "sync $token\n";
                $this->write_buffer();
            }
            if ($token !== null && $this->answered >= $token) { return true; }
        } while ($this->pause($until));
        return false;
    }

    // Sends what has added up, for at most 100 ms, and ends the session. A later event begins another.
    public function close(): void {
        $this->finish();
        $this->begin_anew();
    }

    // Below: for series only.

    // A child has a session of its own and none of its parent's amounts.
    public function begin_anew(): void {
        $this->disconnect();
        foreach ($this->families as $family) {
            foreach ($family->series as $series) { $series->leave(); }
            $family->series = [];
        }
        $this->drops->leave();
        $this->drops->held = true;
        [$this->waiting, $this->count, $this->retry_at] = [[], 0, 0.0];
        [$this->dropped, $this->pid] = [getmypid() === $this->pid ? $this->dropped : 0, getmypid()];
        $this->due = hrtime(true) + (int) ($this->interval * 1e9);
        $this->begin_session();
    }

    // Puts a series into the table, or finds the one that is there; null when it is full.
    public function enter(Series $series): ?Series {
        $table = &$series->family->series;
        if (isset($table[$series->key]) || $series->text === null || $this->count >= $this->max_series) {
            return $table[$series->key] ?? null;
        }
        ++$this->count;
        $series->held = true;
        return $table[$series->key] = $series;
    }
    public function wait(Series $series): void {
        $series->waiting || $this->waiting[] = $series;
        $series->waiting = true;
    }
    public function drop(): void {
        ++$this->dropped;
        $this->drops->change('add', 1);
        $this->wait($this->drops);
    }
    public function free_handle(): ?int { return $this->handles < MAX_HANDLES ? $this->handles++ : null; }

    // What an event sends: one buffer, the next event another.
    public function send_some(): void {
        $goes_on = $this->push(true) && $this->waiting !== [];
        $this->due = $goes_on ? 0 : hrtime(true) + (int) ($this->interval * 1e9);
    }
    private function define(mixed ...$definition): Family {
        $family = new Family($this, ...$definition);
        $found = $this->families[$family->name] ?? $family;
        if ([$found->declaration, $found->labels] !== [$family->declaration, $family->labels]) {
            throw new \InvalidArgumentException("$family->name is already defined, as something else");
        }
        if ($found === $family && $this->undeclared !== null) { $this->undeclared[] = $family; }
        return $this->families[$family->name] = $found;
    }

    // Nothing of the socket's warnings reaches the application's error handler.
    private function quietly(callable $work): mixed {
        set_error_handler(static fn () => true);
        try { return $work(); } finally { restore_error_handler(); }
    }

    // At the end of the process. Where no agent is, nothing waits.
    private function finish(): void {
        for ($until = now() + EXIT_SECONDS; !$this->push() && $this->socket !== null && $this->pause($until);) {}
    }

    private function begin_session(): void {
        [$this->session, $this->unsure] = [$this->session + 1, false];
        [$this->handles, $this->undeclared, $this->buffer, $this->sent, $this->in_flight] = [0, null, '', 0, []];
    }
    // True when the kernel has taken all that waited when this began, or $one buffer of it.
    private function push(bool $one = false): bool {
        if ($this->forks && getmypid() !== $this->pid) { $this->begin_anew(); }
        if ($this->socket !== null && ($this->unsure || !$this->read_replies())) { $this->lose(); }
        for ($left = count($this->waiting); $this->buffer !== '' || ($left > 0 && $this->waiting !== []);) {
            if (!$this->open()) { return false; }
            $left -= $this->buffer === '' ? $this->fill() : 0;
            if (!$this->write_buffer() || $one) { return $this->buffer === '' && $this->socket !== null; }
        }
        return true;
    }
    // Writes records into the empty buffer, up to max_buffer. The number of series that they tell of.
    private function fill(): int {
        if ($this->undeclared === null) {
            $this->undeclared = array_values($this->families);
            // A request before this one may have left half a record behind: the # makes it invalid, alone it is a comment.
            $this->buffer = $this->persistent && ftell($this->socket) > 0 ? "#\n" : '';
            $this->buffer .= 'hello v=1 pid=' . $this->pid . ' client=' . NAME . '/' . VERSION . "\n";
        }
        while ($this->undeclared !== [] && strlen($this->buffer) < $this->max_buffer) {
            $this->buffer .= array_shift($this->undeclared)->declaration;
        }
        for ($told = 0; strlen($this->buffer) < $this->max_buffer && $told < count($this->waiting); ++$told) {
            $series = $this->waiting[$told];
            $series->waiting = false;
            $this->buffer .= $series->write($this->session);
            $this->in_flight[] = [$series, strlen($this->buffer)];
        }
        $this->waiting = array_slice($this->waiting, $told);
        return $told;
    }
    // True when the kernel has taken the whole buffer.
    private function write_buffer(): bool {
        [$from, $this->sent, $this->unsure] = [$this->sent, strlen($this->buffer), true];
        $taken = $this->quietly(fn () => fwrite($this->socket, substr($this->buffer, $from)));
        [$this->sent, $this->unsure] = [$from + (int) $taken, false];
        if ($taken === false) { $this->lose(); }
        if ($taken === false || $this->sent < strlen($this->buffer)) { return false; }
        foreach ($this->in_flight as [$series]) {
            if (!$series->is_gone()) { continue; }
            unset($series->family->series[$series->key]);
            $series->leave();
            --$this->count;
        }
        [$this->in_flight, $this->buffer, $this->sent] = [[], '', 0];
        return true;
    }
    // The agent is gone. The record that was cut, and all behind it, go back into the table.
    private function lose(): void {
        $this->disconnect();
        foreach (array_filter($this->in_flight, fn ($pair) => $pair[1] > $this->sent) as [$series]) {
            $series->take_back();
            $this->wait($series);
        }
        foreach ($this->families as $family) {
            array_map($this->wait(...), array_filter($family->series, static fn ($series) => $series->repeat()));
        }
        $this->begin_session();
    }
    // Tries to connect, where it is not and it is time to. A Unix socket answers at once, be it that its queue is full.
    private function open(): bool {
        if ($this->socket !== null || now() < $this->retry_at) { return $this->socket !== null; }
        $this->retry_at = now() + $this->retry_after;
        $this->retry_after = min($this->retry_after * 2, RETRY_SECONDS[1]);
        $flags = STREAM_CLIENT_CONNECT | ($this->persistent ? STREAM_CLIENT_PERSISTENT : 0);
        $connect = fn () => stream_socket_client("unix://$this->path", $code, $words, 0.01, $flags);
        $this->socket = $this->quietly($connect) ?: null;
        return $this->socket !== null && stream_set_blocking($this->socket, false);
    }
    // Closes this process's copy only.
    private function disconnect(): void {
        if ($this->socket !== null) { fclose($this->socket); }
        [$this->socket, $this->replies] = [null, ''];
    }
    // False when the agent is gone.
    private function read_replies(): bool {
        while (($some = (string) $this->quietly(fn () => fread($this->socket, 8192))) !== '') {
            $this->retry_after = RETRY_SECONDS[0]; // this agent speaks
            $this->replies .= $some;
            $this->answered = preg_match_all('/^ok (\d+) .*\n/m', $this->replies, $found)
                ? (int) end($found[1]) : $this->answered;
            $this->replies = substr(strrchr("\n$this->replies", "\n"), 1);
        }
        return !feof($this->socket);
    }
    // Sleeps until a reply has come or there is room for more bytes, at most 10 ms. False when the time is over.
    private function pause(float $until): bool {
        $microseconds = (int) (min($until - now(), 0.01) * 1e6);
        if ($microseconds <= 0) { return false; }
        [$read, $write, $except] = [[$this->socket], $this->buffer === '' ? null : [$this->socket], null];
        $select = static fn () => stream_select($read, $write, $except, 0, $microseconds);
        $this->socket === null ? usleep($microseconds) : $this->quietly($select);
        return true;
    }
}
