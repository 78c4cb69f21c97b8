//! What the runner does not show: cut records, definitions, dropped events.

use sidemeter::{Client, Definition, Options};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixListener;
use std::thread;
use std::time::Duration;

fn definition(name: &str) -> Definition<'_> {
    Definition { name, ..Definition::default() }
}

fn absent() -> Options {
    Options { socket: "/nonexistent/socket".into(), ..Options::default() }
}

// Applies whole records of counters by the rules of proto/PROTOCOL.md; the last one without LF is not applied.
fn apply(session: &str, totals: &mut HashMap<String, f64>) {
    let mut bound = HashMap::new();
    let whole = session.rfind('\n').map_or("", |end| &session[..end]);
    for record in whole.split('\n') {
        let words: Vec<&str> = record.split(' ').collect();
        match words[..] {
            [handle, "c", series] if handle.starts_with('@') => {
                bound.insert(handle, series);
            }
            [handle, amount] if handle.starts_with('@') => {
                let series = bound.get(handle).unwrap_or_else(|| panic!("{record:?} is not bound in this session"));
                *totals.entry(series.to_string()).or_default() += amount.parse::<f64>().unwrap();
            }
            ["c", series, amount] => *totals.entry(series.to_string()).or_default() += amount.parse::<f64>().unwrap(),
            _ => {}
        }
    }
}

#[test]
fn a_record_that_is_cut_is_sent_again_and_none_twice() {
    let path = std::env::temp_dir().join(format!("sidemeter-{}.sock", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).unwrap();
    let options =
        Options { socket: path.clone(), interval: Duration::from_secs(3600), max_buffer: 1 << 20, ..absent() };
    let client = Client::new(options);
    let counter = client.counter(Definition { labels: &["n"], ..definition("c") }).unwrap();
    let label = |number: u32| format!("{}{}", "x".repeat(60), number);
    let count = 9_000; // more than there are handles, and more than the kernel's buffer holds
    for number in 0..count {
        counter.with(&[&label(number)]).inc_by(number.into());
    }
    client.flush();
    let (mut first, _) = listener.accept().unwrap();
    thread::sleep(Duration::from_millis(200)); // until the kernel takes no more
    for number in 0..count {
        counter.with(&[&label(number)]).inc();
    }
    let mut taken = Vec::new(); // what the kernel has taken counts as sent
    first.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let _ = first.read_to_end(&mut taken);
    assert!(taken.len() < 600_000, "the kernel has taken all: nothing was cut");
    let mut totals = HashMap::new();
    apply(&String::from_utf8_lossy(&taken), &mut totals);
    drop(first);

    let agent = thread::spawn(move || {
        let (mut second, _) = listener.accept().unwrap();
        let mut text = String::new();
        for record in BufReader::new(second.try_clone().unwrap()).lines().map(Result::unwrap) {
            if record == "sync 1" {
                break;
            }
            text += &(record + "\n");
        }
        second.write_all(b"hello v=1\nok 1 accepted=1 rejected=0\n").unwrap();
        text
    });
    assert!(client.flush_and_wait(Duration::from_secs(10)));
    apply(&agent.join().unwrap(), &mut totals);
    for number in 0..count {
        let series = format!("c{{n=\"{}\",}}", label(number));
        assert_eq!(totals.get(&series), Some(&(f64::from(number) + 1.0)), "{series}");
    }
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn what_the_agent_would_refuse_is_an_error_at_definition() {
    let client = Client::new(absent());
    client.counter(definition("known_total")).unwrap();
    client.counter(definition("known_total")).expect("the same again is free");
    let long = "x".repeat(513);
    let help = "x".repeat(4097);
    let wrong = [
        ("a long name", client.counter(definition(&long)).is_err()),
        ("a closed name", client.counter(definition("sidemeter_x")).is_err()),
        ("another type", client.gauge(definition("known_total")).is_err()),
        ("a label twice", client.counter(Definition { labels: &["a", "a"], ..definition("x") }).is_err()),
        ("the label pid", client.gauge(Definition { labels: &["pid"], mode: "all", ..definition("x") }).is_err()),
        ("an info's unit", client.info(Definition { unit: "seconds", ..definition("x") }).is_err()),
        ("a unit of a blank", client.counter(Definition { unit: "a b", ..definition("x") }).is_err()),
        ("a counter's mode", client.counter(Definition { mode: "sum", ..definition("x") }).is_err()),
        ("livelast", client.gauge(Definition { mode: "livelast", ..definition("x") }).is_err()),
        ("a bound twice", client.histogram(Definition { buckets: &[1.0, 1.0], ..definition("x") }).is_err()),
        ("a state of words", client.stateset(Definition { states: &["a b"], ..definition("x") }).is_err()),
        ("a state twice", client.stateset(Definition { states: &["a", "a"], ..definition("x") }).is_err()),
        ("a help of 4097", client.counter(Definition { help: &help, ..definition("x") }).is_err()),
    ];
    for (what, refused) in wrong {
        assert!(refused, "{what} was taken");
    }
}

#[test]
fn events_of_wrong_series_are_dropped() {
    let client = Client::new(Options { max_series: 1, ..absent() });
    let counter = client.counter(Definition { labels: &["a"], ..definition("c") }).unwrap();
    counter.with(&[""]).inc();
    let long = "x".repeat(2049);
    let wrong: [&[&str]; 4] = [&[], &["x", "y"], &["a\0b"], &[&long]];
    for (dropped, values) in (1..).zip(wrong) {
        counter.with(values).inc();
        assert_eq!(client.dropped(), dropped, "{values:?}");
    }
    let kept = counter.with(&[""]);
    kept.inc();
    counter.with(&["one more"]).inc();
    assert_eq!(client.dropped(), 5, "one series more than the limit");
    counter.remove(&[""]);
    kept.inc(); // its removal is not told yet, and takes its place
    assert_eq!(client.dropped(), 6, "past the limit with a removal");
}

#[test]
fn a_shutdown_without_an_agent_does_not_wait_for_one() {
    let client = Client::new(absent());
    client.counter(definition("c")).unwrap().with(&[]).inc();
    let start = std::time::Instant::now();
    drop(client);
    assert!(start.elapsed() < Duration::from_millis(150), "{:?}", start.elapsed());
}
