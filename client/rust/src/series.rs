//! Families, series and their events: all that stands in the hot path.

use crate::definition::escaped;
use crate::session::{put, HANDLES};
use crate::{lock, write, Shared};
use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::*};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

pub(crate) struct FamilyTable {
    pub(crate) shared: Arc<Shared>,
    pub(crate) name: String,
    pub(crate) labels: Vec<String>,
    pub(crate) states: Vec<String>,
    pub(crate) buckets: Box<[f64]>,
    pub(crate) verb: char,
    pub(crate) keeps_own: bool, // a gauge whose value is the session's
    pub(crate) declaration: String,
    pub(crate) table: RwLock<HashMap<Vec<u8>, Arc<Series>>>,
}

/// A metric family with series of the type `S`.
pub struct Family<S>(Arc<FamilyTable>, PhantomData<fn() -> S>);

impl<S> Family<S> {
    pub(crate) fn of(table: Arc<FamilyTable>) -> Self {
        Family(table, PhantomData)
    }
}

impl<S> Clone for Family<S> {
    fn clone(&self) -> Self {
        Family(self.0.clone(), PhantomData)
    }
}

impl<S: From<Arc<Series>>> Family<S> {
    /// The series of these label values; keep it where it is used often. When the values are wrong or there are too
    /// many series, events of it are dropped.
    pub fn with(&self, values: &[&str]) -> S {
        self.0.with(values).into()
    }

    /// Ends the series, here and at the agent. A later event makes it anew.
    pub fn remove(&self, values: &[&str]) {
        let series = self.0.with(values);
        let mut all = lock(&self.0.shared.table);
        let place = series.place;
        if all.series.get(&place).map_or(false, |known| Arc::ptr_eq(known, &series)) {
            all.series.remove(&place);
            series.gone.store(true, Relaxed);
            write(&self.0.table).retain(|_, known| !Arc::ptr_eq(known, &series));
            put(&mut all.first, format_args!("x {}\n", series.text));
            all.removed += 1;
        }
    }
}

impl FamilyTable {
    fn with(self: &Arc<Self>, values: &[&str]) -> Arc<Series> {
        let joined;
        let key = match values {
            [value] => value.as_bytes(),
            _ => {
                joined = values.iter().flat_map(|value| value.bytes().chain([0xff])).collect::<Vec<_>>(); // not in UTF-8
                &joined
            }
        };
        let known = self.table.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        let known = known.filter(|series| series.values.len() == values.len());
        known.unwrap_or_else(|| self.create(key, values))
    }

    fn create(self: &Arc<Self>, key: &[u8], values: &[&str]) -> Arc<Series> {
        let labels = self.labels.iter().zip(values).map(|(label, value)| format!("{}=\"{}\",", label, escaped(value)));
        let text = format!("{}{{{}}}", self.name, labels.collect::<String>());
        let right = values.len() == self.labels.len() && text.len() <= 60_000;
        let right = right && values.iter().all(|value| value.len() <= 2048 && !value.contains('\0'));
        let mut all = lock(&self.shared.table);
        let mut table = write(&self.table);
        if let (Some(known), true) = (table.get(key), right) {
            return known.clone();
        }
        let kept = right && all.series.len() + all.removed < self.shared.options.max_series;
        let series = Arc::new(Series {
            family: self.clone(),
            values: values.iter().map(|value| value.to_string()).collect(),
            text,
            place: all.created,
            gone: AtomicBool::new(!kept),
            session: AtomicU64::new(0),
            handle: AtomicUsize::new(HANDLES),
            whole: AtomicU64::new(0),
            amount: AtomicU64::new(0),
            counts: (0..=self.buckets.len()).map(|_| AtomicU64::new(0)).collect(),
            level: Mutex::default(),
        });
        if kept {
            table.insert(key.into(), series.clone());
            all.created += 1;
            all.series.insert(series.place, series.clone());
        }
        series
    }

    fn drop_event(&self) {
        self.shared.dropped.fetch_add(1, Relaxed);
    }
}

/// What all types have; each uses a part.
#[doc(hidden)]
pub struct Series {
    pub(crate) family: Arc<FamilyTable>,
    values: Vec<String>,
    pub(crate) text: String, // jobs_total{queue="mail",}
    place: u64,
    gone: AtomicBool,               // removed, or never in the table
    pub(crate) session: AtomicU64,  // in which it was sent last; this and the handle belong to the session
    pub(crate) handle: AtomicUsize, // HANDLES: none
    whole: AtomicU64,               // what `inc` has added to a counter
    amount: AtomicU64,              // bits of a f64: what else it goes up by, or a sum
    counts: Box<[AtomicU64]>,       // a bucket each
    level: Mutex<Level>,
}

#[derive(Default)]
struct Level {
    value: f64, // of a gauge, as this process knows it
    added: f64, // to it, and not sent yet
    state: String,
    changed: bool,
    due: bool,    // the value itself is to be sent
    stated: bool, // it was once
}

