// Package sidemeter pushes metrics to a Sidemeter agent on the same host.
//
//	client := sidemeter.New(sidemeter.Options{})
//	defer client.Close()
//	requests := sidemeter.Must(client.Counter(sidemeter.Definition{
//		Name: "http_requests_total", Help: "Requests answered.", Labels: []string{"code"}}))
//	requests.With("200").Inc()
//
// An event is an addition in memory; a goroutine sends what has added up. No call but FlushAndWait
// and Close waits for the agent. What is wrong in a definition is an error there; what is wrong in an
// event is counted by Dropped and changes nothing. Any number of goroutines may use everything.
package sidemeter

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

const (
	name, version             = "sidemeter-go", "0.1.0"
	handles                   = 4096 // of a session; later series are written by their text
	shortestWait, longestWait = 100 * time.Millisecond, 5 * time.Second
)

// DefaultBuckets of a histogram, in seconds.
var DefaultBuckets = []float64{.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10}

// Options of a client. What is zero has its default.
type Options struct {
	Socket    string        // $SIDEMETER_SOCKET, else /run/sidemeter/sidemeter.sock
	Interval  time.Duration // between two flushes: 250 ms
	MaxSeries int           // past it, events of new series are dropped: 10 000
	MaxBuffer int           // bytes written for the socket at a time: 64 KiB
}

// Client is a table of series, a buffer and a socket.
type Client struct {
	options Options
	dropped atomic.Uint64

	mu       sync.RWMutex // of the table
	families []*family
	series   []*series // only appended to; a removal makes another slice
	removals []*series // gone from the table, not yet removed at the agent

	flushing        sync.Mutex // of all that follows; taken before mu
	socket          net.Conn
	session, rounds uint64    // so many until now; a round goes through all series
	round           []*series // what this one has yet to look at
	declared        int       // families, in this session
	bound           []*series // by handle
	buffer          []byte
	sent            int    // bytes of buffer that the kernel has taken
	reported        uint64 // of dropped
	syncs, answered uint64
	tryAt           time.Time // to connect, and again after wait
	wait            time.Duration
	closed          bool
}

// New makes a client and begins to flush. It does not wait for the agent and cannot fail.
func New(o Options) *Client {
	o.Socket = or(o.Socket, or(os.Getenv("SIDEMETER_SOCKET"), "/run/sidemeter/sidemeter.sock"))
	o.Interval = or(o.Interval, 250*time.Millisecond)
	o.MaxSeries, o.MaxBuffer = or(o.MaxSeries, 10_000), or(o.MaxBuffer, 64<<10)
	c := &Client{options: o, wait: shortestWait}
	go func() {
		for open := true; open; time.Sleep(o.Interval) {
			c.flushing.Lock()
			c.push()
			open = !c.closed
			c.flushing.Unlock()
		}
	}()
	return c
}

func or[T comparable](given, otherwise T) T {
	if none := *new(T); given != none {
		return given
	}
	return otherwise
}

// Dropped is how many events were not kept: with wrong values or labels, or of series past MaxSeries.
func (c *Client) Dropped() uint64 { return c.dropped.Load() }

// Flush has what has added up sent now, and does not wait for it.
func (c *Client) Flush() {
	if c.flushing.TryLock() { // else it is being sent
		go func() { defer c.flushing.Unlock(); c.push() }()
	}
}

// FlushAndWait sends what has added up and waits until the agent has applied it, so that the next
// scrape shows it. False when the time is over.
func (c *Client) FlushAndWait(timeout time.Duration) bool {
	c.flushing.Lock()
	defer c.flushing.Unlock()
	var session, token uint64 // of the sync that was sent
	target := c.rounds + 2    // one may be under way
	for end := time.Now().Add(timeout); ; {
		c.push()
		if token > 0 && session == c.session && c.answered >= token {
			return true
		}
		if session != c.session && c.socket != nil && c.rounds >= target && len(c.buffer) == 0 {
			c.syncs++
			session, token = c.session, c.syncs
			c.buffer = fmt.Appendf(c.buffer, "sync %d\n", token)
		}
		if c.closed || time.Now().After(end) {
			return false
		}
		c.flushing.Unlock()
		time.Sleep(time.Millisecond)
		c.flushing.Lock()
	}
}

