//! The conformance program of the Rust client: obeys the commands of ../README.md.

use sidemeter::{Client, Counter, Definition, Family, Gauge, Info, Observer, Options, Stateset};
use std::collections::HashMap;
use std::io::BufRead;
use std::thread;
use std::time::{Duration, Instant};

enum Metric {
    Counter(Family<Counter>),
    Gauge(Family<Gauge>),
    Observer(Family<Observer>),
    Info(Family<Info>),
    Stateset(Family<Stateset>),
}

fn text(word: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = word.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits: Vec<u8> = rest.by_ref().take(2).collect();
        if digits.len() == 2 {
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn list(word: &str) -> Vec<String> {
    if word == "-" {
        return Vec::new();
    }
    word.split(',').map(text).collect()
}

// The values of `name=value,…`.
fn values(labels: &str) -> Vec<String> {
    list(labels).iter().map(|label| label.split_once('=').unwrap().1.to_string()).collect()
}

fn borrowed(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

fn seconds(word: &str) -> Duration {
    Duration::from_secs_f64(word.parse().unwrap())
}

fn repeat(count: u64, counter: &Counter) -> Duration {
    let mut longest = Duration::default();
    for _ in 0..count {
        let start = Instant::now();
        counter.inc();
        longest = longest.max(start.elapsed());
    }
    longest
}

struct Program {
    client: Client,
    metrics: HashMap<String, Metric>,
}

impl Program {
    fn define(&mut self, words: &[&str]) -> String {
        let given = |word: &str| if word == "-" { String::new() } else { text(word) };
        let (name, help, unit, mode) = (text(words[1]), given(words[2]), given(words[4]), given(words[6]));
        let (labels, states) = (list(words[3]), list(words[7]));
        let buckets: Vec<f64> = list(words[5]).iter().map(|bound| bound.parse().unwrap()).collect();
        let definition = Definition {
            name: &name,
            help: &help,
            labels: &borrowed(&labels),
            unit: &unit,
            buckets: &buckets,
            mode: &mode,
            states: &borrowed(&states),
        };
        let metric = match words[0] {
            "counter" => self.client.counter(definition).map(Metric::Counter),
            "gauge" => self.client.gauge(definition).map(Metric::Gauge),
            "histogram" => self.client.histogram(definition).map(Metric::Observer),
            "summary" => self.client.summary(definition).map(Metric::Observer),
            "info" => self.client.info(definition).map(Metric::Info),
            "stateset" => self.client.stateset(definition).map(Metric::Stateset),
            other => panic!("no such type: {other}"),
        };
        match metric {
            Ok(metric) => {
                self.metrics.insert(name, metric);
                "ok".into()
            }
            Err(error) => {
                eprintln!("{error}");
                "error".into()
            }
        }
    }

    fn counter(&self, name: &str) -> &Family<Counter> {
        match &self.metrics[&text(name)] {
            Metric::Counter(family) => family,
            _ => panic!("{name} is no counter"),
        }
    }

    fn many(&self, name: &str, count: u64) {
        let counter = self.counter(name);
        for number in 0..count {
            counter.with(&[&number.to_string()]).inc();
        }
    }

    fn threads(&self, threads: u64, count: u64, counter: &Counter) {
        let running: Vec<_> = (0..threads)
            .map(|_| {
                let counter = counter.clone();
                thread::spawn(move || repeat(count, &counter))
            })
            .collect();
        for thread in running {
            thread.join().unwrap();
        }
    }

    fn event(&self, words: &[&str]) {
        let labels = values(words[2]);
        let labels = borrowed(&labels);
        let number = || words[3].parse::<f64>().unwrap();
        match (words[0], &self.metrics[&text(words[1])]) {
            ("inc", Metric::Counter(family)) => family.with(&labels).inc_by(number()),
            ("inc", Metric::Gauge(family)) => family.with(&labels).inc_by(number()),
            ("dec", Metric::Gauge(family)) => family.with(&labels).dec_by(number()),
            ("set", Metric::Gauge(family)) => family.with(&labels).set(number()),
            ("observe", Metric::Observer(family)) => family.with(&labels).observe(number()),
            ("time", Metric::Observer(family)) => drop(family.with(&labels).timer()),
            ("info", Metric::Info(family)) => family.with(&labels).set(),
            ("state", Metric::Stateset(family)) => family.with(&labels).set(&text(words[3])),
            ("remove", Metric::Counter(family)) => family.remove(&labels),
            ("remove", Metric::Gauge(family)) => family.remove(&labels),
            ("remove", Metric::Observer(family)) => family.remove(&labels),
            ("remove", Metric::Info(family)) => family.remove(&labels),
            ("remove", Metric::Stateset(family)) => family.remove(&labels),
            (event, _) => panic!("no such command, or not of this type: {event}"),
        }
    }

    fn obey(&mut self, words: &[&str]) -> String {
        let count = |at: usize| words[at].parse::<u64>().unwrap();
        match words[0] {
            "define" => return self.define(&words[1..]),
            "many" => self.many(words[1], count(3)),
            "repeat" => {
                let counter = self.counter(words[2]).with(&borrowed(&values(words[3])));
                return repeat(count(1), &counter).as_micros().to_string();
            }
            "threads" => {
                let counter = self.counter(words[3]).with(&borrowed(&values(words[4])));
                self.threads(count(1), count(2), &counter);
            }
            "fork" => return "skip: Rust's standard library cannot fork".into(),
            "flush" => self.client.flush(),
            "wait" => return self.client.flush_and_wait(seconds(words[1])).to_string(),
            "sleep" => thread::sleep(seconds(words[1])),
            "dropped" => return self.client.dropped().to_string(),
            _ => self.event(words),
        }
        "ok".into()
    }
}

// The client is dropped at the end of main, which sends the rest.
fn main() {
    let mut program = Program { client: Client::new(Options::default()), metrics: HashMap::new() };
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        if line == "exit" {
            break;
        }
        println!("{}", program.obey(&line.split('\t').collect::<Vec<_>>()));
    }
}
