"""Reads an exposition, text or OpenMetrics, into its samples. It trusts nothing: a line that it
does not know, and a series that occurs twice, is an error."""

import re

_STRING = r'"(?:[^"\\\n]|\\[\\n"])*"'
_NAME = rf"(?:[a-zA-Z_:][a-zA-Z0-9_:]*|{_STRING})"
_LABEL = rf"{_NAME}={_STRING}"
_SERIES = re.compile(
    rf'(?:[a-zA-Z_:][a-zA-Z0-9_:]*(?:\{{(?:{_LABEL}(?:,{_LABEL})*)?\}})?'
    rf'|\{{{_STRING}(?:,{_LABEL})*\}})')
_VALUE = r"(?:NaN|[+-]Inf|-?[0-9][0-9.]*(?:e[+-]?[0-9]+)?)"
_SAMPLE = re.compile(
    rf"(?P<series>{_SERIES.pattern}) (?P<value>{_VALUE})"
    rf"(?P<exemplar> # \{{(?:{_LABEL}(?:,{_LABEL})*)?\}} {_VALUE}(?: {_VALUE})?)?")
_COMMENT = re.compile(rf"# (?:HELP|TYPE|UNIT) {_NAME}(?: .*)?|# EOF")


def lines(text):
    """[(series, value, exemplar)] in their order; the exemplar is "" where there is none."""
    assert text == "" or text.endswith("\n"), f"the last line has no LF: {text[-100:]!r}"
    found = []
    for line in text.split("\n")[:-1]:
        if _COMMENT.fullmatch(line):
            continue
        sample = _SAMPLE.fullmatch(line)
        assert sample, f"no sample and no comment: {line!r}"
        found.append((sample["series"], sample["value"], (sample["exemplar"] or "")[3:]))
    return found


def read(text):
    """{series: value}."""
    found = {}
    for series, value, _ in lines(text):
        assert series not in found, f"{series} occurs twice"
        found[series] = value
    return found


def families(text):
    """The names after # TYPE, in their order."""
    return re.findall(r"^# TYPE (\S+) ", text, re.M)
