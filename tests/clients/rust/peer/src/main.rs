//! Nanoseconds per event, ours beside the crate prometheus-client, one thread and two, alternating in one run.

use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram};
use sidemeter::{Client, Definition, Options, DEFAULT_BUCKETS};
use std::hint::black_box;
use std::sync::atomic::AtomicU64;
use std::thread;
use std::time::Instant;

const ROUNDS: usize = 7;
const EVENTS: u32 = 5_000_000;

fn measure(threads: usize, event: &(dyn Fn() + Sync)) -> f64 {
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| (0..EVENTS).for_each(|_| event()));
        }
    });
    start.elapsed().as_nanos() as f64 / f64::from(EVENTS)
}

// Medians of the rounds.
fn row(what: &str, threads: usize, ours: &(dyn Fn() + Sync), theirs: &(dyn Fn() + Sync)) {
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        times[0].push(measure(threads, ours));
        times[1].push(measure(threads, theirs));
    }
    let [ours, theirs] = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[ROUNDS / 2]
    });
    println!("{what:<28} {ours:>8.1} {theirs:>18.1} {:>6.2}", ours / theirs);
}

fn main() -> Result<(), sidemeter::DefinitionError> {
    let client = Client::new(Options { socket: "/nonexistent/socket".into(), ..Options::default() });
    let definition = |name| Definition { name, ..Definition::default() };
    let our_counters = client.counter(Definition { labels: &["code"], ..definition("c") })?;
    let our_counter = our_counters.with(&["200"]);
    let our_histogram = client.histogram(definition("h"))?.with(&[]);
    let our_gauge = client.gauge(definition("g"))?.with(&[]);
    let their_counters = Family::<Vec<(String, String)>, Counter>::default();
    let labels = || vec![("code".to_string(), "200".to_string())];
    let their_counter: Counter = their_counters.get_or_create(&labels()).clone();
    let their_sum = Counter::<f64, AtomicU64>::default();
    let their_histogram = Histogram::new(DEFAULT_BUCKETS.iter().copied());
    let their_gauge = Gauge::<f64, AtomicU64>::default();

    println!("{:<28} {:>8} {:>18} {:>6}", "ns an event", "ours", "prometheus-client", "ratio");
    let observe = (|| our_histogram.observe(black_box(0.3)), || their_histogram.observe(black_box(0.3)));
    let inc = (
        || our_counter.inc(),
        || {
            their_counter.inc();
        },
    );
    row("inc", 1, &inc.0, &inc.1);
    row("inc, two threads", 2, &inc.0, &inc.1);
    row("inc, label looked up", 1, &|| our_counters.with(&["200"]).inc(), &|| {
        their_counters.get_or_create(&labels()).inc();
    });
    row("inc by 0.5", 1, &|| our_counter.inc_by(black_box(0.5)), &|| {
        their_sum.inc_by(black_box(0.5));
    });
    row("observe, 14 buckets", 1, &observe.0, &observe.1);
    row("observe, two threads", 2, &observe.0, &observe.1);
    row("gauge set", 1, &|| our_gauge.set(black_box(1.0)), &|| {
        their_gauge.set(black_box(1.0));
    });
    Ok(())
}