// Close sends what has added up, waiting no longer than 100 ms for an agent that is there, and ends the
// session. Go runs nothing when a process ends, so defer it in main. Later events go nowhere.
func (c *Client) Close() {
	c.flushing.Lock()
	defer c.flushing.Unlock()
	c.tryAt = time.Time{}
	if c.push(); c.socket != nil {
		c.flushing.Unlock()
		c.FlushAndWait(100 * time.Millisecond)
		c.flushing.Lock()
	}
	c.closed = true
	c.lose()
}

// Sends a round of records, or as many as the kernel takes.
func (c *Client) push() {
	c.connect()
	for target := c.rounds + 1; c.socket != nil && c.rounds < target; {
		if len(c.buffer) == 0 {
			c.fill()
		}
		if c.send(); len(c.buffer) > 0 {
			return
		}
	}
}

func (c *Client) connect() {
	if c.socket != nil || c.closed || time.Now().Before(c.tryAt) {
		return
	}
	c.tryAt = time.Now().Add(c.wait)
	c.wait = time.Duration(math.Min(float64(2*c.wait), float64(longestWait)))
	if socket, err := net.Dial("unix", c.options.Socket); err == nil { // at once, or not at all
		c.socket, c.wait, c.declared, c.bound = socket, shortestWait, 0, nil
		c.session++
		left := c.buffer
		c.buffer = fmt.Appendf(nil, "hello v=1 pid=%d client=%s/%s\n", os.Getpid(), name, version)
		c.declare()
		c.buffer = append(c.buffer, left...)
		go c.listen(socket)
	}
}

// Reads what the agent answers. Of interest is only which sync it answered, and that the session ended.
func (c *Client) listen(socket net.Conn) {
	for lines := bufio.NewScanner(socket); ; {
		open := lines.Scan()
		c.flushing.Lock()
		if c.socket == socket && open {
			fmt.Sscanf(lines.Text(), "ok %d ", &c.answered)
		} else if c.socket == socket {
			c.lose()
		}
		c.flushing.Unlock()
		if !open {
			return
		}
	}
}

// Ends the session. Records that the kernel has not taken whole stay in the buffer, for the next: written by
// the series' text, since handles end with their session.
func (c *Client) lose() {
	if c.socket == nil {
		return
	}
	c.socket.Close()
	left := c.buffer[bytes.LastIndexByte(c.buffer[:c.sent], '\n')+1:]
	c.socket, c.buffer, c.sent = nil, nil, 0
	for _, record := range bytes.Split(left, []byte("\n")) {
		var handle int
		word, operands, _ := bytes.Cut(record, []byte(" "))
		if n, _ := fmt.Sscanf(string(word), "@%d", &handle); n == 1 && (len(operands) < 2 || operands[0] < 'a' || operands[1] != ' ') {
			s := c.bound[handle]
			c.buffer = fmt.Appendf(c.buffer, "%c %s %s\n", s.verb, s.text, operands)
		} else if n == 0 && len(word) == 1 && word[0] != '#' {
			c.buffer = append(append(c.buffer, record...), '\n')
		}
	}
}

func (c *Client) send() {
	c.socket.SetWriteDeadline(time.Now().Add(time.Millisecond))
	n, err := c.socket.Write(c.buffer[c.sent:])
	c.sent += n
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		c.lose()
	} else if c.sent == len(c.buffer) {
		c.buffer, c.sent = c.buffer[:0], 0
	}
}

// Declares the families that are new.
func (c *Client) declare() {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for ; c.declared < len(c.families); c.declared++ {
		c.buffer = append(c.buffer, c.families[c.declared].declaration...)
	}
}

// Writes what the table holds, until the buffer is full or the round ends.
func (c *Client) fill() {
	full := func() bool { return len(c.buffer) >= c.options.MaxBuffer }
	c.mu.Lock()
	for ; len(c.removals) > 0 && !full(); c.removals = c.removals[1:] {
		c.buffer = fmt.Appendf(c.buffer, "x %s\n", c.removals[0].text)
	}
	if len(c.round) == 0 {
		c.round = c.series
	}
	c.mu.Unlock()
	c.declare()
	if more := c.dropped.Load() - c.reported; more > 0 {
		c.buffer = fmt.Appendf(c.buffer, "c sidemeter_client_dropped_total{client=%q} %d\n", name, more)
		c.reported += more
	}
	for ; len(c.round) > 0 && !full(); c.round = c.round[1:] {
		if s := c.round[0]; !s.gone.Load() {
			c.write(s)
		}
	}
	if len(c.round) == 0 {
		c.rounds++
	}
}

