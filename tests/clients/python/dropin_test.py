"""The drop-in beside the reference: the same calls to both; then the agent shows what the reference would."""

import importlib.util
import inspect
import itertools
import os
import random
import re
import threading
import time
import unittest

import samples
from agent_process import AgentCase, until

import sidemeter
import sidemeter.prometheus as ours

missing = None if importlib.util.find_spec("prometheus_client") else "prometheus_client 0.26.0 is not installed, and PyPI not reached"
if not missing:
    import prometheus_client as theirs
    theirs.disable_created_metrics()

numbers = itertools.count()


@unittest.skipIf(missing, missing)
class BothCase(AgentCase):
    """`self.both(do)` calls `do(library, registry)` with each library; metrics are named by `self.name`, one for each test."""

    def setUp(self):
        self.name = f"t{next(numbers)}"
        self.agent = self.start("--no-self-metrics")
        os.environ["SIDEMETER_SOCKET"] = self.agent.socket_path

    def tearDown(self):
        sidemeter.close()

    def both(self, do):
        registry = theirs.CollectorRegistry()
        answers = do(theirs, registry), do(ours, ours.CollectorRegistry())
        self.assertEqual(*answers)
        self.registry = registry
        self.compare()

    def lines(self, text):
        """Of this test's families; without the time of exemplars."""
        lines = [re.sub(r" [0-9.e+]+$", "", line) if " # {" in line else line for line in text.splitlines()]
        return sorted(line for line in lines if self.name in line)

    def compare(self, accept="text/plain;version=1.0.0;escaping=allow-utf-8"):
        self.assertTrue(ours.flush_and_wait(10))
        encoder, _ = theirs.exposition.choose_encoder(accept)
        self.assertEqual(self.lines(encoder(self.registry).decode()), self.lines(self.agent.text(accept)))

    def raises(self, *wrongs):
        """Each of `wrong(library)` raises what it raises in the reference."""
        for wrong in wrongs:
            with self.assertRaises(Exception) as fault:
                wrong(theirs)
            with self.assertRaises(type(fault.exception), msg=inspect.getsource(wrong)):
                wrong(ours)


