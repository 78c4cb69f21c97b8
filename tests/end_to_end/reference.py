"""The reference, prometheus_client 0.26.0, as the judge of what the agent exposes.

Where the statement of behaviour repairs the reference, the repair is made here and nowhere else:

  11  restricted_registry() answers in the order of a set and forgets units
  13  in OpenMetrics, sample names are escaped as if they were label names: a:b becomes a_b, and under
      `values` a classic name becomes U__…; family names are not
"""

import importlib.metadata

VERSION = "0.26.0"

try:
    found = importlib.metadata.version("prometheus-client")
    missing = None if found == VERSION else f"prometheus_client is {found}, wanted {VERSION}"
except importlib.metadata.PackageNotFoundError:
    missing = f"prometheus_client {VERSION} is not installed (tests/run does so from PyPI)"

if not missing:
    import prometheus_client
    from prometheus_client import exposition
    from prometheus_client.metrics_core import Metric
    from prometheus_client.openmetrics import exposition as openmetrics
    from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
    from prometheus_client.parser import text_string_to_metric_families as parse_text

    prometheus_client.disable_created_metrics()

OPEN = "application/openmetrics-text"
SCHEMES = ("allow-utf-8", "underscores", "dots", "values")


class _Filtered:
    """Repair 11: the families in their order, with their units."""

    def __init__(self, registry, names):
        self.registry, self.names = registry, names

    def collect(self):
        for metric in self.registry.collect():
            samples = [sample for sample in metric.samples if sample.name in self.names]
            if samples:
                kept = Metric(metric.name, metric.documentation, metric.type, metric.unit)
                kept.samples = samples
                yield kept


def _open_metrics(registry, escaping):
    """Repair 13, while openmetrics.generate_latest() runs."""
    escape, label_name = openmetrics._escape, openmetrics.escape_label_name

    def sample_name_or_value(text, scheme, rune):
        if scheme == openmetrics.ALLOWUTF8:
            return escape(text, scheme, rune)
        openmetrics._escape = escape
        try:
            return openmetrics.escape_metric_name(text, scheme)
        finally:
            openmetrics._escape = sample_name_or_value

    def unrepaired(function):
        def run(*arguments):
            openmetrics._escape = escape
            try:
                return function(*arguments)
            finally:
                openmetrics._escape = sample_name_or_value
        return run

    metric_name = openmetrics.escape_metric_name
    openmetrics._escape = sample_name_or_value
    openmetrics.escape_label_name = unrepaired(label_name)
    openmetrics.escape_metric_name = unrepaired(metric_name)
    try:
        return openmetrics.generate_latest(registry, escaping=escaping, version="1.0.0")
    finally:
        openmetrics._escape = escape
        openmetrics.escape_label_name = label_name
        openmetrics.escape_metric_name = metric_name


def expose(registry, accept, names=()):
    """(Content-Type, body) as the reference would answer this Accept, but for the repairs."""
    if names:
        registry = _Filtered(registry, set(names))
    encoder, content_type = exposition.choose_encoder(accept)
    if content_type.startswith(OPEN):
        scheme = content_type.rpartition("escaping=")[2] if "escaping=" in content_type else \
            openmetrics.UNDERSCORES
        return content_type, _open_metrics(registry, scheme)
    return content_type, encoder(registry)


def parse(content_type, body):
    """[(family, type, unit, [(sample, labels, value)])] by the reference's own parsers."""
    parser = parse_open if content_type.startswith(OPEN) else parse_text
    return [(family.name, family.type, family.documentation, family.unit,
             [(sample.name, sorted(sample.labels.items()), repr(sample.value), sample.exemplar)
              for sample in family.samples])
            for family in parser(body.decode())]