impl Series {
    #[inline]
    fn event(&self, add: impl FnOnce(&Series)) {
        match self.gone.load(Relaxed) {
            false => add(self),
            true => self.event_of_another(add),
        }
    }

    // The series that has taken the place of this one, if there is one.
    #[cold]
    fn event_of_another(&self, add: impl FnOnce(&Series)) {
        let now = self.family.with(&self.values.iter().map(String::as_str).collect::<Vec<_>>());
        match now.gone.load(Relaxed) {
            false => add(&now),
            true => self.family.drop_event(),
        }
    }

    #[inline]
    fn add(&self, value: f64) {
        let more = |bits| Some((f64::from_bits(bits) + value).to_bits());
        let _ = self.amount.fetch_update(AcqRel, Relaxed, more);
    }

    fn change(&self, change: impl FnOnce(&mut Level)) {
        self.event(|series| {
            let mut level = lock(&series.level);
            change(&mut level);
            level.changed = true;
            level.due |= series.family.keeps_own;
            level.stated |= level.due;
        });
    }

    pub(crate) fn forget(&self) {
        self.take(false);
        *lock(&self.level) = Level::default();
    }

    // Takes what happened since it was last sent, as operands; none when nothing did.
    pub(crate) fn take(&self, anew: bool) -> Option<String> {
        let amount = || f64::from_bits(self.amount.swap(0, AcqRel));
        match self.family.verb {
            'c' => {
                let sum = amount() + self.whole.swap(0, AcqRel) as f64;
                return if sum == 0.0 { None } else { Some(format!(" {:?}", sum)) };
            }
            'm' => {
                let counts: Vec<u64> = self.counts.iter().map(|count| count.swap(0, AcqRel)).collect();
                if counts.iter().all(|count| *count == 0) {
                    return None;
                }
                let counts: String = counts.iter().map(|count| format!(" {}", count)).collect();
                return Some(format!(" {:?}{}", amount(), counts));
            }
            _ => {}
        }
        let mut level = lock(&self.level);
        let again = anew && level.stated;
        if !level.changed && !again {
            return None;
        }
        let operands = match self.family.verb {
            'g' if level.due || again => format!(" {:?}", level.value),
            'g' => format!(" +={:?}", level.added),
            _ => format!(" {}", level.state),
        };
        level.changed = false;
        level.due = false;
        level.added = 0.0;
        Some(operands)
    }
}

macro_rules! types_of_series {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(Arc<Series>);

        impl From<Arc<Series>> for $name {
            fn from(series: Arc<Series>) -> Self {
                $name(series)
            }
        }
    )*};
}

types_of_series! {
    /// Only goes up.
    Counter
    /// Goes up and down.
    Gauge
    /// Of a histogram or a summary.
    Observer
    /// Its labels are its content.
    Info
    /// One of its states is true.
    Stateset
}

impl Counter {
    #[inline]
    pub fn inc(&self) {
        self.0.event(|series| {
            series.whole.fetch_add(1, Relaxed);
        });
    }
    /// A finite amount of at least 0.
    #[inline]
    pub fn inc_by(&self, amount: f64) {
        match amount >= 0.0 && amount.is_finite() {
            true => self.0.event(|series| series.add(amount)),
            false => self.0.family.drop_event(),
        }
    }
}

impl Gauge {
    pub fn set(&self, value: f64) {
        self.0.change(|level| {
            level.value = value;
            level.due = true;
        });
    }
    pub fn inc_by(&self, amount: f64) {
        self.0.change(|level| {
            level.value += amount;
            level.added += amount;
        });
    }
    pub fn dec_by(&self, amount: f64) {
        self.inc_by(-amount);
    }
    pub fn inc(&self) {
        self.inc_by(1.0);
    }
    pub fn dec(&self) {
        self.inc_by(-1.0);
    }
}

impl Observer {
    /// A value, a time in seconds; neither NaN nor -Inf, which would make the sum NaN.
    #[inline]
    pub fn observe(&self, value: f64) {
        if value.is_nan() || value == f64::NEG_INFINITY {
            return self.0.family.drop_event();
        }
        self.0.event(|series| {
            let bounds = &series.family.buckets;
            let bucket = bounds.iter().position(|bound| value <= *bound).unwrap_or(bounds.len());
            series.add(value);
            series.counts[bucket].fetch_add(1, Release); // last, so that no count is sent without its value
        });
    }
    /// Observes the seconds until what it gives is dropped.
    pub fn timer(&self) -> Timer<'_> {
        Timer(self, Instant::now())
    }
}

pub struct Timer<'a>(&'a Observer, Instant);

impl Drop for Timer<'_> {
    fn drop(&mut self) {
        self.0.observe(self.1.elapsed().as_secs_f64());
    }
}

impl Info {
    pub fn set(&self) {
        self.0.change(|level| level.stated = true);
    }
}

impl Stateset {
    /// One of the family's states.
    pub fn set(&self, state: &str) {
        match self.0.family.states.iter().any(|known| known == state) {
            true => self.0.change(|level| {
                level.state = state.into();
                level.stated = true;
            }),
            false => self.0.family.drop_event(),
        }
    }
}
