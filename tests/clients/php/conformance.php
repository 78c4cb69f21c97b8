<?php

// Obeys the commands of ../README.md, a line each.

declare(strict_types=1);

require __DIR__ . '/../../../client/php/Sidemeter.php';

$client = Sidemeter\Client::shared();
$families = [];

// Each warning of PHP is a fault.
set_error_handler(static function (int $level, string $words, string $file, int $line) {
    throw new ErrorException($words, 0, $level, $file, $line);
});

function plain_list(string $word): array
{
    return $word === '-' ? [] : array_map(rawurldecode(...), explode(',', $word));
}

function labels(string $word): array
{
    $labels = [];
    foreach ($word === '-' ? [] : explode(',', $word) as $pair) {
        [$name, $value] = explode('=', $pair, 2);
        $labels[$name] = rawurldecode($value);
    }
    return $labels;
}

function series(string $name, string $word): Sidemeter\Family|Sidemeter\Series
{
    global $families;
    $labels = labels($word);
    return $labels === [] ? $families[$name] : $families[$name]->labels(...$labels);
}

function number(string $word): float
{
    return $word === 'nan' ? NAN : (float) $word;
}

function define_family(
    string $type, string $name, string $help, string $labels, string $unit, string $buckets, string $mode, string $states
): string {
    global $client, $families;
    $options = ['help' => $help === '-' ? '' : rawurldecode($help), 'labels' => plain_list($labels)];
    $options += $unit === '-' ? [] : ['unit' => rawurldecode($unit)];
    $options += $buckets === '-' ? [] : ['buckets' => array_map(floatval(...), plain_list($buckets))];
    $options += $mode === '-' ? [] : ['mode' => rawurldecode($mode)];
    $options += $type === 'stateset' ? ['states' => plain_list($states)] : [];
    try {
        $families[$name] = $client->$type($name, ...$options);
        return 'ok';
    } catch (InvalidArgumentException) {
        return 'error';
    }
}

// The longest of $count increments, in whole microseconds.
function longest(int $count, Sidemeter\Family|Sidemeter\Series $counter): int
{
    $longest = 0;
    for ($done = 0; $done < $count; ++$done) {
        $start = hrtime(true);
        $counter->inc();
        $longest = max($longest, hrtime(true) - $start);
    }
    return intdiv($longest, 1000);
}

function in_a_child(int $count, Sidemeter\Family|Sidemeter\Series $counter): string
{
    global $client;
    if (!function_exists('pcntl_fork')) {
        return 'skip';
    }
    $child = pcntl_fork();
    if ($child === 0) {
        for ($done = 0; $done < $count; ++$done) {
            $counter->inc();
        }
        exit($client->flush_and_wait(30) ? 0 : 1);
    }
    pcntl_waitpid($child, $status);
    return pcntl_wexitstatus($status) === 0 ? 'ok' : 'the child failed';
}

function many(Sidemeter\Family $family, int $count): void
{
    for ($number = 0; $number < $count; ++$number) {
        $family->labels($number)->inc();
    }
}

function obey(string $command, string ...$words): mixed
{
    global $client, $families;
    return match ($command) {
        'define' => define_family(...$words),
        'inc', 'dec', 'set', 'observe' => series($words[0], $words[1])->$command(number($words[2])),
        'time' => series(...$words)->time(static fn () => null),
        'info' => $families[$words[0]]->info(...labels($words[1])),
        'state' => series($words[0], $words[1])->state(rawurldecode($words[2])),
        'remove' => series(...$words)->remove(),
        'many' => many($families[$words[0]], (int) $words[2]),
        'repeat' => longest((int) $words[0], series($words[1], $words[2])),
        'threads' => 'skip',
        'fork' => in_a_child((int) $words[0], series($words[1], $words[2])),
        'flush' => $client->flush(),
        'wait' => $client->flush_and_wait((float) $words[0]) ? 'true' : 'false',
        'sleep' => usleep((int) ((float) $words[0] * 1e6)),
        'dropped' => $client->dropped(),
        'exit' => exit(0),
    };
}

while (($line = fgets(STDIN)) !== false) {
    fwrite(STDOUT, (obey(...explode("\t", rtrim($line, "\n"))) ?? 'ok') . "\n");
}
