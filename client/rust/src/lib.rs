//! Pushes metrics to a Sidemeter agent on the same host.
//!
//! ```no_run
//! use sidemeter::{Client, Definition, Options};
//! let client = Client::new(Options::default()); // sends the rest when it is dropped: keep it in main
//! let requests = client.counter(Definition {
//!     name: "http_requests_total", help: "Requests answered.", labels: &["code"], ..Definition::default()
//! })?;
//! requests.with(&["200"]).inc();
//! # Ok::<(), sidemeter::DefinitionError>(())
//! ```
//!
//! An event is an addition in memory; a thread sends what has added up. No call but `flush_and_wait` and `shutdown`
//! waits for the agent. What is wrong in a definition is an error there; what is wrong in an event is counted by
//! `dropped` and changes nothing. Families and series are cheap to clone, and any thread may use them.

mod definition;
mod series;
mod session;

use definition::{declaration, fault};
pub use definition::{Definition, DefinitionError, DEFAULT_BUCKETS};
pub use series::{Counter, Family, Gauge, Info, Observer, Stateset, Timer};
use series::{FamilyTable, Series};
use session::Session;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::*};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockWriteGuard};
use std::time::Duration;
use std::{env, process, thread};

const POLL: Duration = Duration::from_millis(1); // while somebody waits
const LONGEST_CLOSE: Duration = Duration::from_millis(100);

pub struct Options {
    /// `$SIDEMETER_SOCKET`, else `/run/sidemeter/sidemeter.sock`.
    pub socket: PathBuf,
    /// Between two flushes: 250 ms.
    pub interval: Duration,
    /// Past it, events of new series are dropped: 10 000.
    pub max_series: usize,
    /// Bytes written for the socket at a time: 64 KiB.
    pub max_buffer: usize,
}

impl Default for Options {
    fn default() -> Options {
        let given = env::var_os("SIDEMETER_SOCKET").filter(|path| !path.is_empty());
        let socket = given.unwrap_or_else(|| "/run/sidemeter/sidemeter.sock".into()).into();
        Options { socket, interval: Duration::from_millis(250), max_series: 10_000, max_buffer: 64 << 10 }
    }
}

/// A table of series, and the thread that sends it. Drop is `shutdown`. Rust runs nothing when a process ends by
/// `std::process::exit` or a signal: then the events since the last flush are lost.
pub struct Client(Arc<Shared>);

struct Shared {
    options: Options,
    dropped: AtomicU64,
    table: Mutex<Table>,
    wishes: Mutex<Wishes>,
    wished: Condvar,
    fulfilled: Condvar,
    session: Mutex<Session>, // held while it is sent; taken before `table`
}

#[derive(Default)]
struct Table {
    families: Vec<Arc<FamilyTable>>,
    series: BTreeMap<u64, Arc<Series>>, // in the order of creation
    created: u64,
    removed: usize, // series of which `first` tells the agent
    first: Vec<u8>, // records that go before those of the table
}

// What the thread is to do.
#[derive(Default)]
struct Wishes {
    pid: u32, // of the process that has the thread
    flush: bool,
    syncs: u64,    // so many were asked for
    answered: u64, // the last of them
    closing: bool,
    closed: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

impl Client {
    /// Begins to flush. Does not wait for the agent and cannot fail.
    pub fn new(options: Options) -> Client {
        let client = Client(Arc::new(Shared {
            options,
            dropped: AtomicU64::new(0),
            table: Mutex::default(),
            wishes: Mutex::default(),
            wished: Condvar::new(),
            fulfilled: Condvar::new(),
            session: Mutex::default(),
        }));
        drop(client.wish(|_| ()));
        client
    }

    // Also starts the thread, which a child of `fork` does not have.
    fn wish(&self, change: impl FnOnce(&mut Wishes)) -> MutexGuard<'_, Wishes> {
        let mut wishes = lock(&self.0.wishes);
        if wishes.pid != process::id() && !wishes.closed {
            if wishes.pid != 0 {
                self.0.forget();
            }
            wishes.pid = process::id();
            let shared = self.0.clone();
            wishes.closed = thread::Builder::new().name("sidemeter".into()).spawn(move || shared.run()).is_err();
        }
        change(&mut wishes);
        self.0.wished.notify_one();
        wishes
    }

    /// How many events were not kept: with wrong values or labels, or of series past `max_series`.
    pub fn dropped(&self) -> u64 {
        self.0.dropped.load(Relaxed)
    }

    /// Has what has added up sent now, and does not wait for it.
    pub fn flush(&self) {
        drop(self.wish(|wishes| wishes.flush = true));
    }

