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

const VERSION = '0.1.0';
const NAME = 'sidemeter-php';
const DEFAULT_SOCKET = '/run/sidemeter/sidemeter.sock';
// Upper bounds in seconds, as Prometheus's own clients have them.
const DEFAULT_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const MODES = ['last', 'sum', 'min', 'max', 'mostrecent', 'all',
    'livesum', 'livemin', 'livemax', 'livemostrecent', 'liveall'];
const VERBS = ['counter' => 'c', 'gauge' => 'g', 'histogram' => 'm', 'summary' => 'm', 'info' => 'i', 'stateset' => 'e'];
const DROPPED = 'sidemeter_client_dropped_total';
const MAX_HANDLES = 4096;
const EVENT_BYTES = 8192; // that one event sends at most: the time of a few hundred records
const EVENT_SECONDS = 0.005; // until an event sends more
const EXIT_SECONDS = 0.1;
const RETRY_SECONDS = [0.1, 5.0];

function now(): float { return hrtime(true) / 1e9; }

function escape(string $text): string { return strtr($text, ['\\' => '\\\\', "\n" => '\\n']); }

// As the protocol spells it, whatever the locale and the ini file say.
function number_text(float $value): string {
    $infinite = $value > 0 ? '+Inf' : '-Inf';
    return is_finite($value) ? sprintf('%.*h', -1, $value) : (is_nan($value) ? 'NaN' : $infinite);
}

// NAN for what is no number.
function number(mixed $value): float { return is_numeric($value) ? (float) $value : NAN; }

function is_text(string $text, int $most): bool {
    return strlen($text) <= $most && preg_match('//u', $text) === 1 && !str_contains($text, "\0");
}

// What may happen to a series. What is wrong with it (a negative increment, NaN observed, an event of another type)
// changes nothing and is counted in `dropped`. Units are the family's.
trait Events {
    // Of a counter, by a finite amount >= 0, or a gauge.
    public function inc(mixed $amount = 1): void { $this->event('add', $amount); }
    // Of a gauge.
    public function dec(mixed $amount = 1): void { $this->event('subtract', $amount); }
    public function set(mixed $value): void { $this->event('set', $value); }
    // Of a histogram or a summary.
    public function observe(mixed $value): void { $this->event('observe', $value); }
    // Of a stateset: $name is the state from now on, one of those that were defined.
    public function state(mixed $name): void { $this->event('state', $name); }

    // Observes the seconds that $work takes, however it ends, and gives what it gives.
    public function time(callable $work): mixed {
        $start = now();
        try {
            return $work();
        } finally {
            $this->event('observe', now() - $start);
        }
    }
}

// What has happened to one label set of a family since it was last sent. Get it by labels() and keep it: an event is
// then an addition, without a look-up. It survives remove() and fork: its next event begins it anew.
abstract class Series {
    use Events;

    public bool $held = false; // by the table
    public bool $waiting = false; // to be sent
    protected mixed $pending = null; // what has happened
    protected mixed $in_flight = null; // what was written of it into the buffer
    protected mixed $own = null; // what a new agent has to be told again
    private bool $removed = false;
    private bool $removal_in_flight = false;
    private int $session = 0; // that the handle is bound in
    private ?int $handle = null;

    // $text is the series as the protocol writes it; null where the labels were wrong, then each event is dropped.
    public function __construct(
        private Client $client, public readonly Family $family, public readonly string $key, public readonly ?string $text
    ) {
    }

    // Takes the series out of the exposition, with what was not sent of it.
    public function remove(): void { $this->event('remove', null); }

    public function event(string $event, mixed $value): void {
        $client = $this->client;
        if ($client->forks && getmypid() !== $client->pid) {
            $client->begin_anew();
        }
        $series = $this->held ? $this : $client->enter($this);
        if ($series === null || !$series->change($event, $value)) {
            $client->drop();
        } elseif (!$series->waiting) {
            $client->wait($series);
        }
        if (hrtime(true) >= $client->due) {
            $client->send_some();
        }
    }

    // Below: for the client only.

