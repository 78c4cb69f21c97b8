"""Random operations, each done twice: to the reference, and as a record for the agent.

Everything comes from one random.Random, so that a sequence is named by its seed.
"""

import math

from prometheus_client import Counter, Enum, Gauge, Histogram, Info, Summary
from prometheus_client.samples import Exemplar

from record_writer import escaped, is_classic, number

WORDS = ("requests", "Queue", "latency", "_x", "a1", "size")
UTF8_WORDS = ("größe", "my.metric", "a b", "ключ", "x-y", "quote\"d", "back\\slash", "😀")
LABEL_NAMES = ("a", "b", "method", "Zed", "_x1", "l.x", "größe", "a:b", "1st", "x y")
LABEL_VALUES = ("", "x", "GET", "a b", 'say "hi"', "back\\slash", "two\nlines", "größe", "😀", "{a=\"b\"}",
                "a,b", "# x", "\\n", "\ttab", "=", "0", "x" * 300, "\u2028", "\x7f")
HELPS = ("", "Plain words.", 'With "quotes".', "Back\\slash.", "Two\nlines.", "größe 😀", "\\n", "a # b",
         "{x} 1.0", "x" * 500, "# TYPE y gauge")
NUMBERS = (0.0, 1.0, 0.1, 2.5, 1e-300, 1e300, 123456.7, 1234567.0, 1e15, 1e16, 1e17, 5e-324, 1 / 3,
           999999.0, 1000000.0, 12345678.5, 1.5e21, 100.0, 1e-5, 0.0001, 123456789.123)
BOUNDS = (-1e6, -2.5, -1e-9, 0.0, 1e-9, 0.005, 0.1, 1.0, 2.5, 10.0, 1e6, 1234567.0, 1e15, 1e16, 1e300)
STATES = ("starting", "running", "C++", "größe", "a-b", "x=1", "Stopped", "9")
UNITS = ("seconds", "bytes", "ratio")


class Family:
    """A metric family, at the reference and at the agent. One subclass a type."""

    kind = None
    json_key = None

    def __init__(self, chance, writer, registry, name):
        self.chance, self.writer = chance, writer
        self.label_names = chance.sample(LABEL_NAMES, chance.choice((0, 0, 1, 1, 2, 3)))
        self.help = chance.choice(HELPS)
        self.unit = chance.choice(UNITS) if self.has_unit and chance.random() < 0.3 else ""
        self.name = name + ("_" + self.unit if self.unit else "")
        self.children = []  # the label values of the series that stand
        by_json = chance.random() < 0.4
        # In one JSON declaration a unit may be left for the agent to append.
        self.declared = name if by_json and chance.random() < 0.5 else self.name
        self.prepare()
        self.reference = self.make(registry)
        self.declare_json() if by_json else self.declare_lines()
        if not self.label_names:
            self.create(())

    has_unit = True

    def prepare(self):
        """Chooses what only this type has."""

    def details(self):
        """What a declaration says beside type, help and unit: [(keyword, words, key, value)]."""
        return []

    def keywords(self):
        return {"labelnames": self.label_names, "unit": self.unit}

    def sample_name(self):
        return self.name

    def declare_lines(self):
        name = self.writer.declared(self.name)
        lines = [f"# TYPE {name} {self.kind}",
                 f"# HELP {name} " + self.help.replace("\\", "\\\\").replace("\n", "\\n")]
        if self.unit:
            lines.append(f"# UNIT {name} {self.unit}")
        lines += [f"# {keyword} {name} {words}" for keyword, words, _, _ in self.details()]
        for line in lines * self.chance.choice((1, 1, 2)):  # declaring again is free
            self.writer.line(line)

    def declare_json(self):
        record = {"declare": self.declared, "type": self.kind, "help": self.help}
        if self.unit:
            record["unit"] = self.unit
        record |= {key: value for _, _, key, value in self.details()}
        self.writer.json(record)

    def labels(self, values):
        return list(zip(self.label_names, values))

    def child(self, values):
        return self.reference.labels(*values) if self.label_names else self.reference

    def create(self, values):
        self.children.append(values)
        child = self.child(values)
        self.begin(child, values)
        return child

    def send(self, verb, values, operands, **json_parts):
        record = None
        if json_parts:
            record = {self.json_key: self.written_name(), **json_parts}
            if self.label_names:
                record["labels"] = dict(self.labels(values))
        self.writer.update(verb, self.written_name(), self.labels(values), operands, record)

    def written_name(self):
        return self.name

    def step(self):
        """One random operation."""
        roll = self.chance.random()
        if self.label_names and (not self.children or roll < 0.25):
            values = tuple(self.chance.choice(LABEL_VALUES) for _ in self.label_names)
            if values not in self.children:
                self.create(values)
        elif self.label_names and roll < 0.32:
            values = self.children.pop(self.chance.randrange(len(self.children)))
            self.reference.remove(*values)
            self.remove(values)
        elif self.label_names and roll < 0.34:
            self.children = []
            self.reference.clear()
            if self.chance.random() < 0.5:
                self.writer.json({"clear": self.written_name()})
            else:
                self.writer.line(f"clear {self.writer.declared(self.written_name())}"
                                 if is_classic(self.written_name(), ":") else
                                 f"clear {{{self.writer.declared(self.written_name())}}}")
        elif self.children:
            values = self.chance.choice(self.children)
            self.change(self.child(values), values)

    def remove(self, values):
        labels = self.labels(values)
        if self.chance.random() < 0.4:
            self.writer.json({"remove": self.written_name(), "labels": dict(labels)})
        else:
            self.writer.line(f"x {self.writer.spell(self.written_name(), labels)}")

    def any_number(self):
        value = self.chance.choice(NUMBERS) if self.chance.random() < 0.6 else \
            round(self.chance.uniform(0, 10 ** self.chance.randint(-3, 9)), self.chance.randint(0, 5))
        return value

    def exemplar(self, value):
        """(Exemplar, its text, its JSON), or nothing."""
        if self.chance.random() < 0.6:
            return None
        labels = {key: self.chance.choice(("abc", 'q"', "b\\", "größe", "n\nl", ""))
                  for key in self.chance.sample(("trace_id", "a", "Span"), self.chance.randint(0, 3))}
        time = self.chance.choice((None, 1700000000.0, 1700000000.123, 0.5, 1e9))
        text = " # {" + ",".join(f'{k}="{escaped(v)}"' for k, v in labels.items()) + "} " + \
            number(self.chance, value) + ("" if time is None else f" {time!r}")
        record = {"labels": labels, "value": value}
        if time is not None:
            record["timestamp"] = time
        return Exemplar(labels, value, time), text, record