// Writes the record of a series, if it has something to send.
//
//	@7 c http_requests_total{code="200"}     once a session, where a handle is free
//	@7 12
func (c *Client) write(s *series) {
	anew := s.session != c.session
	operands := s.take(anew)
	if operands == nil {
		return
	}
	if anew {
		s.session, s.handle = c.session, len(c.bound)
		if s.handle < handles {
			c.bound = append(c.bound, s)
			c.buffer = fmt.Appendf(c.buffer, "@%d %c %s\n", s.handle, s.verb, s.text)
		}
	}
	if s.handle < handles {
		c.buffer = strconv.AppendInt(append(c.buffer, '@'), int64(s.handle), 10)
	} else {
		c.buffer = append(append(c.buffer, s.verb, ' '), s.text...)
	}
	c.buffer = append(append(c.buffer, operands...), '\n')
}

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

// Family is a metric family with series of the type S.
type Family[S ~struct{ *series }] struct{ *family }

// With gives the series of these label values; keep it where it is used often. When the values are
// wrong or there are too many series, events of it are dropped.
func (f Family[S]) With(values ...string) S { return S(struct{ *series }{f.with(values)}) }

// Counter defines a family of counters. The same definition again gives the same family.
func (c *Client) Counter(d Definition) (Family[Counter], error) {
	return define[Counter](c, "counter", d)
}

// Gauge defines a family of gauges.
func (c *Client) Gauge(d Definition) (Family[Gauge], error) { return define[Gauge](c, "gauge", d) }

// Histogram defines a family of histograms.
func (c *Client) Histogram(d Definition) (Family[Observer], error) {
	return define[Observer](c, "histogram", d)
}

// Summary defines a family of summaries: each a count and a sum.
func (c *Client) Summary(d Definition) (Family[Observer], error) {
	return define[Observer](c, "summary", d)
}

// Info defines an info, whose labels are its content.
func (c *Client) Info(d Definition) (Family[Info], error) { return define[Info](c, "info", d) }

// Stateset defines a family of statesets.
func (c *Client) Stateset(d Definition) (Family[Stateset], error) {
	return define[Stateset](c, "stateset", d)
}

// Must gives the family of a definition that is known to be right, else panics.
func Must[F any](f F, err error) F {
	if err != nil {
		panic(err)
	}
	return f
}

type family struct {
	Definition
	kind, declaration string
	verb              byte
	own               bool // a gauge whose value is the session's
	client            *Client
	table             map[string]*series // by label values
}