    // False when the event is wrong; then nothing is changed.
    public function change(string $event, mixed $value): bool {
        if ($event === 'remove') {
            $this->pending = $this->in_flight = $this->own = null;
            $this->removed = true;
        }
        return $event === 'remove';
    }

    // It is in the table no more.
    public function leave(): void {
        $this->held = $this->waiting = $this->removed = $this->removal_in_flight = false;
        $this->pending = $this->in_flight = $this->own = null;
        $this->session = 0;
    }

    // The records that tell the agent what has happened.
    //
    //     @7 c jobs_total{queue="mail"}    once a session, where a handle is free
    //     @7 12
    public function write(int $session): string {
        [$this->in_flight, $this->pending] = [$this->pending, null];
        [$this->removal_in_flight, $this->removed] = [$this->removed, false];
        $records = $this->removal_in_flight ? "x $this->text\n" : '';
        if ($this->in_flight === null) {
            return $records;
        }
        $verb = $this->family->verb;
        if ($this->session !== $session && $verb !== 'i') {
            $this->session = $session;
            $this->handle = $this->client->free_handle();
            $records .= $this->handle === null ? '' : "@$this->handle $verb $this->text\n";
        }
        $subject = $this->handle === null ? "$verb $this->text" : "@$this->handle";
        return $records . $subject . ' ' . $this->operands($this->in_flight) . "\n";
    }

    // The kernel has not taken what is in flight: it happened before what is pending.
    public function take_back(): void {
        $earlier = $this->removed ? null : $this->in_flight;
        $this->removed = $this->removed || $this->removal_in_flight;
        $this->pending = $earlier === null || $this->pending === null
            ? $this->pending ?? $earlier : $this->sum($earlier, $this->pending);
    }

    public function is_gone(): bool { return $this->removal_in_flight && $this->in_flight === null && !$this->waiting; }

    // Makes pending what a new agent has to be told again; true where there is such.
    public function repeat(): bool {
        $this->pending = $this->own ?? $this->pending;
        return $this->own !== null;
    }
}

// Of a counter or a gauge. Pending is ['', value] to set, or ['+', amount] to add.
final class ValueSeries extends Series {
    public function change(string $event, mixed $value): bool {
        $amount = $event === 'subtract' ? -number($value) : number($value);
        [$kind, $before] = $this->pending ?? ['+', 0.0];
        if ($this->family->verb === 'c') {
            if ($event !== 'add' || !($amount >= 0 && $before + $amount < INF)) {
                return parent::change($event, $value);
            }
        } elseif ($event === 'set') {
            $this->pending = $this->own = ['', $amount];
            return true;
        } elseif ($event !== 'add' && $event !== 'subtract') {
            return parent::change($event, $value);
        } elseif ($this->own !== null || $this->family->mode !== 'last') { // else the value is everybody's
            $this->own = ['', ($this->own[1] ?? 0.0) + $amount];
        }
        $this->pending = [$kind, $before + $amount];
        return true;
    }

    protected function operands(array $change): string {
        [$kind, $amount] = $change;
        if ($kind === '' || $this->family->verb === 'c') {
            return number_text($amount);
        }
        return $amount < 0 ? '-=' . number_text(-$amount) : '+=' . number_text($amount);
    }

    protected function sum(array $earlier, array $later): array {
        return $later[0] === '' ? $later : [$earlier[0], $earlier[1] + $later[1]];
    }
}

// Of a histogram or a summary. Pending is the sum, then a count a bucket, not cumulative; a summary has one bucket.
final class ObservedSeries extends Series {
    public function change(string $event, mixed $value): bool {
        $value = number($value);
        $sum = ($this->pending[0] ?? 0.0) + $value;
        if ($event !== 'observe' || is_nan($sum)) {
            return parent::change($event, $value);
        }
        [$bounds, $low, $high] = [$this->family->buckets, 0, count($this->family->buckets)];
        while ($low < $high) {
            $middle = ($low + $high) >> 1;
            $bounds[$middle] >= $value ? $high = $middle : $low = $middle + 1;
        }
        $this->pending ??= array_fill(0, count($bounds) + 2, 0);
        $this->pending[0] = $sum;
        ++$this->pending[$low + 1];
        return true;
    }

