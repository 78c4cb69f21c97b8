package main

import (
	"bufio"
	"io"
	"net"
	"path/filepath"
	"sidemeter"
	"strconv"
	"strings"
	"testing"
	"time"
)

// An agent of the test's own: what it is sent, it adds up by the rules of proto/PROTOCOL.md.
type fakeAgent struct {
	listener net.Listener
	path     string
	totals   map[string]float64
}

func listen(t *testing.T) *fakeAgent {
	path := filepath.Join(t.TempDir(), "s.sock")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return &fakeAgent{listener, path, map[string]float64{}}
}

func (a *fakeAgent) accept(t *testing.T) net.Conn {
	a.listener.(*net.UnixListener).SetDeadline(time.Now().Add(10 * time.Second))
	session, err := a.listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return session
}

// Applies whole records of counters; the last one without LF is not applied.
func (a *fakeAgent) apply(t *testing.T, session string) {
	bound := map[string]string{}
	records := strings.Split(session, "\n")
	for _, record := range records[:len(records)-1] {
		words := strings.Fields(record)
		switch {
		case strings.HasPrefix(words[0], "@") && words[1] == "c":
			bound[words[0]] = words[2]
		case strings.HasPrefix(words[0], "@"):
			series, is := bound[words[0]]
			if !is {
				t.Fatalf("%q is not bound in this session", record)
			}
			a.add(t, series, words[1])
		case words[0] == "c":
			a.add(t, words[1], words[2])
		}
	}
}

func (a *fakeAgent) add(t *testing.T, series, amount string) {
	value, err := strconv.ParseFloat(amount, 64)
	if err != nil {
		t.Fatal(err)
	}
	a.totals[series] += value
}

func TestARecordThatIsCutIsSentAgainAndNoneTwice(t *testing.T) {
	agent := listen(t)
	client := sidemeter.New(sidemeter.Options{Socket: agent.path, Interval: time.Hour, MaxBuffer: 1 << 20})
	defer client.Close()
	first := agent.accept(t)
	counter := client.Counter(sidemeter.Definition{Name: "c", Labels: []string{"n"}})
	label := func(i int) string { return strings.Repeat("x", 60) + strconv.Itoa(i) }
	const series = 9_000 // more than there are handles, and more than the kernel's buffer holds
	for i := 0; i < series; i++ {
		counter.With(label(i)).Add(float64(i))
	}
	time.Sleep(50 * time.Millisecond) // until the flush with which the client began is over
	client.Flush()
	time.Sleep(200 * time.Millisecond) // until the kernel takes no more
	for i := 0; i < series; i++ {
		counter.With(label(i)).Inc()
	}
	var text string
	for part := make([]byte, 1<<20); ; { // what the kernel has taken counts as sent
		first.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		n, err := first.Read(part)
		if text += string(part[:n]); err != nil {
			break
		}
	}
	if len(text) > 600_000 {
		t.Fatalf("the kernel has taken all, %d bytes: nothing was cut", len(text))
	}
	agent.apply(t, text)
	first.Close()

	done := make(chan string)
	go func() {
		second := agent.accept(t)
		var text strings.Builder
		for records := bufio.NewScanner(second); records.Scan() && records.Text() != "sync 1"; {
			text.WriteString(records.Text() + "\n")
		}
		io.WriteString(second, "hello v=1\nok 1 accepted=1 rejected=0\n")
		done <- text.String()
	}()
	if !client.FlushAndWait(10 * time.Second) {
		t.Fatal("the sync was not answered")
	}
	agent.apply(t, <-done)
	for i := 0; i < series; i++ {
		name := `c{n="` + label(i) + `",}`
		if agent.totals[name] != float64(i)+1 {
			t.Fatalf("%s: wanted %d, got %v", name, i+1, agent.totals[name])
		}
	}
}

