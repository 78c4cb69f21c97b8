// Package sidemeter pushes metrics to a Sidemeter agent on the same host.
//
//	client := sidemeter.New(sidemeter.Options{})
//	defer client.Close()
//	requests := client.Counter(sidemeter.Definition{
//		Name: "http_requests_total", Help: "Requests answered.", Labels: []string{"code"}})
//	requests.With("200").Inc()
//
// An event is an addition in memory; a goroutine sends what has added up. No call but FlushAndWait and Close waits
// for the agent. A wrong definition panics, as regexp.MustCompile does; what is wrong in an event is counted by
// Dropped and changes nothing. Any number of goroutines may use everything.
package sidemeter

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	name, version             = "sidemeter-go", "0.1.0"
	handles                   = 4096 // of a session; later series are written by their text
	shortestWait, longestWait = 100 * time.Millisecond, 5 * time.Second
)

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
	removed  int       // series of which `first` tells the agent
	first    []byte    // records that go before those of the table

	flushing        sync.Mutex // of all that follows; taken before mu
	socket          net.Conn
	session, rounds uint64    // so many until now; a round goes through all series
	round           []*series // what this one has yet to look at
	declared        int       // families, in this session
	bound           []*series // by handle: the same in every session
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
			c.locked(func() { c.push(); open = !c.closed })
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

func (c *Client) locked(do func()) {
	c.flushing.Lock()
	defer c.flushing.Unlock()
	do()
}

// Dropped is how many events were not kept: with wrong values or labels, or of series past MaxSeries.
func (c *Client) Dropped() uint64 { return c.dropped.Load() }

// Flush has what has added up sent now, and does not wait for it.
func (c *Client) Flush() {
	if c.flushing.TryLock() { // else it is being sent
		go func() { defer c.flushing.Unlock(); c.push() }()
	}
}

// FlushAndWait sends what has added up and waits until the next scrape shows it. False when the time is over.
func (c *Client) FlushAndWait(timeout time.Duration) (done bool) {
	var session, token, target uint64 // of the sync that was sent, and the round before it
	for end := time.Now().Add(timeout); !done && time.Now().Before(end); time.Sleep(time.Millisecond) {
		c.locked(func() {
			target = or(target, c.rounds+2) // one may be under way
			if c.push(); session == c.session {
				done = token > 0 && c.answered >= token
			} else if c.socket != nil && c.rounds >= target && len(c.buffer) == 0 {
				c.syncs++
				session, token = c.session, c.syncs
				c.buffer = fmt.Appendf(c.buffer, "sync %d\n", token)
				c.send()
			}
		})
	}
	return done
}

// Close sends what has added up, waiting for the agent no longer than 100 ms, and ends the session. Go runs
// nothing when a process ends, so defer it in main. Later events go nowhere.
func (c *Client) Close() {
	c.locked(func() { c.tryAt = time.Time{} })
	c.FlushAndWait(100 * time.Millisecond)
	c.locked(func() { c.closed = true; c.lose(c.socket) })
}

// Sends a round of records, or as many as the kernel takes.
func (c *Client) push() {
	if c.socket == nil && !c.closed && time.Now().After(c.tryAt) {
		c.connect()
	}
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
	c.tryAt = time.Now().Add(c.wait)
	c.wait = time.Duration(math.Min(float64(2*c.wait), float64(longestWait)))
	socket, err := net.Dial("unix", c.options.Socket) // at once, or not at all
	if err != nil {
		return
	}
	c.socket, c.wait, c.declared = socket, shortestWait, 0
	c.session++
	c.buffer = fmt.Appendf(nil, "hello v=1 pid=%d client=%s/%s\n", os.Getpid(), name, version)
	for _, s := range c.bound {
		c.buffer = fmt.Appendf(c.buffer, "%s %c %s\n", s.prefix, s.verb, s.text)
	}
	c.fill()
	go c.listen(socket)
}

// Reads what the agent answers. Of interest is only which sync it answered, and that the session ended.
func (c *Client) listen(socket net.Conn) {
	for lines := bufio.NewScanner(socket); lines.Scan(); {
		c.locked(func() { fmt.Sscanf(lines.Text(), "ok %d ", &c.answered) })
	}
	c.locked(func() { c.lose(socket) })
}

// Ends the session. From the record on that was cut, all goes first in the next one.
func (c *Client) lose(socket net.Conn) {
	if socket == nil || socket != c.socket {
		return
	}
	socket.Close()
	c.mu.Lock()
	c.first = append(c.buffer[bytes.LastIndexByte(c.buffer[:c.sent], '\n')+1:], c.first...)
	c.mu.Unlock()
	c.socket, c.buffer, c.sent = nil, nil, 0
}

