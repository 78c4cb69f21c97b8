"""Writes a record in one of the forms of the protocol, chosen by chance: as a line, by handle, as JSON,
within an array; names and numbers in one of their spellings."""

import json
import math


def escaped(text):
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def is_classic(name, colon=""):
    body = name.replace("_", "a")
    for c in colon:
        body = body.replace(c, "a")
    return body.isascii() and body.isalnum() and not name[0].isdigit()


class Writer:
    """Turns a record into one of the forms of the protocol and sends it."""

    def __init__(self, chance, session):
        self.chance, self.session = chance, session
        self.handles, self.array = {}, []

    def spell(self, name, labels=()):
        """A series as text: labels in any order, quotes where they are needed or not."""
        labels = list(labels)
        self.chance.shuffle(labels)
        pairs = [(f'"{escaped(key)}"' if not is_classic(key) or self.chance.random() < 0.1 else key)
                 + f'="{escaped(value)}"' for key, value in labels]
        if not is_classic(name, ":") or self.chance.random() < 0.05:
            return "{" + ",".join([f'"{escaped(name)}"'] + pairs) + "}"
        if not pairs:
            return name + self.chance.choice(("", "", "{}"))
        comma = self.chance.choice(("", "", ","))
        return name + "{" + self.chance.choice((",", ", ")).join(pairs) + comma + "}"

    def declared(self, name):
        return name if is_classic(name, ":") else f'"{escaped(name)}"'

    def line(self, text):
        self.flush()
        self.session.send(text)

    def json(self, record):
        items = list(record.items())
        if self.chance.random() < 0.5:
            self.chance.shuffle(items)
        self.array.append(json.dumps(dict(items), ensure_ascii=self.chance.random() < 0.5,
                                     allow_nan=False))
        if self.chance.random() < 0.5:
            self.flush()

    def flush(self):
        if not self.array:
            return
        alone = len(self.array) == 1 and self.chance.random() < 0.7
        self.session.send(self.array[0] if alone else "[" + ", ".join(self.array) + "]")
        self.array = []

    def update(self, verb, name, labels, operands, record=None):
        """`verb series operands` in line form, by handle, or as `record` in JSON."""
        form = self.chance.random()
        if record is not None and form < 0.3:
            return self.json(record)
        if form < 0.5:
            key = (verb, name, tuple(labels))
            if key not in self.handles:
                self.handles[key] = len(self.handles)
                self.line(f"@{self.handles[key]} {verb} {self.spell(name, labels)}")
            return self.line(f"@{self.handles[key]} {operands}".rstrip())
        blank = self.chance.choice((" ", " ", "  ", "\t"))
        self.line(f"{verb}{blank}{self.spell(name, labels)}{blank}{operands}".rstrip())


def number(chance, value):
    """One of the spellings of a number."""
    if not math.isfinite(value):
        return chance.choice(("NaN", "nan")) if value != value else \
            chance.choice(("+Inf", "Inf", "+inf")) if value > 0 else chance.choice(("-Inf", "-inf"))
    return chance.choice((repr(value), repr(value), f"{value:.17g}", f"{value:.17e}",
                          str(int(value)) if value == int(value) and 0 < abs(value) < 1e15
                          else repr(value)))