func TestWhatTheAgentWouldRefusePanicsAtDefinition(t *testing.T) {
	client := sidemeter.New(sidemeter.Options{Socket: "/nonexistent/socket"})
	defer client.Close()
	client.Counter(sidemeter.Definition{Name: "known_total"})
	long := strings.Repeat("x", 513)
	for what, define := range map[string]func(){
		"a long name":       func() { client.Counter(sidemeter.Definition{Name: long}) },
		"a closed name":     func() { client.Counter(sidemeter.Definition{Name: "sidemeter_x"}) },
		"a label twice":     func() { client.Counter(sidemeter.Definition{Name: "x", Labels: []string{"a", "a"}}) },
		"the label pid":     func() { client.Gauge(sidemeter.Definition{Name: "x", Labels: []string{"pid"}, Mode: "all"}) },
		"an info's unit":    func() { client.Info(sidemeter.Definition{Name: "x", Unit: "seconds"}) },
		"a counter's mode":  func() { client.Counter(sidemeter.Definition{Name: "x", Mode: "sum"}) },
		"livelast":          func() { client.Gauge(sidemeter.Definition{Name: "x", Mode: "livelast"}) },
		"a state of words":  func() { client.Stateset(sidemeter.Definition{Name: "x", States: []string{"a b"}}) },
		"a state twice":     func() { client.Stateset(sidemeter.Definition{Name: "x", States: []string{"a", "a"}}) },
		"a bound twice":     func() { client.Histogram(sidemeter.Definition{Name: "x", Buckets: []float64{1, 1}}) },
		"another type":      func() { client.Gauge(sidemeter.Definition{Name: "known_total"}) },
		"a help with FF":    func() { client.Counter(sidemeter.Definition{Name: "x", Help: "\xff"}) },
		"a help of 4097":    func() { client.Counter(sidemeter.Definition{Name: "x", Help: strings.Repeat("x", 4097)}) },
		"a unit of a blank": func() { client.Counter(sidemeter.Definition{Name: "x", Unit: "a b"}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: wanted a panic, got none", what)
				}
			}()
			define()
		}()
	}
}

func TestEventsOfWrongSeriesAreDroppedAndThoseOfRemovedOnesMakeThemAnew(t *testing.T) {
	client := sidemeter.New(sidemeter.Options{Socket: "/nonexistent/socket", MaxSeries: 1})
	defer client.Close()
	counter := client.Counter(sidemeter.Definition{Name: "c", Labels: []string{"a"}})
	counter.With("").Inc()
	wanted := uint64(0)
	for _, values := range [][]string{{}, {"x", "y"}, {"\xff"}, {"a\x00b"}, {strings.Repeat("x", 2049)}} {
		counter.With(values...).Inc()
		if wanted++; client.Dropped() != wanted {
			t.Errorf("%q: wanted %d dropped, got %d", values, wanted, client.Dropped())
		}
	}
	kept := counter.With("")
	kept.Inc()
	counter.With("one more").Inc()
	if wanted++; client.Dropped() != wanted {
		t.Errorf("one series more than the limit: wanted %d dropped, got %d", wanted, client.Dropped())
	}
	kept.Remove()
	kept.Inc() // its removal is not told yet, and takes its place
	if wanted++; client.Dropped() != wanted {
		t.Errorf("past the limit with a removal: wanted %d dropped, got %d", wanted, client.Dropped())
	}
}

func TestTheHotPathAllocatesNothing(t *testing.T) {
	client := sidemeter.New(sidemeter.Options{Socket: "/nonexistent/socket"})
	defer client.Close()
	counter := client.Counter(sidemeter.Definition{Name: "c", Labels: []string{"a"}})
	histogram := client.Histogram(sidemeter.Definition{Name: "h"}).With()
	gauge := client.Gauge(sidemeter.Definition{Name: "g"}).With()
	counter.With("x").Inc()
	if count := testing.AllocsPerRun(1000, func() {
		counter.With("x").Inc()
		histogram.Observe(0.3)
		gauge.Set(1)
	}); count != 0 {
		t.Errorf("wanted no allocation, got %v", count)
	}
}
