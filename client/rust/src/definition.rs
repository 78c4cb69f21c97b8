//! What a metric family is declared to be, and what is wrong in that.

use std::collections::HashSet;
use std::fmt;

/// Of a histogram, in seconds.
pub const DEFAULT_BUCKETS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// Of a metric family. Only `name` is needed, and `states` of a stateset.
#[derive(Clone, Copy, Debug, Default)]
pub struct Definition<'a> {
    /// `[a-zA-Z_:][a-zA-Z0-9_:]*`.
    pub name: &'a str,
    pub help: &'a str,
    /// Names; `with` takes the values in the same order.
    pub labels: &'a [&'a str],
    /// As `seconds`: the end of the name, or appended to it by the agent.
    pub unit: &'a str,
    /// Of a histogram: upper bounds that rise; `DEFAULT_BUCKETS` unless given.
    pub buckets: &'a [f64],
    /// Of a gauge: `last` unless given, `sum`, `livesum`, … (proto/PROTOCOL.md).
    pub mode: &'a str,
    pub states: &'a [&'a str],
}

/// What is wrong in a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefinitionError(pub(crate) String);

impl fmt::Display for DefinitionError {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
impl std::error::Error for DefinitionError {}

fn is_word(text: &str, more: char) -> bool {
    let right = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == more;
    text.len() <= 512 && text.chars().all(right) && !text.starts_with(|c: char| c.is_ascii_digit()) && !text.is_empty()
}

// Tells the developer what the agent would refuse (proto/PROTOCOL.md, "Limits").
pub(crate) fn fault(kind: &str, d: &Definition) -> Option<String> {
    let reserved = match kind {
        "histogram" => "le",
        "summary" => "quantile",
        "stateset" => d.name,
        _ if d.mode.ends_with("all") => "pid",
        _ => "",
    };
    let is_label = |label: &&str| is_word(label, '_') && !label.starts_with("__") && *label != reserved;
    let is_state =
        |state: &&str| !state.is_empty() && state.len() <= 2048 && !state.contains([' ', '\t', '\r', '\n', '\0']);
    let different =
        |words: &[&str], most| words.len() <= most && words.iter().collect::<HashSet<_>>().len() == words.len();
    let rising = d.buckets.windows(2).all(|pair| pair[0] < pair[1]) && d.buckets.iter().all(|bound| bound.is_finite());
    let rule = d.mode.strip_prefix("live").unwrap_or(d.mode);
    let is_mode = matches!(rule, "sum" | "min" | "max" | "mostrecent" | "all") || d.mode == "last";
    let is_mode = d.mode.is_empty() || is_mode && kind == "gauge";
    let are_buckets = (kind == "histogram") != d.buckets.is_empty() && d.buckets.len() <= 128 && rising;
    let is_name = is_word(d.name, ':') && !d.name.starts_with("sidemeter_");
    let is_unit = d.unit.is_empty() || is_word(&format!("_{}", d.unit), '_') && !matches!(kind, "info" | "stateset");
    let are_labels = different(d.labels, 32) && d.labels.iter().all(is_label);
    let are_states =
        (kind == "stateset") != d.states.is_empty() && different(d.states, 128) && d.states.iter().all(is_state);
    let rules = [
        (is_name, "a name matches [a-zA-Z_:][a-zA-Z0-9_:]*, has at most 512 bytes, and does not begin with sidemeter_"),
        (d.help.len() <= 4096 && !d.help.contains('\0'), "a help has at most 4096 bytes"),
        (are_labels, "at most 32 different labels match [a-zA-Z_][a-zA-Z0-9_]*, and none is __… or the agent's own"),
        (is_unit, "a unit matches [a-zA-Z0-9_]+, and info and stateset have none"),
        (is_mode, "only a gauge has a mode: last or [live](sum|min|max|mostrecent|all)"),
        (are_buckets, "only a histogram has buckets: 1 to 128 finite bounds that rise"),
        (are_states, "only a stateset has states: 1 to 128 different words"),
    ];
    rules.iter().find(|(holds, _)| !holds).map(|(_, words)| words.to_string())
}

pub(crate) fn declaration(kind: &str, d: &Definition) -> String {
    let bounds: Vec<String> = d.buckets.iter().map(|bound| format!("{:?}", bound)).collect();
    let parts = [
        ("TYPE", kind.to_string()),
        ("HELP", escaped(d.help)),
        ("UNIT", d.unit.to_string()),
        ("BUCKETS", bounds.join(" ")),
        ("MODE", d.mode.to_string()),
        ("STATES", d.states.join(" ")),
    ];
    let given = parts.iter().filter(|(_, text)| !text.is_empty());
    given.map(|(keyword, text)| format!("# {} {} {}\n", keyword, d.name, text)).collect()
}

pub(crate) fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('"', "\\\"")
}
