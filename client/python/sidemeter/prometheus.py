"""prometheus_client's classes, for an application that changes its import and nothing else.

    from sidemeter.prometheus import Counter, Gauge, Histogram, start_http_server

The interface is that of prometheus_client 0.26, errors included. What is counted goes to the agent, which Prometheus scrapes; so
what would answer a scrape in this process has no meaning here, and each such name says so (scraping.py).

Different from the reference:
  * Values add up over all processes, and none can read them: `collect()` and `get_sample_value()` find nothing.
  * `multiprocess_mode=` works without PROMETHEUS_MULTIPROC_DIR. Where it is not given it is `all` if that is set, as the
    reference would show it, and else `last`: one value, without a label `pid`.
  * `inc()` and `dec()` work in the modes `mostrecent` and `livemostrecent`.
  * NaN and infinite increments, NaN observed, and events of series past 10 000 are counted in `sidemeter.client.dropped`.
  * Custom collectors are not asked.
"""

import atexit
import contextlib
import functools
import os
import re
import threading
import time
from bisect import bisect_left

import sidemeter
from sidemeter import INFINITY, flush, want  # noqa: F401
from sidemeter.scraping import (  # noqa: F401
    CONTENT_TYPE_LATEST, CONTENT_TYPE_PLAIN_0_0_4, CONTENT_TYPE_PLAIN_1_0_0, GC_COLLECTOR, GCCollector, PLATFORM_COLLECTOR,
    PlatformCollector, PROCESS_COLLECTOR, ProcessCollector, delete_from_gateway, disable_created_metrics, enable_created_metrics,
    generate_latest, instance_ip_grouping_key, make_asgi_app, make_wsgi_app, multiprocess, start_http_server, start_wsgi_server,
    write_to_textfile)

MAX_EXEMPLAR_CHARACTERS, FUNCTIONS_SECONDS = 128, 0.25


# --- what is sent: the client's series, with names of any text, and exemplars ---

class _Family(sidemeter.Family):
    """Names of any UTF-8 text, as the reference has them; with PROMETHEUS_LEGACY_NAME_VALIDATION the classic ones."""
    if os.environ.get("PROMETHEUS_LEGACY_NAME_VALIDATION", "").lower() not in ("true", "1", "t"):
        metric_name = re.compile(r"(?s).+")
        label_name = re.compile(r"(?s)(?!__).+")

    def text(self, labels):
        """name{a="x"}, or {"my.name",a="x"} where the name is not of the classic characters."""
        words = [_label(name, value) for name, value in labels]
        if sidemeter.Family.metric_name.fullmatch(self.name):
            return self.name + ("{" + ",".join(words) + "}" if words else "")
        return "{" + ",".join([sidemeter.quoted(self.name)] + words) + "}"


def _label(name, value):
    return (name if sidemeter.Family.label_name.fullmatch(name) else sidemeter.quoted(name)) + "=" + sidemeter.quoted(value)


def _exemplar(labels, value):
    """ # {trace_id="abc"} 1 1700000000.0"""
    want(all(map(_Family.label_name.fullmatch, labels)), f"an exemplar's label matches {_Family.label_name.pattern}, got {labels}")
    want(sum(len(name) + len(labels[name]) for name in labels) <= MAX_EXEMPLAR_CHARACTERS,
         f"an exemplar's labels have at most {MAX_EXEMPLAR_CHARACTERS} characters, got {labels}")
    return f" # {{{','.join([_label(name, labels[name]) for name in labels])}}} {float(value)!r} {time.time():.3f}"


class _Counter(sidemeter.Counter):
    """Raises where the reference does, and sends the last exemplar with the amount."""

    def _start_over(self):
        super()._start_over()
        self._last = ""

    def inc(self, amount=1, exemplar=None):
        with self._lock:
            if not 0 <= amount < INFINITY:
                want(not amount < 0, "Counters can only be incremented by non-negative amounts.")
                return self._client._drop()
            self._last = _exemplar(exemplar, amount) if exemplar else self._last
            self._pending = (self._pending or 0.0) + amount
            self._queued or self._queue()

    def _write(self, pending):
        self._client._put(f"{float(pending)!r}{self._last}", self)
        self._last = ""


class _Summary(sidemeter.Summary):
    def begin(self):
        with self._lock:
            self._pending = self._pending or [0.0] + [0] * (len(self._family.bounds) + 1)
            self._queued or self._queue()


