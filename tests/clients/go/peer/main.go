// Nanoseconds per event, ours beside client_golang's, one goroutine and two, alternating in one run.
package main

import (
	"fmt"
	"sidemeter"
	"sort"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	rounds = 7
	events = 2_000_000
)

// The median of the rounds, in nanoseconds an event.
func median(times []float64) float64 {
	sort.Float64s(times)
	return times[len(times)/2]
}

func measure(goroutines int, event func()) float64 {
	var running sync.WaitGroup
	start := time.Now()
	for g := 0; g < goroutines; g++ {
		running.Add(1)
		go func() {
			defer running.Done()
			for i := 0; i < events; i++ {
				event()
			}
		}()
	}
	running.Wait()
	return float64(time.Since(start).Nanoseconds()) / events
}

func main() {
	client := sidemeter.New(sidemeter.Options{Socket: "/nonexistent/socket"})
	defer client.Close()
	labels := []string{"code"}
	ourCounters := client.Counter(sidemeter.Definition{Name: "c", Labels: labels})
	ourCounter := ourCounters.With("200")
	ourHistogram := client.Histogram(sidemeter.Definition{Name: "h"}).With()
	ourGauge := client.Gauge(sidemeter.Definition{Name: "g"}).With()
	theirCounters := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "c"}, labels)
	theirCounter := theirCounters.WithLabelValues("200")
	theirHistogram := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "h", Buckets: sidemeter.DefaultBuckets})
	theirGauge := prometheus.NewGauge(prometheus.GaugeOpts{Name: "g"})

	fmt.Printf("%-34s %8s %14s %6s\n", "ns an event", "ours", "client_golang", "ratio")
	for _, row := range []struct {
		what         string
		goroutines   int
		ours, theirs func()
	}{
		{"inc", 1, func() { ourCounter.Inc() }, func() { theirCounter.Inc() }},
		{"inc, two goroutines", 2, func() { ourCounter.Inc() }, func() { theirCounter.Inc() }},
		{"inc, label looked up", 1, func() { ourCounters.With("200").Inc() }, func() { theirCounters.WithLabelValues("200").Inc() }},
		{"add 0.5", 1, func() { ourCounter.Add(0.5) }, func() { theirCounter.Add(0.5) }},
		{"observe, 14 buckets", 1, func() { ourHistogram.Observe(0.3) }, func() { theirHistogram.Observe(0.3) }},
		{"observe, two goroutines", 2, func() { ourHistogram.Observe(0.3) }, func() { theirHistogram.Observe(0.3) }},
		{"gauge set", 1, func() { ourGauge.Set(1) }, func() { theirGauge.Set(1) }},
	} {
		var ours, theirs []float64
		for i := 0; i < rounds; i++ {
			ours = append(ours, measure(row.goroutines, row.ours))
			theirs = append(theirs, measure(row.goroutines, row.theirs))
		}
		fmt.Printf("%-34s %8.1f %14.1f %6.2f\n", row.what, median(ours), median(theirs), median(ours)/median(theirs))
	}
}