    protected function operands(array $numbers): string {
        return number_text(array_shift($numbers)) . ' ' . implode(' ', $numbers);
    }

    protected function sum(array $earlier, array $later): array {
        return array_map(static fn ($one, $other) => $one + $other, $earlier, $later);
    }
}

// Of a stateset; an info has the one state ''.
final class StateSeries extends Series {
    public function change(string $event, mixed $value): bool {
        if ($event !== 'state' || !in_array($value, $this->family->states, true)) {
            return parent::change($event, $value);
        }
        $this->pending = $this->own = $value;
        return true;
    }

    protected function operands(string $state): string { return $state; }
    protected function sum(string $earlier, string $later): string { return $later; }
}

// One metric family. Its events are those of its series without labels.
final class Family {
    use Events;

    public array $series = []; // by label values
    public readonly string $verb;
    public readonly string $declaration;
    private Series $sole;

    public function __construct(
        private Client $client, public readonly string $type, public readonly string $name, string $help = '',
        public readonly array $labels = [], ?string $unit = null, public array $buckets = [],
        public readonly string $mode = 'last', public readonly array $states = ['']
    ) {
        $this->verb = VERBS[$type];
        if (end($this->buckets) === INF) {
            array_pop($this->buckets);
        }
        $this->check($help, $unit);
        $bounds = implode(' ', array_map(static fn ($bound) => number_text((float) $bound), $this->buckets));
        $this->declaration = "# TYPE $name $type\n" . ($help === '' ? '' : "# HELP $name " . escape($help) . "\n")
            . ($unit === null ? '' : "# UNIT $name $unit\n") . ($type === 'gauge' ? "# MODE $name $mode\n" : '')
            . ($bounds === '' ? '' : "# BUCKETS $name $bounds\n")
            . ($type === 'stateset' ? "# STATES $name " . implode(' ', $states) . "\n" : '');
        $this->sole = $this->series_of([]);
    }

    // The series of these label values: all in the order of the definition, or all by name. What is wrong with them (too
    // few, not UTF-8, more than 2048 bytes, no scalars) makes a series whose events are dropped.
    public function labels(mixed ...$values): Series {
        if ($values === []) {
            return $this->sole;
        }
        if (!array_is_list($values)) {
            $named = $values;
            $values = array_map(static fn ($name) => $named[$name] ?? null, $this->labels);
            $values = count($named) === count($values) ? $values : [];
        }
        foreach ($values as &$value) {
            $value = is_scalar($value) ? (string) $value : "\0";
        }
        return $this->series[implode("\xFF", $values)] ?? $this->series_of($values); // no UTF-8 has a byte FF
    }

    // Takes the series of these label values out of the exposition.
    public function remove(mixed ...$values): void { $this->labels(...$values)->remove(); }

    // Of an info: exposes these labels with the value 1, beside those told before; remove() takes one back.
    public function info(mixed ...$content): void { $this->labels(...$content)->state(''); }

    // Below: for the client only.

    public function event(string $event, mixed $value): void { $this->sole->event($event, $value); }

    private function series_of(array $values): Series {
        $class = ['c' => ValueSeries::class, 'g' => ValueSeries::class, 'm' => ObservedSeries::class][$this->verb]
            ?? StateSeries::class;
        return new $class($this->client, $this, implode("\xFF", $values), $this->series_text($values));
    }

    // jobs_total{queue="mail"}, null where the agent would refuse it.
    private function series_text(array $values): ?string {
        if (count($values) !== count($this->labels)) {
            return null;
        }
        $labels = [];
        foreach ($values as $index => $value) {
            if (!is_text($value, 2048)) {
                return null;
            }
            $labels[] = $this->labels[$index] . '="' . str_replace('"', '\\"', escape($value)) . '"';
        }
        return $this->name . ($labels === [] ? '' : '{' . implode(',', $labels) . '}');
    }

