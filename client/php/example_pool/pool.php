<?php

// A pre-forking server that lives through the death of its workers:
//
//     SIDEMETER_SOCKET=/run/sidemeter/sidemeter.sock php pool.php /tmp/pool.sock 4
//
// A request is a line: `quick` is answered with `done PID` at once, `slow` with `working PID`, and `done PID` ten
// seconds later. What a worker had flushed when it was killed is counted, for ever; so a worker flushes before it
// answers, and each answered request is counted exactly once. Its live gauges go with it.

declare(strict_types=1);

require_once __DIR__ . '/../Sidemeter.php';

[, $path, $size] = $argv + [1 => '/tmp/pool.sock', 2 => '4'];

// Defined once, here: the families stay defined in the workers.
$metrics = Sidemeter\Client::shared();
$requests = $metrics->counter('pool_requests_total', 'Requests that were answered.', labels: ['kind']);
$busy = $metrics->gauge('pool_busy_workers', 'Workers that answer a request.', mode: 'livesum');
$workers = $metrics->gauge('pool_workers', 'Workers that live.', mode: 'livesum');
$pids = $metrics->gauge('pool_worker_start_time_seconds', 'When each began.', mode: 'liveall');
$respawns = $metrics->counter('pool_respawns_total', 'Workers that had to be replaced.');

@unlink($path);
$listener = stream_socket_server("unix://$path");

$work = static function () use ($listener, $metrics, $requests, $busy, $workers, $pids) {
    $workers->set(1);
    $pids->set(microtime(true));
    $metrics->flush();
    while (true) {
        $connection = @stream_socket_accept($listener, 3600);
        $kind = $connection === false ? false : fgets($connection);
        if ($kind === false) {
            continue;
        }
        $kind = trim($kind);
        $busy->inc();
        if ($kind === 'slow') {
            $metrics->flush();
            fwrite($connection, 'working ' . getmypid() . "\n");
            sleep(10);
        }
        $requests->labels($kind)->inc();
        $busy->dec();
        $metrics->flush();
        fwrite($connection, 'done ' . getmypid() . "\n");
        fclose($connection);
    }
};

$living = [];
$running = true;
pcntl_async_signals(true);
pcntl_signal(SIGTERM, static function () use (&$running) {
    $running = false;
}, false);

while ($running) {
    while (count($living) < (int) $size) {
        $pid = pcntl_fork();
        if ($pid === 0) {
            pcntl_signal(SIGTERM, SIG_DFL);
            $work();
        }
        $living[$pid] = true;
    }
    $dead = pcntl_wait($status);
    if ($dead > 0) {
        unset($living[$dead]);
        $respawns->inc();
        $metrics->flush();
    }
}
foreach (array_keys($living) as $pid) {
    posix_kill($pid, SIGTERM);
    pcntl_waitpid($pid, $status);
}
