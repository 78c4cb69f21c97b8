//! The connection to the agent: what is written there, and what becomes of it when it is lost.

use crate::{lock, Series, Shared, LONGEST_CLOSE};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::Ordering::*;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fmt, process};

const CLIENT: &str = "sidemeter-rust";
const SHORTEST_WAIT: Duration = Duration::from_millis(100); // between two tries to connect
const LONGEST_WAIT: Duration = Duration::from_secs(5);

pub(crate) const HANDLES: usize = 4096; // later series are written by their text

#[derive(Default)]
pub(crate) struct Session {
    socket: Option<UnixStream>,
    number: u64,             // counts the sessions
    rounds: u64,             // through all series
    next: u64,               // the series with which the round goes on
    declared: usize,         // families, in this session
    bound: Vec<Arc<Series>>, // by handle: the same in every session
    buffer: Vec<u8>,
    sent: usize,   // bytes of buffer that the kernel has taken
    reported: u64, // of dropped
    replies: Vec<u8>,
    asked: u64,         // the last sync that somebody waits for
    target: u64,        // the round that it comes behind
    synced: (u64, u64), // the session and the number of the last one that was sent
    answered: u64,
    try_at: Option<Instant>, // to connect, and again after wait
    wait: Duration,
    closing: Option<(Instant, u64)>, // since when, and the round behind which all was sent
}

impl Session {
    pub(crate) fn new(reported: u64) -> Session {
        Session { reported, ..Session::default() }
    }

    // Sends a round of records, or as many as the kernel takes.
    pub(crate) fn push(&mut self, shared: &Shared) {
        if self.socket.is_none() && self.try_at.map_or(true, |at| Instant::now() >= at) {
            self.connect(shared);
        }
        self.read(shared);
        let target = self.rounds + 1;
        while self.socket.is_some() && self.rounds < target {
            if self.buffer.is_empty() {
                self.fill(shared);
            }
            self.send(shared);
            if !self.buffer.is_empty() {
                return;
            }
        }
    }

    fn connect(&mut self, shared: &Shared) {
        self.wait = (2 * self.wait).clamp(SHORTEST_WAIT, LONGEST_WAIT);
        self.try_at = Some(Instant::now() + self.wait);
        let socket = UnixStream::connect(&shared.options.socket);
        self.socket = socket.and_then(|socket| socket.set_nonblocking(true).map(|()| socket)).ok();
        if self.socket.is_none() {
            return;
        }
        self.wait = Duration::default();
        self.number += 1;
        self.declared = 0;
        self.replies.clear();
        let version = env!("CARGO_PKG_VERSION");
        self.buffer = format!("hello v=1 pid={} client={}/{}\n", process::id(), CLIENT, version).into_bytes();
        for (handle, series) in self.bound.iter().enumerate() {
            put(&mut self.buffer, format_args!("@{} {} {}\n", handle, series.family.verb, series.text));
        }
        self.fill(shared);
    }

    // Reads what the agent has answered. Of interest is only which sync it answered.
    fn read(&mut self, shared: &Shared) {
        let mut data = [0; 4096];
        while let Some(socket) = &mut self.socket {
            match socket.read(&mut data) {
                Ok(0) => self.lose(shared),
                Ok(count) => self.replies.extend(&data[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => self.lose(shared),
            }
        }
        while let Some(end) = self.replies.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.replies.drain(..=end).collect();
            let text = String::from_utf8_lossy(&line);
            let mut words = text.split_whitespace();
            if let (Some("ok"), Some(Ok(token))) = (words.next(), words.next().map(str::parse)) {
                self.answered = token;
            }
        }
    }

    fn send(&mut self, shared: &Shared) {
        while let (Some(socket), true) = (&mut self.socket, self.sent < self.buffer.len()) {
            match socket.write(&self.buffer[self.sent..]) {
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => return self.lose(shared),
            }
        }
        self.buffer.clear();
        self.sent = 0;
    }

    // Ends the session. From the record on that was cut, all goes first in the next one.
    fn lose(&mut self, shared: &Shared) {
        self.socket = None;
        let whole = self.buffer[..self.sent].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        lock(&shared.table).first.splice(..0, self.buffer.drain(..).skip(whole));
        self.sent = 0;
    }

    // Sends the sync that was asked for last, behind all that the table held then. One at a time: gives the last that
    // was answered.
    pub(crate) fn sync(&mut self, shared: &Shared, asked: u64) -> u64 {
        if self.asked == self.answered && asked > self.asked {
            self.asked = asked;
            self.target = self.rounds + 2; // one may be under way
        }
        let due = self.rounds >= self.target && self.synced != (self.number, self.asked);
        if self.asked > self.answered && self.socket.is_some() && self.buffer.is_empty() && due {
            self.synced = (self.number, self.asked);
            put(&mut self.buffer, format_args!("sync {}\n", self.asked));
            self.send(shared);
        }
        self.answered
    }

    // To be asked after each push, until it is true: all that the table held is sent, or cannot be.
    pub(crate) fn close(&mut self) -> bool {
        if self.closing.is_none() {
            self.closing = Some((Instant::now(), self.rounds + 2)); // one may be under way
            self.try_at = None;
            return false;
        }
        let over = |(start, target): (Instant, u64)| {
            self.socket.is_none() || start.elapsed() > LONGEST_CLOSE || self.buffer.is_empty() && self.rounds >= target
        };
        let closed = self.closing.map_or(false, over);
        if closed {
            *self = Session::default();
        }
        closed
    }

    // Writes what the table holds, until the buffer is full or the round ends.
    fn fill(&mut self, shared: &Shared) {
        let mut table = lock(&shared.table);
        for family in &table.families[self.declared..] {
            self.buffer.extend(family.declaration.as_bytes());
        }
        self.declared = table.families.len();
        self.buffer.append(&mut table.first);
        table.removed = 0;
        let more = shared.dropped.load(Relaxed) - self.reported;
        if more > 0 {
            put(&mut self.buffer, format_args!("c sidemeter_client_dropped_total{{client=\"{}\"}} {}\n", CLIENT, more));
            self.reported += more;
        }
        for (place, series) in table.series.range(self.next..) {
            if self.buffer.len() >= shared.options.max_buffer {
                self.next = *place;
                return;
            }
            self.write(series);
        }
        self.next = 0;
        self.rounds += 1;
    }

    // Writes the record of a series, if it has something to send.
    //   @7 c http_requests_total{code="200",}    once a session, where a handle is free
    //   @7 12
    fn write(&mut self, series: &Arc<Series>) {
        let sent_in = series.session.swap(self.number, Relaxed);
        let operands = match series.take(sent_in != self.number) {
            Some(operands) => operands,
            None => return series.session.store(sent_in, Relaxed),
        };
        if sent_in == 0 && self.bound.len() < HANDLES {
            let handle = self.bound.len();
            series.handle.store(handle, Relaxed);
            self.bound.push(series.clone());
            put(&mut self.buffer, format_args!("@{} {} {}\n", handle, series.family.verb, series.text));
        }
        match series.handle.load(Relaxed) {
            HANDLES => put(&mut self.buffer, format_args!("{} {}{}\n", series.family.verb, series.text, operands)),
            handle => put(&mut self.buffer, format_args!("@{}{}\n", handle, operands)),
        }
    }
}

pub(crate) fn put(buffer: &mut Vec<u8>, text: fmt::Arguments) {
    let _ = buffer.write_fmt(text); // into memory: never fails
}
