package sidemeter

import (
	"fmt"
	"regexp"
	"sort"
	"strings"
	"unicode/utf8"
)

// Definition of a metric family. Only Name is needed, and States of a stateset.
type Definition struct {
	Name    string    // [a-zA-Z_:][a-zA-Z0-9_:]*
	Help    string    // at most 4096 bytes
	Labels  []string  // names; With takes the values in the same order
	Unit    string    // "seconds": the end of the name, or appended to it by the agent
	Buckets []float64 // of a histogram: upper bounds that rise; DefaultBuckets unless given
	Mode    string    // of a gauge: "last" unless given, "sum", "livesum", … (proto/PROTOCOL.md)
	States  []string  // of a stateset
}

// DefaultBuckets of a histogram, in seconds.
var DefaultBuckets = []float64{.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10}

var (
	familyName = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]{0,511}$`)
	labelName  = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]{0,511}$`)
	unitWord   = regexp.MustCompile(`^[a-zA-Z0-9_]{0,512}$`)
	modeWord   = regexp.MustCompile(`^(|last|(live)?(sum|min|max|mostrecent|all))$`)
	escapes    = strings.NewReplacer("\\", "\\\\", "\n", "\\n", "\"", "\\\"")
)

// Tells the developer what the agent would refuse (proto/PROTOCOL.md, "Limits").
func fault(kind string, d Definition) string {
	reserved := map[string]string{"histogram": "le", "summary": "quantile", "stateset": d.Name}[kind]
	if strings.HasSuffix(d.Mode, "all") {
		reserved = "pid"
	}
	isLabel := func(s string) bool { return labelName.MatchString(s) && !strings.HasPrefix(s, "__") && s != reserved }
	isState := func(s string) bool { return isText(s, 2048) && s != "" && !strings.ContainsAny(s, " \t\r\n") }
	isBound := func(s string) bool { return !strings.ContainsAny(s, "IN") } // of Inf and NaN
	bounds := numbers(d.Buckets)
	switch {
	case !familyName.MatchString(d.Name) || strings.HasPrefix(d.Name, "sidemeter_"):
		return "a name matches " + familyName.String() + " and does not begin with sidemeter_"
	case !isText(d.Help, 4096):
		return "a help is UTF-8 of at most 4096 bytes"
	case !different(d.Labels, 32, isLabel):
		return "at most 32 different labels match " + labelName.String() + " and are neither __… nor " + reserved
	case !unitWord.MatchString(d.Unit) || d.Unit != "" && (kind == "info" || kind == "stateset"):
		return "a unit matches " + unitWord.String() + ", and info and stateset have none"
	case !modeWord.MatchString(d.Mode) || d.Mode != "" && kind != "gauge":
		return "a mode matches " + modeWord.String() + ", and only a gauge has one"
	case (kind == "histogram") != (len(bounds) > 0) || !different(bounds, 128, isBound) || !sort.Float64sAreSorted(d.Buckets):
		return "a histogram, and nothing else, has buckets: 1 to 128 finite bounds that rise"
	case (kind == "stateset") != (len(d.States) > 0) || !different(d.States, 128, isState):
		return "a stateset, and nothing else, has states: 1 to 128 different words"
	}
	return ""
}

func isText(s string, most int) bool {
	return len(s) <= most && utf8.ValidString(s) && strings.IndexByte(s, 0) < 0
}

func numbers(values []float64) []string {
	return strings.Fields(strings.Trim(fmt.Sprint(values), "[]"))
}

func different(words []string, most int, right func(string) bool) bool {
	seen := map[string]bool{}
	for _, word := range words {
		if seen[word] || !right(word) {
			return false
		}
		seen[word] = true
	}
	return len(words) <= most
}

// What tells the agent of the family: one record a part that is given.
func declaration(kind string, d Definition) (records string) {
	for _, part := range [][2]string{{"TYPE", kind}, {"HELP", escapes.Replace(d.Help)}, {"UNIT", d.Unit},
		{"BUCKETS", strings.Join(numbers(d.Buckets), " ")}, {"MODE", d.Mode}, {"STATES", strings.Join(d.States, " ")}} {
		if part[1] != "" {
			records += fmt.Sprintf("# %s %s %s\n", part[0], d.Name, part[1])
		}
	}
	return records
}