class CounterFamily(Family):
    kind, json_key = "counter", "counter"

    def make(self, registry):
        return Counter(self.name, self.help, registry=registry, **self.keywords())

    def written_name(self):
        return self.name + self.chance.choice(("", "_total"))

    def sample_name(self):
        return self.name + "_total"

    def begin(self, child, values):
        self.send("c", values, "0", add=0)

    def change(self, child, values):
        amount = self.any_number()
        exemplar = self.exemplar(amount)
        child.inc(amount)
        if exemplar:
            child._value.set_exemplar(exemplar[0])
            return self.send("c", values, number(self.chance, amount) + exemplar[1], add=amount,
                             exemplar=exemplar[2])
        if amount == 1.0:
            return self.send("c", values, "")
        self.send("c", values, number(self.chance, amount), add=amount)


class GaugeFamily(Family):
    kind, json_key = "gauge", "gauge"

    def make(self, registry):
        return Gauge(self.name, self.help, registry=registry, **self.keywords())

    def begin(self, child, values):
        self.send("g", values, "0", set=0)

    def change(self, child, values):
        value = self.any_number() * self.chance.choice((1, 1, -1))
        roll = self.chance.random()
        if roll < 0.5:
            value = self.chance.choice((value,) * 8 + (math.nan, math.inf, -math.inf, -0.0))
            child.set(value)
            as_json = value if math.isfinite(value) else \
                "NaN" if value != value else "+Inf" if value > 0 else "-Inf"
            self.send("g", values, number(self.chance, value), set=as_json)
        elif roll < 0.75:
            child.inc(value)
            self.send("g", values, "+=" + number(self.chance, value), add=value)
        else:
            child.dec(value)
            self.send("g", values, "-=" + number(self.chance, value), add=-value)


class SummaryFamily(Family):
    kind, json_key = "summary", "summary"

    def make(self, registry):
        return Summary(self.name, self.help, registry=registry, **self.keywords())

    def sample_name(self):
        return self.name + self.chance.choice(("_sum", "_count"))

    def begin(self, child, values):
        self.send("m", values, "0 0", merge={"sum": 0, "count": 0})

    def change(self, child, values):
        if self.chance.random() < 0.2:
            total, count = self.any_number(), self.chance.randint(0, 1000)
            child._sum.inc(total)
            child._count.inc(count)
            return self.send("m", values, f"{number(self.chance, total)} {count}",
                             merge={"sum": total, "count": count})
        amounts = [self.any_number() for _ in range(self.chance.randint(1, 4))]
        for amount in amounts:
            child.observe(amount)
        self.send("s", values, " ".join(number(self.chance, a) for a in amounts),
                  observe=amounts if len(amounts) > 1 else amounts[0])


