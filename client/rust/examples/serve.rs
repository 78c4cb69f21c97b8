//! Serves HTTP on loopback and counts what it answers: `cargo run --example serve`.

use sidemeter::{Client, Definition, Options};
use std::io::{Read, Write};
use std::net::TcpListener;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::new(Options::default()); // when it is dropped, the rest is sent
    let requests = client.counter(Definition {
        name: "http_requests_total",
        help: "Requests answered.",
        labels: &["code"],
        ..Definition::default()
    })?;
    let seconds =
        client.histogram(Definition { name: "http_request_seconds", unit: "seconds", ..Definition::default() })?;
    let (ok, seconds) = (requests.with(&["200"]), seconds.with(&[])); // looked up once

    // Ten requests, so that main ends, and the client is dropped.
    for connection in TcpListener::bind("127.0.0.1:8080")?.incoming().take(10) {
        let mut connection = connection?;
        let _timer = seconds.timer();
        let _ = connection.read(&mut [0; 4096])?;
        connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n")?;
        ok.inc();
    }
    Ok(())
}