    /// Sends what has added up and waits until the next scrape shows it. False when the time is over.
    pub fn flush_and_wait(&self, timeout: Duration) -> bool {
        let wishes = self.wish(|wishes| wishes.syncs += 1);
        let mine = wishes.syncs;
        let waiting = |wishes: &mut Wishes| wishes.answered < mine && !wishes.closed;
        let result = self.0.fulfilled.wait_timeout_while(wishes, timeout, waiting);
        result.unwrap_or_else(PoisonError::into_inner).0.answered >= mine
    }

    /// Sends what has added up, waiting for the agent no longer than 100 ms, and ends the session. Later events go
    /// nowhere.
    pub fn shutdown(&self) {
        let wishes = self.wish(|wishes| wishes.closing = true);
        drop(self.0.fulfilled.wait_timeout_while(wishes, LONGEST_CLOSE, |wishes| !wishes.closed));
    }

    pub fn counter(&self, definition: Definition) -> Result<Family<Counter>, DefinitionError> {
        self.0.define("counter", definition)
    }
    pub fn gauge(&self, definition: Definition) -> Result<Family<Gauge>, DefinitionError> {
        self.0.define("gauge", definition)
    }
    pub fn histogram(&self, mut definition: Definition) -> Result<Family<Observer>, DefinitionError> {
        if definition.buckets.is_empty() {
            definition.buckets = DEFAULT_BUCKETS;
        }
        self.0.define("histogram", definition)
    }
    /// A count and a sum.
    pub fn summary(&self, definition: Definition) -> Result<Family<Observer>, DefinitionError> {
        self.0.define("summary", definition)
    }
    /// Its labels are its content.
    pub fn info(&self, definition: Definition) -> Result<Family<Info>, DefinitionError> {
        self.0.define("info", definition)
    }
    pub fn stateset(&self, definition: Definition) -> Result<Family<Stateset>, DefinitionError> {
        self.0.define("stateset", definition)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.shutdown();
    }
}

impl Shared {
    fn run(&self) {
        let mut wishes = lock(&self.wishes);
        while !wishes.closed {
            let hurry = wishes.answered < wishes.syncs || wishes.closing;
            if !wishes.flush {
                let pause = if hurry { POLL } else { self.options.interval };
                wishes = self.wished.wait_timeout(wishes, pause).unwrap_or_else(PoisonError::into_inner).0;
            }
            wishes.flush = false;
            let (syncs, closing) = (wishes.syncs, wishes.closing);
            drop(wishes);
            let mut session = lock(&self.session);
            session.push(self);
            let answered = session.sync(self, syncs);
            let closed = closing && session.close();
            drop(session);
            wishes = lock(&self.wishes);
            wishes.answered = answered;
            wishes.closed = closed;
            self.fulfilled.notify_all();
        }
        let mut table = lock(&self.table);
        table.series.clear(); // else each would own itself by its family
        table.families.drain(..).for_each(|family| write(&family.table).clear());
    }

    // In a child of `fork`: what has added up is the parent's to send, and so is the connection.
    fn forget(&self) {
        if let Ok(mut session) = self.session.try_lock() {
            *session = Session::new(self.dropped.load(Relaxed));
        }
        let mut table = lock(&self.table);
        table.first.clear();
        table.removed = 0;
        for series in table.series.values() {
            series.forget();
        }
    }

    fn define<S>(self: &Arc<Shared>, kind: &'static str, d: Definition) -> Result<Family<S>, DefinitionError> {
        let error = |words: &str| Err(DefinitionError(format!("{}, got the {} {:?}", words, kind, d)));
        if let Some(words) = fault(kind, &d) {
            return error(&words);
        }
        let mut table = lock(&self.table);
        let declaration = declaration(kind, &d);
        if let Some(known) = table.families.iter().find(|family| family.name == d.name) {
            if known.declaration != declaration || known.labels != d.labels {
                return error(&format!("{} is defined already, as {:?}", d.name, known.declaration));
            }
            return Ok(Family::of(known.clone()));
        }
        let family = Arc::new(FamilyTable {
            shared: self.clone(),
            name: d.name.into(),
            labels: d.labels.iter().map(|label| label.to_string()).collect(),
            states: d.states.iter().map(|state| state.to_string()).collect(),
            buckets: d.buckets.into(),
            verb: match kind {
                "histogram" | "summary" => 'm',
                "stateset" => 'e',
                _ => kind.as_bytes()[0] as char, // c, g, i
            },
            keeps_own: !matches!(d.mode, "" | "last"),
            declaration,
            table: RwLock::default(),
        });
        table.families.push(family.clone());
        Ok(Family::of(family))
    }
}