class Metrics(BothCase):
    def test_a_counter_begins_at_0_and_rises(self):
        def do(library, registry):
            counter = library.Counter(self.name + "_total", "Help.", registry=registry)
            self.counter[library] = counter
        self.counter = {}
        self.both(do)
        for library in (theirs, ours):
            self.counter[library].inc()
            self.counter[library].inc(7.5)
            self.assertRaises(ValueError, self.counter[library].inc, -1)
        self.compare()

    def test_labels_by_position_and_by_name_are_texts(self):
        def do(library, registry):
            counter = library.Counter(self.name, "Help.", ["method", "code"], registry=registry)
            counter.labels("get", 200).inc()
            counter.labels(code="200", method="get").inc(2)
            counter.labels(None, True)
            self.assertIs(counter.labels("get", "200"), counter.labels("get", 200))
        self.both(do)

    def test_wrong_labels_raise(self):
        def make(library):
            return library.Counter(self.name, "Help.", ["a", "b"], registry=None)
        self.raises(
            lambda l: make(l).labels(), lambda l: make(l).labels("x"), lambda l: make(l).labels("x", "y", "z"),
            lambda l: make(l).labels(a="x"), lambda l: make(l).labels(a="x", c="y"), lambda l: make(l).labels("x", b="y"),
            lambda l: make(l).labels("x", "y").labels("x", "y"), lambda l: make(l).remove("x"),
            lambda l: l.Counter(self.name + "n", "Help.", registry=None).labels("x"),
            lambda l: l.Counter(self.name + "n", "Help.", registry=None).remove("x"))

    def test_a_metric_without_its_labels_raises_at_once(self):
        def make(library, kind, **more):
            return getattr(library, kind)(f"{self.name}_{kind}", "Help.", ["l"], registry=None, **more)
        self.raises(
            lambda l: make(l, "Counter").inc(), lambda l: make(l, "Counter").count_exceptions(), lambda l: make(l, "Gauge").inc(),
            lambda l: make(l, "Gauge").dec(), lambda l: make(l, "Gauge").set(1), lambda l: make(l, "Gauge").set_to_current_time(),
            lambda l: make(l, "Gauge").track_inprogress(), lambda l: make(l, "Gauge").set_function(int),
            lambda l: make(l, "Summary").observe(1), lambda l: make(l, "Histogram").observe(1),
            lambda l: make(l, "Enum", states=["a"]).state("a"), lambda l: make(l, "Gauge").time().__enter__().__exit__(None, None, None))

    def test_definitions_that_are_wrong_raise(self):
        def make(kind, name="_", labelnames=(), **more):
            return lambda l: getattr(l, kind)(self.name + name if name else "", "Help.", labelnames, registry=None, **more)
        self.raises(
            make("Counter", ""), make("Counter", labelnames=["__x"]), make("Histogram", labelnames=["le"]),
            make("Summary", labelnames=["quantile"]), make("Histogram", buckets=[]), make("Histogram", buckets=[3, 1]),
            make("Histogram", buckets=[float("inf")]), make("Gauge", multiprocess_mode="often"), make("Enum"),
            make("Enum", states=[]), make("Enum", labelnames=[self.name + "_"], states=["a"]), make("Info", unit="seconds"),
            make("Enum", unit="seconds", states=["a"]))

    def test_a_failed_definition_leaves_its_name_free(self):
        def do(library, registry):
            self.assertRaises(ValueError, library.Enum, self.name, "Help.", states=None, registry=registry)
            library.Enum(self.name, "Help.", states=["a", "b"], registry=registry)
        self.both(do)

    def test_a_gauge_rises_falls_and_is_set(self):
        def do(library, registry):
            gauge = library.Gauge(self.name, "Help.", registry=registry)
            gauge.inc()
            gauge.dec(3)
            other = library.Gauge(self.name + "_other", "Help.", ["l"], registry=registry)
            other.labels("set").set(9)
            other.labels("set").inc(0.5)
            other.labels("nan").set(float("nan"))
            other.labels("inf").set("-inf")
        self.both(do)

    def test_a_summary(self):
        def do(library, registry):
            summary = library.Summary(self.name, "Help.", registry=registry)
            summary.observe(10)
            summary.observe(-2.5)
            library.Summary(self.name + "_l", "Help.", ["l"], registry=registry).labels("x")
        self.both(do)

    def test_a_histogram_has_the_references_buckets(self):
        def do(library, registry):
            histogram = library.Histogram(self.name, "Help.", registry=registry)
            for bound in histogram.DEFAULT_BUCKETS:
                histogram.observe(bound)
            histogram.observe(0.3)
            chosen = library.Histogram(self.name + "_c", "Help.", ["l"], buckets=(1, 2.5, float("inf")), registry=registry)
            chosen.labels("x").observe(2.5)
            chosen.labels("y")
            return list(histogram.DEFAULT_BUCKETS), chosen._upper_bounds
        self.both(do)

    def test_an_info_shows_its_last_content(self):
        def do(library, registry):
            info = library.Info(self.name, "Help.", registry=registry)
            info.info({"version": "1", "host": "a"})
            info.info({"version": "2"})
            labelled = library.Info(self.name + "_l", "Help.", ["l"], registry=registry)
            labelled.labels("x").info({"foo": "bar"})
            self.assertRaises(ValueError, labelled.labels("x").info, {"l": "y"})
            self.assertRaises(ValueError, labelled.labels("x").info, {"foo": None})
        self.both(do)

    def test_an_info_without_content(self):
        self.both(lambda library, registry: library.Info(self.name, "Help.", registry=registry) and None)

    def test_an_enum_begins_in_its_first_state(self):
        def do(library, registry):
            library.Enum(self.name + "_new", "Help.", states=["a", "b c"], registry=registry)
            enum = library.Enum(self.name, "Help.", ["l"], states=["a", "b", "in the middle"], registry=registry)
            enum.labels("x").state("in the middle")
            enum.labels("y").state("b")
            self.assertRaises(ValueError, enum.labels("y").state, "d")
        self.both(do)

    def test_exemplars(self):
        def do(library, registry):
            counter = library.Counter(self.name, "Help.", registry=registry)
            counter.inc(2, {"trace_id": "first"})
            counter.inc(3, {"trace_id": "last", "span": "ß\"\n"})
            counter.inc()
            histogram = library.Histogram(self.name + "_h", "Help.", buckets=[1, 2], registry=registry)
            histogram.observe(0.5, {"trace_id": "a"})
            histogram.observe(0.75, {"trace_id": "b"})
            histogram.observe(0.25)
            histogram.observe(1.5, exemplar={"smile": ":o)"})
            histogram.observe(7)
        self.both(do)
        self.compare("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8")
        exemplars = [line for line in self.agent.text("application/openmetrics-text;version=1.0.0").splitlines() if " # {" in line]
        self.assertEqual(3, len(exemplars), exemplars)

    def test_an_exemplars_label_may_have_any_name(self):  # which the reference does not quote in the exposition
        counter = ours.Counter(self.name, "Help.", registry=None)
        counter.inc(exemplar={":o)": "smile"})
        self.assertTrue(ours.flush_and_wait(10))
        self.assertIn(self.name + '_total 1.0 # {":o)"="smile"} 1.0', self.agent.text("application/openmetrics-text;version=1.0.0"))

    def test_an_exemplar_has_128_characters(self):
        whole = {"abcdefghijklmnopqrstuvwxyz": "26+16 characters", "x123456": "7+15 characters",
                 "zyxwvutsrqponmlkjihgfedcba": "26+16 characters", "unicode": "7+15 chars    平"}
        long = {**whole, "unicode": "7+16 characters平"}
        def do(library, registry):
            library.Counter(self.name, "Help.", registry=registry).inc(exemplar=whole)
            histogram = library.Histogram(self.name + "_h", "Help.", registry=registry)
            histogram.observe(1, exemplar=whole)
        self.both(do)
        self.raises(lambda l: l.Counter(self.name + "_l", "Help.", registry=None).inc(exemplar=long),
                    lambda l: l.Histogram(self.name + "_l", "Help.", registry=None).observe(1, exemplar=long))
        self.assertEqual(0, sum(self.agent.rejected().values()))

    def test_a_child_sends_no_exemplars_observation_of_its_parent(self):
        registry = ours.CollectorRegistry()
        histogram = ours.Histogram(self.name, "Help.", buckets=[1], registry=registry)
        counter = ours.Counter(self.name + "_c", "Help.", registry=registry)
        self.assertTrue(ours.flush_and_wait(10))
        with sidemeter.client._lock:  # so that the thread sends nothing before the fork
            histogram.observe(0.5, {"trace_id": "a"})
            counter.inc(2, {"trace_id": "a"})
            child = os.fork()
            if child == 0:
                sidemeter.client._lock.release()
                histogram.observe(0.5)
                counter.inc(3)
                os._exit(0 if ours.flush_and_wait(10) else 1)
        self.assertEqual(0, os.waitpid(child, 0)[1])
        found = self.agent.scrape()
        self.assertTrue(ours.flush_and_wait(10))
        later = self.agent.scrape()
        series = self.name + "_count", self.name + "_c_total"
        self.assertLessEqual(float(found[series[0]]), 2)
        self.assertEqual(["2.0", "5.0"], [later[name] for name in series])

    def test_names_are_put_together(self):
        def do(library, registry):
            for kind in ("Counter", "Gauge", "Summary", "Histogram"):
                library.Counter(f"{self.name}_{kind}_a_total", "Help.", namespace="n", subsystem="s", registry=registry).inc()
                getattr(library, kind)(f"{self.name}_{kind}_b", "Help.", unit="seconds", registry=registry)
                getattr(library, kind)(f"{self.name}_{kind}_c_seconds", "Help.", unit="seconds", registry=registry)
        self.both(do)
        self.compare("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8")

    def test_names_and_texts_of_any_characters(self):
        def do(library, registry):
            counter = library.Counter(self.name + ".größe", "Help \\ of\ntwo \"lines\".", ["l.x", "b"], registry=registry)
            counter.labels("say \"hi\"", "a\\b\nc").inc()
            counter.labels("{a=\"b\"}, # x", "").inc()
            library.Gauge(self.name + " a b", "", registry=registry).set(3)
            library.Histogram(self.name + "-h", "Help.", registry=registry).observe(1)
        self.both(do)

    def test_a_name_is_registered_once(self):
        def do(library, registry):
            counter = library.Counter(self.name, "Help.", registry=registry)
            self.assertRaises(ValueError, library.Counter, self.name, "Help.", registry=registry)
            self.assertRaises(ValueError, library.Gauge, self.name + "_total", "Help.", registry=registry)
            registry.unregister(counter)
            library.Counter(self.name, "Help.", registry=registry).inc()
            return str(counter), repr(counter).rsplit(".", 1)[1]
        self.both(do)

    def test_series_are_removed(self):
        def do(library, registry):
            counter = library.Counter(self.name, "Help.", ["tenant", "path"], registry=registry)
            for tenant, path in itertools.product("abc", "xy"):
                counter.labels(tenant, path).inc()
            counter.remove("a", "x")
            counter.remove("a", "nothing")
            counter.remove_by_labels({"tenant": "b"})
            counter.remove_by_labels({})
            self.assertRaises(ValueError, counter.remove_by_labels, {"t": "b"})
            self.assertRaises(TypeError, counter.remove_by_labels, "b")
            counter.labels("b", "x").inc(5)
            gauge = library.Gauge(self.name + "_g", "Help.", ["l"], registry=registry)
            gauge.labels("x").set(1)
            gauge.clear()
            gauge.labels("y").set(2)
            alone = library.Gauge(self.name + "_alone", "Help.", registry=registry)
            alone.set(3)
            alone.clear()
        self.both(do)

    def test_a_child_that_was_removed_counts_nowhere(self):
        def do(library, registry):
            counter = library.Counter(self.name, "Help.", ["l"], registry=registry)
            child = counter.labels("x")
            counter.remove("x")
            child.inc()
            counter.labels("y").inc()
        self.both(do)

    def test_a_counter_is_reset(self):
        def do(library, registry):
            counter = library.Counter(self.name, "Help.", registry=registry)
            counter.inc(4)
            counter.reset()
            counter.inc()
        self.both(do)

    def test_many_random_calls(self):
        for seed in range(6):
            self.name = f"t{next(numbers)}"
            self.both(lambda library, registry: self.random_calls(library, registry, random.Random(seed)))

    def random_calls(self, library, registry, chance):
        names = ["l"] if chance.random() < 0.7 else []
        metrics = [getattr(library, kind)(f"{self.name}_{kind}", "Help.", names, registry=registry)
                   for kind in ("Counter", "Gauge", "Summary", "Histogram")]
        for _ in range(300):
            metric = chance.choice(metrics)
            child = metric.labels(chance.choice(("", "a", "ß", "\\"))) if names else metric
            amount = chance.randint(0, 4000) / 64  # whose sums are exact in any order
            calls = {"counter": ("inc",), "gauge": ("inc", "dec", "set"), "summary": ("observe",), "histogram": ("observe",)}
            getattr(child, chance.choice(calls[metric._type]))(amount)
            if names and chance.random() < 0.02:
                metric.remove("a")
            if chance.random() < 0.02:
                library is ours and ours.flush()