class _Histogram(_Summary):
    """Sends the last observation with an exemplar in each bucket by itself, since a merge has no exemplars."""
    type = "histogram"

    def _start_over(self):
        super()._start_over()
        self._last = {}  # {bucket: (value, exemplar)}

    def observe_with(self, value, exemplar):
        value = float(value)
        if value != value:
            return self.observe(value)  # dropped there
        with self._lock:
            bucket = bisect_left(self._family.bounds, value)
            if bucket in self._last:
                self.observe(self._last[bucket][0])
            self._last[bucket] = value, exemplar
            self.begin()

    def _write(self, pending):
        super()._write(pending)
        for value, exemplar in self._last.values():
            self._client._put(f"h {self._text} {value!r}{exemplar}")
        self._last = {}


def _define(kind, name, documentation, labelnames=(), unit="", reserved=(), **details):
    help_text = documentation.encode("utf-8", "replace")[:sidemeter.MAX_HELP_BYTES].decode("utf-8", "ignore")
    return sidemeter.client._define(kind, name, help_text, labelnames, unit, reserved, _Family, **details)


# --- registries ---

class DuplicateTimeseries(ValueError):
    """A name that is registered already."""


class CollectorRegistry:
    """Keeps a name from being used twice. All registries of a process send to one agent, and nothing is read from them: `collect()`
    is empty, `get_sample_value()` is None, and custom collectors are not asked. `target_info` becomes the info metric `target`.
    """

    def __init__(self, auto_describe=False, target_info=None, support_collectors_without_names=False):
        self._names, self._lock = {}, threading.Lock()  # of each collector
        self.set_target_info(target_info)

    def register(self, collector):
        with self._lock:
            names = getattr(collector, "_sample_names", set())
            duplicates = names & set().union(*self._names.values())
            if duplicates:
                raise DuplicateTimeseries(f"Duplicated timeseries in CollectorRegistry: {duplicates}")
            self._names[collector] = names

    def unregister(self, collector):
        """Its name may be defined anew. What it has counted stays at the agent."""
        with self._lock:
            del self._names[collector]
        sidemeter.client._families.pop(getattr(collector, "_name", None), None)

    def collect(self):
        return iter(())

    def restricted_registry(self, names):
        return self

    def set_target_info(self, labels):
        if labels:
            _define(sidemeter.Info, "target", "Target metadata").info(labels)

    def get_sample_value(self, name, labels=None):
        return None


REGISTRY = CollectorRegistry(auto_describe=True)


# --- metrics ---

class _MissingLabels:
    """Stands for the series of a metric that still wants labels."""

    def __init__(self, kind):
        self._kind = kind

    def __getattr__(self, name):
        raise ValueError(f"{self._kind} metric is missing label values")


class _NoEvents:
    """Stands for the series of a gauge that has a function."""

    def set(self, value):
        pass

    inc = dec = set


class _Metric:
    """What all metrics have: a name, labels, children. A metric without labels begins at 0, and so does each child.

    `labelnames`: the labels' names. `namespace`, `subsystem` and `unit` become parts of the name. `registry`: where the name must
    be new, or None.
    """
    _suffixes, _reserved = (), ()

    def __init__(self, name, documentation, labelnames=(), namespace="", subsystem="", unit="", registry=REGISTRY, **details):
        self._name = self._full_name(name, namespace, subsystem, unit)
        self._documentation, self._unit = documentation, unit
        self._labelnames, self._labelvalues = tuple(labelnames), ()
        self._sample_names = {self._name + suffix for suffix in ("",) + self._suffixes}
        self._children, self._lock = {}, threading.Lock()
        if registry:
            registry.register(self)
        try:
            self._series = _define(self._kind, self._name, documentation, self._labelnames, unit, self._reserved, **details)
        except ValueError:
            registry and registry._names.pop(self)
            raise
        self._family = self._series._family
        if self._labelnames:
            self._series = _MissingLabels(self._type)
        else:
            self._begin()

    def _full_name(self, name, namespace, subsystem, unit):
        want(name, "Metric name should not be empty")
        full = "_".join([part for part in (namespace, subsystem) if part] + [name])
        if self._type == "counter" and full.endswith("_total"):
            full = full[:-len("_total")]
        if unit and not full.endswith("_" + unit):
            full += "_" + unit
        want(not unit or self._type not in ("info", "stateset"), f"Metric name is of a type that cannot have a unit: {full}")
        return full

    def labels(self, *labelvalues, **labelkwargs):
        """The child of these label values, by position or by name, as texts."""
        if not labelkwargs:
            child = self._children.get(tuple(map(str, labelvalues)))
            if child is not None:
                return child
        names = self._labelnames
        if not names or self._labelvalues:
            raise ValueError(f"{self} has no label names, or its labels are set already")
        if labelkwargs:
            if labelvalues or len(labelkwargs) != len(names) or any(name not in labelkwargs for name in names):
                raise ValueError(f"Incorrect label names, wanted {names}")
            labelvalues = [labelkwargs[name] for name in names]
        elif len(labelvalues) != len(names):
            raise ValueError(f"Incorrect label count, wanted {names}")
        values = tuple(map(str, labelvalues))
        with self._lock:
            if values not in self._children:
                child = object.__new__(type(self))
                child.__dict__.update(self.__dict__, _labelvalues=values, _series=self._family.find(values), _children={})
                child._begin()
                self._children[values] = child
            return self._children[values]

    def _begin(self):
        self.inc = self._series.inc  # which saves a call
        self.inc(0)

    def remove(self, *labelvalues):
        """Removes the child of these values: at the agent too, with what all processes gave it."""
        want(self._labelnames, f"No label names were set when constructing {self}")
        want(len(labelvalues) == len(self._labelnames), f"Incorrect label count, wanted {self._labelnames}")
        with self._lock:
            child = self._children.pop(tuple(map(str, labelvalues)), None)
        if child:
            self._family.find(child._labelvalues).remove()

    def remove_by_labels(self, labels):
        """Removes all children that have these labels among theirs: a dict."""
        if not isinstance(labels, dict):
            raise TypeError("labels must be a dict of {label_name: label_value}")
        want(set(labels) <= set(self._labelnames), f"Unknown label names in {labels}; expected {self._labelnames}")
        wanted = {(name, str(value)) for name, value in labels.items()}
        for values in list(self._children) if labels else ():
            if wanted <= set(zip(self._labelnames, values)):
                self.remove(*values)

    def clear(self):
        """Removes all children that this process has."""
        for values in list(self._children):
            self.remove(*values)

    def collect(self):
        """Nothing: the values are the agent's."""
        return []

    def __str__(self):
        return f"{self._type}:{self._name}"

    def __repr__(self):
        return f"{type(self).__module__}.{type(self).__name__}({self._name})"