    private function check(string $help, ?string $unit): void {
        $kept = str_ends_with($this->mode, 'all') ? 'pid'
            : (['histogram' => 'le', 'summary' => 'quantile', 'stateset' => $this->name][$this->type] ?? '');
        $all_match = static fn ($pattern, $words) => count(preg_grep($pattern, $words)) === count($words);
        $several = static fn ($list) => count($list) >= 1 && count($list) <= 128;
        $rising = $this->buckets;
        sort($rising, SORT_NUMERIC);
        $rules = [
            'a metric name that matches [a-zA-Z_:][a-zA-Z0-9_:]*, without the agent\'s sidemeter_' =>
                $this->name === DROPPED || $all_match('/^(?!sidemeter_)[a-zA-Z_:][a-zA-Z0-9_:]{0,511}$/D', [$this->name]),
            'at most 32 labels, each once' => count(array_unique($this->labels)) === min(count($this->labels), 32),
            "label names that match [a-zA-Z_][a-zA-Z0-9_]*, without __ before, none that a $this->type has itself" =>
                $all_match('/^(?!__)[a-zA-Z_][a-zA-Z0-9_]{0,511}$/D', $this->labels) && !in_array($kept, $this->labels, true),
            'a help of at most 4096 bytes of UTF-8' => is_text($help, 4096),
            'a unit that matches [a-zA-Z0-9_]+' => $unit === null || $all_match('/^[a-zA-Z0-9_]{1,512}$/D', [$unit]),
            'a mode of ' . implode(', ', MODES) => in_array($this->mode, MODES, true),
            '1 to 128 finite bounds of buckets that rise strictly' => $this->type !== 'histogram' || $several($rising)
                && $rising === array_values($this->buckets) && count(array_unique($rising)) === count($rising)
                && array_filter($rising, static fn ($bound) => !is_finite((float) $bound)) === [],
            '1 to 128 states, different words' => $this->type !== 'stateset' || $several($this->states)
                && array_unique($this->states) === $this->states && $all_match('/^[^\s\0]{1,512}$/D', $this->states),
        ];
        foreach ($rules as $wanted => $right) {
            if (!$right) {
                throw new \InvalidArgumentException("metric family \"$this->name\" wants $wanted");
            }
        }
    }
}

// The table, the buffer and the session. One for the process is enough: Client::shared().
final class Client {
    public readonly bool $forks; // whether there can be a child
    public int $pid = 0;
    public int $due = 0; // when an event sends, on the clock of hrtime()
    private static ?Client $shared = null;
    private static array $persistent_paths = [];
    private array $families = [];
    private Series $drops;
    private array $waiting = [];
    private array $in_flight = []; // pairs: a series, and where in the buffer its records end
    private ?array $undeclared = null; // families; null before the hello
    private string $buffer = '';
    private int $sent = 0; // bytes of the buffer that the kernel has taken
    private int $session = 0;
    private int $handles = 0;
    private int $count = 0; // series in the table
    private int $dropped = 0;
    private int $token; // of the last sync; rises from request to request, since replies may outlive one
    private int $answered = 0;
    private $socket = null;
    private string $replies = '';
    private float $retry_at = 0.0;
    private float $retry_after = RETRY_SECONDS[0];

    // $interval seconds between two flushes; $max_series label sets in all; $max_buffer bytes that wait for the kernel.
    // $persistent keeps the connection, and so the session, for the next requests of this process.
    public function __construct(
        private ?string $path = null, private float $interval = 0.25, private int $max_series = 10_000,
        private int $max_buffer = 65_536, private bool $persistent = false
    ) {
        $this->path ??= getenv('SIDEMETER_SOCKET') ?: DEFAULT_SOCKET;
        if ($persistent && isset(self::$persistent_paths[$this->path])) {
            throw new \InvalidArgumentException("two clients cannot share the one persistent connection to $this->path");
        }
        self::$persistent_paths[$this->path] = $persistent ?: null;
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
        return $this->define(new Family($this, 'counter', $name, $help, $labels, $unit));
    }

    public function gauge(
        string $name, string $help = '', array $labels = [], ?string $unit = null, string $mode = 'last'
    ): Family {
        return $this->define(new Family($this, 'gauge', $name, $help, $labels, $unit, mode: $mode));
    }