class Wrappers(BothCase):
    def test_exceptions_are_counted_and_go_on(self):
        def do(library, registry):
            counter = library.Counter(self.name, "Help.", registry=registry)

            @counter.count_exceptions((ValueError, KeyError))
            def fail(fault):
                raise fault
            for fault in (ValueError, KeyError, TypeError):
                self.assertRaises(fault, fail, fault)
            with self.assertRaises(TypeError), counter.count_exceptions():
                raise TypeError
            with counter.count_exceptions():
                pass
            return str(inspect.signature(fail)), fail.__name__
        self.both(do)

    def test_what_is_in_progress(self):
        def do(library, registry):
            gauge = library.Gauge(self.name, "Help.", registry=registry)
            inside = library.Gauge(self.name + "_inside", "Help.", registry=registry)

            @gauge.track_inprogress()
            def work(depth):
                if depth:
                    return work(depth - 1)
                raise ValueError
            self.assertRaises(ValueError, work, 3)
            inside.track_inprogress().__enter__()
        self.both(do)

    def test_timers_give_what_they_took(self):
        library, registry = ours, ours.CollectorRegistry()
        summary = library.Summary(self.name, "Help.", ["l"], registry=registry)
        gauge = library.Gauge(self.name + "_g", "Help.", registry=registry)
        with summary.time() as timer:
            timer.labels("x")
            time.sleep(0.01)

        @summary.labels("y").time()
        def slow(seconds, depth):
            time.sleep(seconds)
            return depth and slow(seconds, depth - 1)
        threads = [threading.Thread(target=slow, args=(0.02, 1)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with gauge.time() as set_timer:
            pass
        self.assertTrue(ours.flush_and_wait(10))
        found = {series: float(value) for series, value in self.agent.scrape().items()}
        self.assertEqual(timer.duration, found[self.name + '_sum{l="x"}'])
        self.assertEqual(6, found[self.name + '_count{l="y"}'])
        self.assertGreaterEqual(found[self.name + '_sum{l="y"}'], 3 * (0.02 + 0.04))
        self.assertEqual(set_timer.duration, found[self.name + "_g"])
        self.assertEqual("(seconds, depth)", str(inspect.signature(slow)))

    def test_a_gauges_function_is_called_by_a_thread(self):
        gauge = ours.Gauge(self.name, "Help.", registry=None)
        values = []
        gauge.set_function(lambda: len(values))
        values.append(1)
        until(lambda: self.agent.value(self.name) == "1.0", "the function's value")
        gauge.inc(5)
        gauge.set(7)
        values.append(2)
        self.assertTrue(ours.flush_and_wait(10))
        self.assertEqual("2.0", self.agent.value(self.name))


class Elsewhere(unittest.TestCase):
    """What answers scrapes in the reference."""

    def test_the_names_of_the_reference_are_here(self):
        if missing:
            self.skipTest(missing)
        absent = {name for name in theirs.__all__ if not hasattr(ours, name)}
        self.assertEqual({"Metric", "MetricsHandler"}, absent)

    def test_a_server_is_not_started_and_can_be_shut_down(self):
        server, thread = ours.start_http_server(1)
        server.shutdown()
        server.server_close()
        thread.join()
        self.assertFalse(thread.is_alive())

    def test_an_application_answers_without_samples(self):
        answers = []
        body = ours.make_wsgi_app()({}, lambda status, headers: answers.append((status, dict(headers)["Content-Type"])))
        self.assertEqual([("200 OK", ours.CONTENT_TYPE_LATEST)], answers)
        self.assertEqual({}, samples.read(b"".join(body).decode().replace("# The", "# HELP The")))
        self.assertEqual(b"".join(body), ours.generate_latest(ours.REGISTRY))

    def test_the_processes_collectors_can_be_unregistered(self):
        ours.REGISTRY.unregister(ours.PROCESS_COLLECTOR)
        self.assertRaises(KeyError, ours.REGISTRY.unregister, ours.PROCESS_COLLECTOR)
        ours.REGISTRY.register(ours.PROCESS_COLLECTOR)
        self.assertIsNone(ours.multiprocess.mark_process_dead(1))