class HistogramFamily(Family):
    kind, json_key = "histogram", "histogram"

    def prepare(self):
        self.buckets = None
        # Sums of such values are exact, so that v*3 is v+v+v.
        self.exact = self.chance.random() < 0.3
        # The reference cannot parse an OpenMetrics text with a sum below 0.
        self.sign = self.chance.choice((1, 1, 1, 1, -1))
        if self.chance.random() < 0.7:
            self.buckets = sorted(self.chance.sample(BOUNDS, self.chance.randint(1, 6)))

    def details(self):
        if self.buckets is None:
            return []
        words = " ".join(number(self.chance, b) for b in self.buckets)
        return [("BUCKETS", words + self.chance.choice(("", " +Inf")), "buckets", self.buckets)]

    def make(self, registry):
        more = {"buckets": self.buckets} if self.buckets is not None else {}
        return Histogram(self.name, self.help, registry=registry, **self.keywords(), **more)

    def sample_name(self):
        return self.name + self.chance.choice(("_bucket", "_sum", "_count"))

    def merge(self, child, values, total, counts):
        child._sum.inc(total)
        for bucket, count in zip(child._buckets, counts):
            bucket.inc(count)
        self.send("m", values, " ".join([number(self.chance, total)] + [str(n) for n in counts]),
                  merge={"sum": total, "counts": counts})

    def begin(self, child, values):
        self.merge(child, values, 0.0, [0] * len(child._buckets))

    def value(self):
        if self.exact:
            return self.sign * self.chance.randint(0, 4000) / 4
        return self.any_number() * self.chance.choice((1, 1, self.sign))

    def change(self, child, values):
        roll = self.chance.random()
        if roll < 0.2:
            total = self.chance.randint(0, 4000) / 4
            return self.merge(child, values, total,
                              [self.chance.randint(0, 50) for _ in child._buckets])
        amounts = [self.value() for _ in range(self.chance.randint(1, 4))]
        exemplar = self.exemplar(amounts[0]) if len(amounts) == 1 else None
        words = []
        for amount in amounts:
            times = self.chance.randint(1, 9) if self.exact and not exemplar else 1
            for _ in range(times):
                child.observe(amount)
            words.append(number(self.chance, amount) + (f"*{times}" if times > 1 else ""))
        if exemplar:
            bound = next(i for i, b in enumerate(child._upper_bounds) if amounts[0] <= b)
            child._buckets[bound].set_exemplar(exemplar[0])
            return self.send("h", values, words[0] + exemplar[1], observe=amounts[0],
                             exemplar=exemplar[2])
        if self.exact:
            return self.send("h", values, " ".join(words))
        self.send("h", values, " ".join(words), observe=amounts)


class InfoFamily(Family):
    kind, json_key = "info", "info"
    has_unit = False
    INFO_NAMES = ("version", "v.x", "host")

    def make(self, registry):
        self.content = {}
        return Info(self.name, self.help, registry=registry, labelnames=self.label_names)

    def sample_name(self):
        return self.name + "_info"

    def written_name(self):
        return self.name + self.chance.choice(("", "_info"))

    def labels(self, values):
        return super().labels(values) + list(self.content.get(values, {}).items())

    def begin(self, child, values):
        content = {key: self.chance.choice(LABEL_VALUES)
                   for key in self.chance.sample(self.INFO_NAMES, self.chance.randint(0, 3))}
        self.content[values] = content
        child.info(content)
        labels = self.labels(values)
        self.writer.update("i", self.written_name(), labels, "",
                           {"info": self.written_name(), "labels": dict(labels)})

    def change(self, child, values):
        """Other content: a series goes and another comes, at the end."""
        self.remove(values)
        if self.label_names:
            self.reference.remove(*values)
            self.children.remove(values)
            return self.create(values)
        self.begin(child, values)


class StatesetFamily(Family):
    kind, json_key = "stateset", "stateset"
    has_unit = False

    def prepare(self):
        self.states = self.chance.sample(STATES, self.chance.randint(1, 5))

    def details(self):
        return [("STATES", " ".join(self.states), "states", self.states)]

    def make(self, registry):
        return Enum(self.name, self.help, registry=registry, labelnames=self.label_names,
                    states=self.states)

    def begin(self, child, values):
        self.send("e", values, self.states[0], state=self.states[0])

    def change(self, child, values):
        state = self.chance.choice(self.states)
        child.state(state)
        self.send("e", values, state, state=state)


KINDS = (CounterFamily, GaugeFamily, HistogramFamily, SummaryFamily, InfoFamily, StatesetFamily)


def run_sequence(chance, writer, registry, number_of_sequence):
    """Some families and what happens to them. Names hold the sequence's number: they are its own."""
    families = []
    for i in range(chance.randint(1, 4)):
        separator = chance.choice("__:.")
        word = chance.choice(WORDS + UTF8_WORDS) if chance.random() < 0.4 else chance.choice(WORDS)
        name = separator.join((f"s{number_of_sequence}", str(i), word))
        families.append(chance.choice(KINDS)(chance, writer, registry, name))
    for _ in range(chance.randint(5, 40)):
        chance.choice(families).step()
    writer.flush()
    return families