class Counter(_Metric):
    """What only rises."""
    _type, _kind, _suffixes = "counter", _Counter, ("_total", "_created")

    def inc(self, amount=1, exemplar=None):
        """Adds `amount`, not below 0. `exemplar`: labels, such as {"trace_id": "abc"}."""
        self._series.inc(amount, exemplar)

    def reset(self):
        """Removes the series and begins it at 0: with what all processes have counted, since it is theirs too."""
        self._series.remove()
        self._series = self._family.find(self._labelvalues)
        self._begin()

    def count_exceptions(self, exception=Exception):
        """Counts the exceptions of this type (or tuple of types) that leave a block or a function. They go on."""
        self._series.inc  # raises where labels are missing
        return _Around(int, lambda value: self.inc() if isinstance(value, exception) else None)


class Gauge(_Metric):
    """What rises and falls. `multiprocess_mode`: what the values of many processes make together."""
    _type, _kind = "gauge", sidemeter.Gauge

    def __init__(self, *arguments, multiprocess_mode=None, **keywords):
        mode = multiprocess_mode or ("all" if "PROMETHEUS_MULTIPROC_DIR" in os.environ else "last")
        want(mode in sidemeter.MODES, f"Invalid multiprocess mode: {mode}")
        self._multiprocess_mode = mode
        self._reserved = ("pid",) if mode.endswith("all") else ()
        super().__init__(*arguments, mode=mode, **keywords)

    def inc(self, amount=1):
        self._series.inc(amount)

    def dec(self, amount=1):
        self._series.dec(amount)

    def set(self, value):
        self._series.set(float(value))

    def set_to_current_time(self):
        """In seconds since 1970."""
        self.set(time.time())

    def track_inprogress(self):
        """Adds 1 where a block or a function is entered, and takes it away where it is left."""
        self._series.inc
        return _Around(self.inc, lambda value: self.dec())

    def time(self):
        """Sets the seconds that a block, or the last call of a function, took."""
        return _Timer(self, "set")

    def set_function(self, f):
        """Sets what `f()` gives, every 250 ms (and not at a scrape) and at exit, from a thread. All else does nothing then."""
        self._series.set
        _functions.append((self._family.find(self._labelvalues), f))
        self._series = _NoEvents()
        self.inc = self._series.inc
        _start_functions()


class Summary(_Metric):
    """Observations, counted and added up."""
    _type, _kind, _suffixes, _reserved = "summary", _Summary, ("_sum", "_count", "_created"), ("quantile",)

    def observe(self, amount):
        self._series.observe(amount)

    def time(self):
        """Observes the seconds that a block takes, or each call of a function."""
        return _Timer(self, "observe")

    def _begin(self):
        self._series.begin()


