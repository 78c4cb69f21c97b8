<?php

// A page that counts itself. Serve it with
//
//     SIDEMETER_SOCKET=/run/sidemeter/sidemeter.sock php -S 127.0.0.1:8080 client/php/example.php

declare(strict_types=1);

require_once __DIR__ . '/Sidemeter.php';

$metrics = Sidemeter\Client::shared();
$requests = $metrics->counter('example_requests_total', 'Requests.', labels: ['method']);
$seconds = $metrics->histogram('example_request_seconds', 'Time to answer.', unit: 'seconds', buckets: [0.001, 0.01, 0.1]);
$busy = $metrics->gauge('example_busy', 'Requests being answered.', mode: 'livesum');

$busy->inc(); // no dec: the value is gone with the connection, at the end of the request
$requests->labels($_SERVER['REQUEST_METHOD'] ?? 'none')->inc();
$seconds->time(static function () {
    echo "Hello.\n";
});