func define[S ~struct{ *series }](c *Client, kind string, d Definition) (f Family[S], err error) {
	if d.Buckets == nil && kind == "histogram" {
		d.Buckets = DefaultBuckets
	}
	if wrong := fault(kind, d); wrong != "" {
		return f, fmt.Errorf("sidemeter: %s, got a %s %+v", wrong, kind, d)
	}
	verb := map[string]byte{"counter": 'c', "gauge": 'g', "histogram": 'm', "summary": 'm', "info": 'i', "stateset": 'e'}[kind]
	own := d.Mode != "" && d.Mode != "last"
	f.family = &family{Definition: d, kind: kind, verb: verb, own: own, client: c, table: map[string]*series{}}
	for _, part := range [][2]string{{"TYPE", kind}, {"HELP", escapes.Replace(d.Help)}, {"UNIT", d.Unit},
		{"BUCKETS", strings.Trim(fmt.Sprint(d.Buckets), "[]")}, {"MODE", d.Mode}, {"STATES", strings.Join(d.States, " ")}} {
		if part[1] != "" {
			f.declaration += fmt.Sprintf("# %s %s %s\n", part[0], d.Name, part[1])
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, known := range c.families {
		if known.Name == d.Name && fmt.Sprint(known.kind, known.Definition) != fmt.Sprint(kind, d) {
			return f, fmt.Errorf("sidemeter: %q is defined already, as %s %+v", d.Name, known.kind, known.Definition)
		}
		if known.Name == d.Name {
			return Family[S]{known}, nil
		}
	}
	c.families = append(c.families, f.family)
	return f, nil
}

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
	bounds := strings.Fields(strings.Trim(fmt.Sprint(d.Buckets), "[]"))
	switch {
	case !familyName.MatchString(d.Name) || strings.HasPrefix(d.Name, "sidemeter_"):
		return "a name matches " + familyName.String() + " and does not begin with sidemeter_"
	case !isText(d.Help, 4096):
		return "a help is UTF-8 of at most 4096 bytes"
	case len(d.Labels) > 32 || !different(d.Labels, isLabel):
		return "at most 32 different labels match " + labelName.String() + " and are neither __… nor " + reserved
	case !unitWord.MatchString(d.Unit) || d.Unit != "" && (kind == "info" || kind == "stateset"):
		return "a unit matches " + unitWord.String() + ", and info and stateset have none"
	case !modeWord.MatchString(d.Mode) || d.Mode != "" && kind != "gauge":
		return "a mode matches " + modeWord.String() + ", and only a gauge has one"
	case (kind == "histogram") != (len(bounds) > 0) || len(bounds) > 128 || !different(bounds, isBound) || !sort.Float64sAreSorted(d.Buckets):
		return "a histogram, and nothing else, has buckets: 1 to 128 finite bounds that rise"
	case (kind == "stateset") != (len(d.States) > 0) || len(d.States) > 128 || !different(d.States, isState):
		return "a stateset, and nothing else, has states: 1 to 128 different words"
	}
	return ""
}

func isText(s string, most int) bool {
	return len(s) <= most && utf8.ValidString(s) && strings.IndexByte(s, 0) < 0
}

func different(words []string, right func(string) bool) bool {
	seen := map[string]bool{}
	for _, word := range words {
		if seen[word] || !right(word) {
			return false
		}
		seen[word] = true
	}
	return true
}

// What all types have; each uses a part.
type series struct {
	*family
	values    []string
	key, text string      // jobs_total{queue="mail"}
	gone      atomic.Bool // removed, or never in the table: it takes events that nobody sees
	session   uint64      // in which it has its handle: both belong to the flush
	handle    int

	amount number          // what a counter goes up by, or a sum
	counts []atomic.Uint64 // a bucket each; a counter's only one is not 0 when it is shown though it goes up by 0

	mu                   sync.Mutex // of what follows
	value, added         float64    // of a gauge, as this process knows it; what of it was not sent
	state                string
	changed, due, stated bool // something is to be sent; the value itself; it was once
}

func (f *family) with(values []string) *series {
	var space [128]byte
	key := space[:0]
	for _, value := range values {
		key = append(append(key, value...), 0xff) // no byte of UTF-8
	}
	f.client.mu.RLock()
	s := f.table[string(key)]
	f.client.mu.RUnlock()
	if s == nil || len(values) != len(s.values) {
		s = f.create(string(key), values)
	}
	return s
}

func (f *family) create(key string, values []string) *series {
	c := f.client
	s := &series{family: f, key: key, values: append([]string(nil), values...), counts: make([]atomic.Uint64, len(f.Buckets)+1)}
	right := len(values) == len(f.Labels)
	var labels []string
	for i := 0; right && i < len(values); i++ {
		right = isText(values[i], 2048)
		labels = append(labels, f.Labels[i]+`="`+escapes.Replace(values[i])+`"`)
	}
	if s.text = f.Name; len(labels) > 0 {
		s.text += "{" + strings.Join(labels, ",") + "}"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := f.table[key]; known != nil && right {
		return known
	}
	if !right || len(s.text) > 60_000 || len(c.series)+len(c.removals) >= c.options.MaxSeries {
		s.gone.Store(true)
		return s
	}
	f.table[key] = s
	c.series = append(c.series, s)
	return s
}

// Remove ends the series, here and at the agent. A later event makes it anew.
func (s *series) Remove() {
	c := s.client
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, known := range c.series {
		if known == s {
			s.gone.Store(true)
			delete(s.table, s.key)
			c.series = append(append([]*series(nil), c.series[:i]...), c.series[i+1:]...)
			c.removals = append(c.removals, s)
		}
	}
}

// The series that takes an event.
func (s *series) live() *series {
	if s.gone.Load() {
		if s = s.with(s.values); s.gone.Load() {
			s.drop()
		}
	}
	return s
}

func (s *series) drop() { s.client.dropped.Add(1) }

// Takes what happened since it was last sent, as operands; nil when nothing did.
func (s *series) take(anew bool) (out []byte) {
	if s.verb == 'c' || s.verb == 'm' {
		any := s.verb == 'c' && s.amount.load() > 0
		for i := range s.counts {
			count := s.counts[i].Swap(0)
			any = any || count > 0
			out = strconv.AppendUint(append(out, ' '), count, 10)
		}
		if !any {
			return nil
		}
		if s.verb == 'c' {
			out = nil
		}
		return append(strconv.AppendFloat([]byte{' '}, s.amount.take(), 'g', -1, 64), out...)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.changed && !(anew && s.stated) {
		return nil
	}
	switch {
	case s.state != "" || s.verb == 'i':
		out = append([]byte{' '}, s.state...)
	case s.due || anew && s.stated:
		out = strconv.AppendFloat([]byte{' '}, s.value, 'g', -1, 64)
	default:
		out = strconv.AppendFloat([]byte(" +="), s.added, 'g', -1, 64)
	}
	s.changed, s.due, s.added = false, false, 0
	return out
}

// A float64 that is added to without a lock.
type number struct{ bits atomic.Uint64 }

func (n *number) load() float64 { return math.Float64frombits(n.bits.Load()) }
func (n *number) take() float64 { return math.Float64frombits(n.bits.Swap(0)) }
func (n *number) add(v float64) {
	for old := n.bits.Load(); !n.bits.CompareAndSwap(old, math.Float64bits(math.Float64frombits(old)+v)); {
		old = n.bits.Load()
	}
}

// Counter is a series that only goes up.
type Counter struct{ *series }

// Inc adds 1.
func (c Counter) Inc() { c.live().amount.add(1) }

// Add adds a finite amount of at least 0.
func (c Counter) Add(v float64) {
	s := c.live()
	switch {
	case v > 0 && v <= math.MaxFloat64:
		s.amount.add(v)
	case v == 0:
		s.counts[0].Store(1)
	default:
		s.drop()
	}
}

// Gauge is a series that goes up and down.
type Gauge struct{ *series }

// Set gives it a value.
func (g Gauge) Set(v float64) { g.change(v, true) }

// Add adds an amount, Sub subtracts one, Inc adds 1, Dec subtracts 1.
func (g Gauge) Add(v float64) { g.change(v, false) }
func (g Gauge) Sub(v float64) { g.change(-v, false) }
func (g Gauge) Inc()          { g.change(1, false) }
func (g Gauge) Dec()          { g.change(-1, false) }

func (g Gauge) change(v float64, set bool) {
	s := g.live()
	s.mu.Lock()
	defer s.mu.Unlock()
	if set {
		s.value, s.added = 0, 0
	}
	s.value += v
	s.added += v
	s.changed, s.due = true, s.due || set || s.own
	s.stated = s.stated || s.due
}

// Observer is a series of a histogram or a summary.
type Observer struct{ *series }

// Observe adds a value that is not NaN; a time in seconds.
func (o Observer) Observe(v float64) {
	s := o.live()
	if v != v {
		s.drop()
		return
	}
	i := 0
	for i < len(s.Buckets) && v > s.Buckets[i] {
		i++
	}
	s.amount.add(v)
	s.counts[i].Add(1) // last, so that no count is sent without its value
}

// Since observes the seconds since a time: defer o.Since(time.Now()).
func (o Observer) Since(start time.Time) { o.Observe(time.Since(start).Seconds()) }

// Info is a series whose labels are its content.
type Info struct{ *series }

// Set shows it.
func (i Info) Set() { i.enter("") }

// Stateset is a series of which one state is true.
type Stateset struct{ *series }

// Set gives it one of its family's states.
func (e Stateset) Set(state string) {
	for _, known := range e.States {
		if known == state {
			e.enter(state)
			return
		}
	}
	e.drop()
}

func (s *series) enter(state string) {
	s = s.live()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state, s.changed, s.stated = state, true, true
}
