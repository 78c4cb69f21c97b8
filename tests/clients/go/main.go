// The conformance program of the Go client: obeys the commands of ../README.md.
package main

import (
	"bufio"
	"fmt"
	"net/url"
	"os"
	"sidemeter"
	"strconv"
	"strings"
	"sync"
	"time"
)

var client = sidemeter.New(sidemeter.Options{})

// The families by name, one map a type.
var (
	counters  = map[string]sidemeter.Family[sidemeter.Counter]{}
	gauges    = map[string]sidemeter.Family[sidemeter.Gauge]{}
	observers = map[string]sidemeter.Family[sidemeter.Observer]{}
	infos     = map[string]sidemeter.Family[sidemeter.Info]{}
	statesets = map[string]sidemeter.Family[sidemeter.Stateset]{}
)

func text(word string) string {
	plain, err := url.PathUnescape(word)
	if err != nil {
		panic(err)
	}
	return plain
}

func list(word string) (items []string) {
	if word != "-" {
		for _, item := range strings.Split(word, ",") {
			items = append(items, text(item))
		}
	}
	return items
}

// The values of `name=value,…`.
func values(labels string) (values []string) {
	for _, label := range list(labels) {
		_, value, _ := strings.Cut(label, "=")
		values = append(values, value)
	}
	return values
}

func number(word string) float64 {
	value, err := strconv.ParseFloat(word, 64)
	if err != nil {
		panic(err)
	}
	return value
}

func plain(word string) string { return strings.Join(list(word), ",") }

func define(kind string, words []string) (answer string) {
	defer func() {
		if wrong := recover(); wrong != nil {
			fmt.Fprintln(os.Stderr, wrong)
			answer = "error"
		}
	}()
	d := sidemeter.Definition{Name: text(words[0]), Help: plain(words[1]), Labels: list(words[2]), Unit: plain(words[3]),
		Mode: plain(words[5]), States: list(words[6])}
	for _, bound := range list(words[4]) {
		d.Buckets = append(d.Buckets, number(bound))
	}
	switch kind {
	case "counter":
		counters[d.Name] = client.Counter(d)
	case "gauge":
		gauges[d.Name] = client.Gauge(d)
	case "histogram":
		observers[d.Name] = client.Histogram(d)
	case "summary":
		observers[d.Name] = client.Summary(d)
	case "info":
		infos[d.Name] = client.Info(d)
	case "stateset":
		statesets[d.Name] = client.Stateset(d)
	}
	return "ok"
}

func remove(name string, labels []string) {
	if family, is := counters[name]; is {
		family.With(labels...).Remove()
	} else if family, is := gauges[name]; is {
		family.With(labels...).Remove()
	} else if family, is := observers[name]; is {
		family.With(labels...).Remove()
	} else if family, is := infos[name]; is {
		family.With(labels...).Remove()
	} else {
		statesets[name].With(labels...).Remove()
	}
}

func repeat(count int, counter sidemeter.Counter) (longest time.Duration) {
	for i := 0; i < count; i++ {
		start := time.Now()
		counter.Inc()
		if took := time.Since(start); took > longest {
			longest = took
		}
	}
	return longest
}

func obey(words []string) string {
	name := ""
	if len(words) > 1 {
		name = text(words[1])
	}
	switch words[0] {
	case "define":
		return define(words[1], words[2:])
	case "inc":
		if family, is := gauges[name]; is {
			family.With(values(words[2])...).Add(number(words[3]))
		} else {
			counters[name].With(values(words[2])...).Add(number(words[3]))
		}
	case "dec":
		gauges[name].With(values(words[2])...).Sub(number(words[3]))
	case "set":
		gauges[name].With(values(words[2])...).Set(number(words[3]))
	case "observe":
		observers[name].With(values(words[2])...).Observe(number(words[3]))
	case "time":
		observers[name].With(values(words[2])...).Since(time.Now())
	case "info":
		infos[name].With(values(words[2])...).Set()
	case "state":
		statesets[name].With(values(words[2])...).Set(text(words[3]))
	case "remove":
		remove(name, values(words[2]))
	case "many":
		for i := 0; i < int(number(words[3])); i++ {
			counters[name].With(strconv.Itoa(i)).Inc()
		}
	case "repeat":
		longest := repeat(int(number(words[1])), counters[text(words[2])].With(values(words[3])...))
		return strconv.FormatInt(longest.Microseconds(), 10)
	case "threads":
		counter := counters[text(words[3])].With(values(words[4])...)
		var threads sync.WaitGroup
		for i := 0; i < int(number(words[1])); i++ {
			threads.Add(1)
			go func() { defer threads.Done(); repeat(int(number(words[2])), counter) }()
		}
		threads.Wait()
	case "fork":
		return "skip: Go cannot fork"
	case "flush":
		client.Flush()
	case "wait":
		return strconv.FormatBool(client.FlushAndWait(time.Duration(number(words[1]) * float64(time.Second))))
	case "sleep":
		time.Sleep(time.Duration(number(words[1]) * float64(time.Second)))
	case "dropped":
		return strconv.FormatUint(client.Dropped(), 10)
	default:
		panic("no such command: " + words[0])
	}
	return "ok"
}

func main() {
	defer client.Close()
	commands := bufio.NewScanner(os.Stdin)
	for commands.Scan() && commands.Text() != "exit" {
		fmt.Println(obey(strings.Split(commands.Text(), "\t")))
	}
}