class Histogram(Summary):
    """Observations, counted by bucket and added up. `buckets`: upper bounds that rise."""
    _type, _kind, _suffixes, _reserved = "histogram", _Histogram, ("_bucket", "_sum", "_count", "_created"), ("le",)
    DEFAULT_BUCKETS = sidemeter.DEFAULT_BUCKETS + (INFINITY,)

    def __init__(self, *arguments, buckets=DEFAULT_BUCKETS, **keywords):
        self._upper_bounds = sorted({float(bound) for bound in buckets} | {INFINITY})
        want([float(bound) for bound in buckets] in (self._upper_bounds, self._upper_bounds[:-1]), "Buckets not in sorted order")
        want(2 <= len(self._upper_bounds) <= 1 + sidemeter.MAX_BUCKETS, "Must have at least two buckets")
        super().__init__(*arguments, buckets=self._upper_bounds[:-1], **keywords)

    def observe(self, amount, exemplar=None):
        """`exemplar`: labels, such as {"trace_id": "abc"}."""
        if exemplar:
            self._series.observe_with(amount, _exemplar(exemplar, amount))
        else:
            self._series.observe(amount)


class Info(_Metric):
    """Labels as content."""
    _type, _kind, _suffixes = "info", sidemeter.Info, ("_info",)

    def info(self, val):
        """Shows the labels of `val`, a dict of texts, in the place of what this process showed before."""
        want(not set(self._labelnames) & set(val), f"Overlapping labels for Info metric, metric: {self._labelnames}")
        want(None not in val.values(), "Label value cannot be None")
        self._series.info(val)

    def _begin(self):
        self._series.info({})


class Enum(_Metric):
    """Which one of its states is so: the first one at once, in each process that defines it."""
    _type, _kind = "stateset", sidemeter.Stateset

    def __init__(self, name, documentation, labelnames=(), *arguments, states=None, **keywords):
        want(states, f"No states provided for Enum metric: {name}")
        want(name not in labelnames, f"Overlapping labels for Enum metric: {name}")
        self._states = list(states)
        super().__init__(name, documentation, labelnames, *arguments, states=self._states, **keywords)

    def state(self, state):
        self._series.state
        want(state in self._states, f"{state!r} is not in {self._states}")
        self._series.state(state)

    def _begin(self):
        self._series.state(self._states[0])


class _Timer:
    """Gives the seconds between enter and exit to the metric: a context manager, and a decorator."""

    def __init__(self, metric, method):
        self._metric, self._method, self.duration = metric, method, None

    def __enter__(self):
        self._start = time.perf_counter()
        return self

    def __exit__(self, *_):
        self.duration = max(time.perf_counter() - self._start, 0)
        getattr(self._metric, self._method)(self.duration)

    def labels(self, *labelvalues, **labelkwargs):
        """Chooses the child while the time runs."""
        self._metric = self._metric.labels(*labelvalues, **labelkwargs)

    def __call__(self, function):
        @functools.wraps(function)
        def timed(*arguments, **keywords):
            with _Timer(self._metric, self._method):  # one for each call: they may overlap
                return function(*arguments, **keywords)
        return timed


class _Around(contextlib.ContextDecorator):
    """Calls `enter()` before a block or a function, and `leave(exception or None)` after it."""

    def __init__(self, enter, leave):
        self._enter, self._leave = enter, leave

    def __enter__(self):
        self._enter()

    def __exit__(self, kind, value, traceback):
        self._leave(value)


_functions = []  # of gauges: (series, function)
_function_thread = None


def _run_functions():
    for series, function in list(_functions):
        try:
            series.set(float(function()))
        except Exception:
            sidemeter.client._drop()


def _run_functions_forever():
    while not time.sleep(FUNCTIONS_SECONDS):
        _run_functions()


def _start_functions():
    global _function_thread
    if _functions and not (_function_thread and _function_thread.is_alive()):
        _function_thread = threading.Thread(target=_run_functions_forever, name="sidemeter functions", daemon=True)
        _function_thread.start()


os.register_at_fork(after_in_child=_start_functions)
atexit.register(_run_functions)  # later than the client's own, and so called before it


def flush_and_wait(timeout=1.0):
    """True when the agent shows all that has happened, within `timeout` seconds: what a test wants."""
    _run_functions()
    return sidemeter.flush_and_wait(timeout)


def push_to_gateway(gateway, job, registry=REGISTRY, grouping_key=None, timeout=30, handler=None, compression=None):
    """Waits at most `timeout` seconds until the agent has everything: it takes the gateway's place. All else is not used."""
    flush_and_wait(timeout)


pushadd_to_gateway = push_to_gateway
for _collector in (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR):  # so that they can be unregistered
    REGISTRY.register(_collector)