    public function histogram(
        string $name, string $help = '', array $labels = [], ?string $unit = null, array $buckets = DEFAULT_BUCKETS
    ): Family {
        return $this->define(new Family($this, 'histogram', $name, $help, $labels, $unit, $buckets));
    }

    public function summary(string $name, string $help = '', array $labels = [], ?string $unit = null): Family {
        return $this->define(new Family($this, 'summary', $name, $help, $labels, $unit));
    }

    public function info(string $name, string $help = '', array $labels = []): Family {
        return $this->define(new Family($this, 'info', $name, $help, $labels));
    }

    public function stateset(string $name, array $states, string $help = '', array $labels = []): Family {
        return $this->define(new Family($this, 'stateset', $name, $help, $labels, states: $states));
    }

    // Events that were not kept, of this process.
    public function dropped(): int { return $this->dropped; }

    // Sends what has added up, as far as the kernel takes it. Waits for nothing.
    public function flush(): void { $this->quietly(fn () => $this->push()); }

    // Sends all that happened before and waits for the agent to have it: true when the next scrape shows it, false when
    // $timeout seconds were not enough.
    public function flush_and_wait(float $timeout = 5.0): bool {
        return $this->quietly(function () use ($timeout) {
            [$until, $token, $session] = [now() + $timeout, null, null];
            do {
                if ($this->push() && $session !== $this->session && $this->open()) {
                    [$session, $token] = [$this->session, ++$this->token];
                    $this->fill($this->max_buffer);
                    $this->buffer .= "sync $token\n";
                    $this->write_buffer();
                }
                if ($token !== null && $this->answered >= $token) {
                    return true;
                }
            } while ($this->pause($until));
            return false;
        });
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
            array_map(static fn ($series) => $series->leave(), $family->series);
            $family->series = [];
        }
        $this->drops->leave();
        $this->drops->held = true;
        [$this->dropped, $this->pid] = [getmypid() === $this->pid ? $this->dropped : 0, getmypid()];
        [$this->waiting, $this->count, $this->retry_at] = [[], 0, 0.0];
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
        $series->waiting = true;
        $this->waiting[] = $series;
    }

    public function drop(): void {
        ++$this->dropped;
        $this->drops->change('add', 1);
        $this->drops->waiting || $this->wait($this->drops);
    }

    public function free_handle(): ?int { return $this->handles < MAX_HANDLES ? $this->handles++ : null; }

    // The share of an event in the sending.
    public function send_some(): void {
        $this->quietly(fn () => $this->push(EVENT_BYTES));
        $goes_on = $this->socket !== null && $this->buffer === '' && $this->waiting !== [];
        $this->due = hrtime(true) + (int) (($goes_on ? EVENT_SECONDS : $this->interval) * 1e9);
    }

    private function define(Family $family): Family {
        $found = $this->families[$family->name] ?? $family;
        if ([$found->declaration, $found->labels] !== [$family->declaration, $family->labels]) {
            throw new \InvalidArgumentException("$family->name is already defined, as something else");
        }
        if ($found === $family && $this->undeclared !== null) {
            $this->undeclared[] = $family;
        }
        return $this->families[$family->name] = $found;
    }

    // Nothing of the socket's errors reaches the application's error handler.
    private function quietly(callable $work): mixed {
        if ($this->forks && getmypid() !== $this->pid) {
            $this->begin_anew();
        }
        set_error_handler(static fn () => true);
        try {
            return $work();
        } finally {
            restore_error_handler();
        }
    }

    // At the end of the process. Where no agent is, nothing waits.
    private function finish(): void {
        $this->quietly(function () {
            for ($until = now() + EXIT_SECONDS; !$this->push() && $this->socket !== null && $this->pause($until);) {
            }
        });
    }

    private function begin_session(): void {
        ++$this->session;
        [$this->handles, $this->undeclared, $this->buffer, $this->sent, $this->in_flight] = [0, null, '', 0, []];
    }

    // True when the kernel has taken all that waited when this began. Some $bytes: no more than about so many.
    private function push(?int $bytes = null): bool {
        if ($this->socket !== null && !$this->read_replies()) {
            $this->lose();
        }
        for ($left = count($this->waiting); $this->buffer !== '' || ($left > 0 && $this->waiting !== []);) {
            if (!$this->open()) {
                return false;
            }
            $left -= $this->buffer === '' ? $this->fill(min($bytes ?? $this->max_buffer, $this->max_buffer)) : 0;
            if (!$this->write_buffer() || $bytes !== null) {
                return false;
            }
        }
        return true;
    }

    // Writes records into the empty buffer, up to $most bytes. The number of series that they tell of.
    private function fill(int $most): int {
        if ($this->undeclared === null) {
            $this->undeclared = array_values($this->families);
            // A request before this one may have left half a record behind: the # makes it invalid, alone it is a comment.
            $this->buffer = $this->persistent && ftell($this->socket) > 0 ? "#\n" : '';
            $this->buffer .= 'hello v=1 pid=' . $this->pid . ' client=' . NAME . '/' . VERSION . "\n";
        }
        while ($this->undeclared !== [] && strlen($this->buffer) < $most) {
            $this->buffer .= array_shift($this->undeclared)->declaration;
        }
        for ($told = 0; strlen($this->buffer) < $most && $told < count($this->waiting); ++$told) {
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
        $taken = fwrite($this->socket, substr($this->buffer, $this->sent));
        if ($taken === false) {
            $this->lose();
            return false;
        }
        $this->sent += $taken;
        if ($this->sent < strlen($this->buffer)) {
            return false;
        }
        foreach ($this->in_flight as [$series]) {
            if ($series->is_gone()) {
                unset($series->family->series[$series->key]);
                --$this->count;
                $series->leave();
            }
        }
        [$this->in_flight, $this->buffer, $this->sent] = [[], '', 0];
        return true;
    }

    // The agent is gone. The record that was cut, and all behind it, go back into the table.
    private function lose(): void {
        $this->disconnect();
        $back = array_filter($this->in_flight, fn ($pair) => $pair[1] > $this->sent);
        foreach ($back as [$series]) {
            $series->take_back();
            $series->waiting || $this->wait($series);
        }
        foreach ($this->families as $family) {
            foreach ($family->series as $series) {
                !$series->repeat() || $series->waiting || $this->wait($series);
            }
        }
        $this->begin_session();
    }

    // Tries to connect, where it is not and it is time to. A Unix socket answers at once, with an error when its queue is
    // full.
    private function open(): bool {
        if ($this->socket !== null || now() < $this->retry_at) {
            return $this->socket !== null;
        }
        $this->retry_at = now() + $this->retry_after;
        $this->retry_after = min($this->retry_after * 2, RETRY_SECONDS[1]);
        $flags = STREAM_CLIENT_CONNECT | ($this->persistent ? STREAM_CLIENT_PERSISTENT : 0);
        $this->socket = stream_socket_client("unix://$this->path", $code, $words, 0.01, $flags) ?: null;
        return $this->socket !== null && stream_set_blocking($this->socket, false);
    }

    // Closes this process's copy only.
    private function disconnect(): void {
        if ($this->socket !== null) {
            fclose($this->socket);
        }
        [$this->socket, $this->replies] = [null, ''];
    }

    // False when the agent is gone.
    private function read_replies(): bool {
        while (($some = (string) fread($this->socket, 8192)) !== '') {
            $this->retry_after = RETRY_SECONDS[0]; // this agent speaks
            $lines = explode("\n", $this->replies . $some);
            $this->replies = array_pop($lines);
            foreach ($lines as $line) {
                $this->answered = str_starts_with($line, 'ok ') ? (int) substr($line, 3) : $this->answered;
            }
        }
        return !feof($this->socket);
    }

    // Sleeps until a reply has come or there is room for more bytes, at most 10 ms. False when the time is over.
    private function pause(float $until): bool {
        $seconds = min($until - now(), 0.01);
        if ($seconds <= 0) {
            return false;
        }
        [$read, $write, $except] = [[$this->socket], $this->buffer === '' ? null : [$this->socket], null];
        $this->socket === null ? usleep((int) ($seconds * 1e6))
            : stream_select($read, $write, $except, 0, (int) ($seconds * 1e6));
        return true;
    }
}