func (c *Client) send() {
	c.socket.SetWriteDeadline(time.Now().Add(time.Millisecond))
	n, err := c.socket.Write(c.buffer[c.sent:])
	if c.sent += n; c.sent == len(c.buffer) {
		c.buffer, c.sent = c.buffer[:0], 0
	} else if !errors.Is(err, os.ErrDeadlineExceeded) {
		c.lose(c.socket)
	}
}

// Writes what the table holds, until the buffer is full or the round ends.
func (c *Client) fill() {
	c.mu.Lock()
	for ; c.declared < len(c.families); c.declared++ {
		c.buffer = append(c.buffer, c.families[c.declared].declaration...)
	}
	c.buffer, c.first, c.removed = append(c.buffer, c.first...), nil, 0
	if len(c.round) == 0 {
		c.round = c.series
	}
	c.mu.Unlock()
	if more := c.dropped.Load() - c.reported; more > 0 {
		c.buffer = fmt.Appendf(c.buffer, "c sidemeter_client_dropped_total{client=%q} %d\n", name, more)
		c.reported += more
	}
	for ; len(c.round) > 0 && len(c.buffer) < c.options.MaxBuffer; c.round = c.round[1:] {
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
//	@7 c http_requests_total{code="200",}    once a session, where a handle is free
//	@7 12
func (c *Client) write(s *series) {
	operands := s.take(s.session != c.session)
	if operands == nil {
		return
	}
	if s.session == 0 && len(c.bound) < handles {
		s.prefix, c.bound = fmt.Sprint("@", len(c.bound)), append(c.bound, s)
		c.buffer = fmt.Appendf(c.buffer, "%s %c %s\n", s.prefix, s.verb, s.text)
	}
	s.session = c.session
	c.buffer = append(append(append(c.buffer, s.prefix...), operands...), '\n')
}

// Family is a metric family with series of the type S.
type Family[S ~struct{ *series }] struct{ *family }

// With gives the series of these label values; keep it where it is used often. When the values are
// wrong or there are too many series, events of it are dropped.
func (f Family[S]) With(values ...string) S { return S(struct{ *series }{f.with(values)}) }

// Counter defines a counter, as Gauge, Histogram, Summary, Info and Stateset define theirs. The same
// definition again gives the same family. It panics when the definition is wrong and tells why.
func (c *Client) Counter(d Definition) Family[Counter]    { return define[Counter](c, "counter", d) }
func (c *Client) Gauge(d Definition) Family[Gauge]        { return define[Gauge](c, "gauge", d) }
func (c *Client) Histogram(d Definition) Family[Observer] { return define[Observer](c, "histogram", d) }
func (c *Client) Summary(d Definition) Family[Observer]   { return define[Observer](c, "summary", d) }
func (c *Client) Info(d Definition) Family[Info]          { return define[Info](c, "info", d) }
func (c *Client) Stateset(d Definition) Family[Stateset]  { return define[Stateset](c, "stateset", d) }

type family struct {
	Definition
	kind, declaration string
	verb              byte
	client            *Client
	table             map[string]*series // by label values
}

func define[S ~struct{ *series }](c *Client, kind string, d Definition) Family[S] {
	if d.Buckets == nil && kind == "histogram" {
		d.Buckets = DefaultBuckets
	}
	if wrong := fault(kind, d); wrong != "" {
		panic(fmt.Sprintf("sidemeter: %s, got the %s %+v", wrong, kind, d))
	}
	verbs := map[string]byte{"counter": 'c', "gauge": 'g', "info": 'i', "stateset": 'e'}
	f := &family{Definition: d, kind: kind, verb: or(verbs[kind], 'm'), client: c, table: map[string]*series{}}
	f.declaration = declaration(kind, d)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, known := range c.families {
		if known.Name == d.Name && fmt.Sprint(known.kind, known.Definition) != fmt.Sprint(kind, d) {
			panic(fmt.Sprintf("sidemeter: %s is defined already, as the %s %+v", d.Name, known.kind, known.Definition))
		}
		if known.Name == d.Name {
			return Family[S]{known}
		}
	}
	c.families = append(c.families, f)
	return Family[S]{f}
}

// What all types have; each uses a part.
type series struct {
	*family
	values    []string
	key, text string      // jobs_total{queue="mail",}
	gone      atomic.Bool // removed, or never in the table: it takes events that nobody sees
	session   uint64      // in which it was sent last; this and the prefix belong to the flush
	prefix    string      // of its records: a handle, or verb and text

	amount atomic.Uint64   // bits of a float64: what a counter goes up by, or a sum
	counts []atomic.Uint64 // a bucket each; of a counter, what Inc has added

	mu                   sync.Mutex // of what follows
	value, added         float64    // of a gauge, as this process knows it; what of it was not sent
	state                string
	changed, due, stated bool // something is to be sent; the value itself; it was once
}

func (f *family) with(values []string) *series {
	key := strings.Join(values, "\xff") // no byte of UTF-8
	f.client.mu.RLock()
	s := f.table[key]
	f.client.mu.RUnlock()
	if s == nil || len(values) != len(s.values) {
		s = f.create(key, append([]string(nil), values...))
	}
	return s
}

func (f *family) create(key string, values []string) *series {
	c, right := f.client, len(values) == len(f.Labels)
	s := &series{family: f, key: key, text: f.Name + "{", values: values}
	for i := 0; right && i < len(values); i++ {
		right = isText(values[i], 2048)
		s.text += f.Labels[i] + `="` + escapes.Replace(values[i]) + `",`
	}
	s.text += "}"
	s.prefix, s.counts = string(f.verb)+" "+s.text, make([]atomic.Uint64, len(f.Buckets)+1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := f.table[key]; known != nil && right {
		return known
	}
	if !right || len(s.text) > 60_000 || len(c.series)+c.removed >= c.options.MaxSeries {
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
			c.first = fmt.Appendf(c.first, "x %s\n", s.text)
			c.removed++
			return
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
	switch s.verb {
	case 'c':
		if s.add(float64(s.counts[0].Swap(0))); s.amount.Load() != 0 {
			out = s.sum()
		}
		return out
	case 'm':
		any := uint64(0)
		for i := range s.counts {
			count := s.counts[i].Swap(0)
			any |= count
			out = strconv.AppendUint(append(out, ' '), count, 10)
		}
		if any > 0 {
			return append(s.sum(), out...)
		}
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	again := anew && s.stated
	if !s.changed && !again {
		return nil
	}
	if out = []byte(" " + s.state); s.verb == 'g' && (s.due || again) {
		out = text(" ", s.value)
	} else if s.verb == 'g' {
		out = text(" +=", s.added)
	}
	s.changed, s.due, s.added = false, false, 0
	return out
}

func text(before string, v float64) []byte {
	return strconv.AppendFloat([]byte(before), v, 'g', -1, 64)
}

func (s *series) sum() []byte { return text(" ", math.Float64frombits(s.amount.Swap(0))) }

func (s *series) add(v float64) {
	for {
		old := s.amount.Load()
		if s.amount.CompareAndSwap(old, math.Float64bits(math.Float64frombits(old)+v)) {
			return
		}
	}
}

// Types of series.
type (
	Counter  struct{ *series } // only goes up
	Gauge    struct{ *series } // goes up and down
	Observer struct{ *series } // of a histogram or a summary
	Info     struct{ *series } // its labels are its content
	Stateset struct{ *series } // one of its states is true
)

// Inc adds 1.
func (c Counter) Inc() { c.live().counts[0].Add(1) }

// Add adds a finite amount of at least 0.
func (c Counter) Add(v float64) {
	if s := c.live(); v >= 0 && v <= math.MaxFloat64 {
		s.add(v)
	} else {
		s.drop()
	}
}

// Set gives it a value.
func (g Gauge) Set(v float64) { g.change(v, true) }

// Add adds an amount, Sub subtracts it, Inc adds 1, Dec subtracts 1.
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
	s.changed, s.due = true, s.due || set || s.Mode != "" && s.Mode != "last"
	s.stated = s.stated || s.due
}

// Observe adds a value, a time in seconds; neither NaN nor -Inf, which would make the sum NaN.
func (o Observer) Observe(v float64) {
	s, i := o.live(), 0
	if !(v >= -math.MaxFloat64) {
		s.drop()
		return
	}
	for i < len(s.Buckets) && v > s.Buckets[i] {
		i++
	}
	s.add(v)
	s.counts[i].Add(1) // last, so that no count is sent without its value
}

// Since observes the seconds since a time: defer o.Since(time.Now()).
func (o Observer) Since(start time.Time) { o.Observe(time.Since(start).Seconds()) }

// Set shows it.
func (i Info) Set() { i.enter("") }

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
