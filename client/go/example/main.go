// Command example serves HTTP on loopback and counts what it answers.
package main

import (
	"log"
	"net/http"
	"os"
	"os/signal"
	"sidemeter"
	"time"
)

func main() {
	client := sidemeter.New(sidemeter.Options{})
	defer client.Close()
	requests := client.Counter(sidemeter.Definition{Name: "http_requests_total", Help: "Requests answered.", Labels: []string{"code"}})
	seconds := client.Histogram(sidemeter.Definition{Name: "http_request_seconds", Help: "Time to answer.", Unit: "seconds"}).With()
	running := client.Gauge(sidemeter.Definition{Name: "http_requests_running", Help: "Requests being answered.", Mode: "livesum"}).With()

	ok := requests.With("200") // looked up once
	http.HandleFunc("/", func(answer http.ResponseWriter, _ *http.Request) {
		defer seconds.Since(time.Now())
		running.Inc()
		defer running.Dec()
		answer.Write([]byte("hello\n"))
		ok.Inc()
	})

	// So that Close runs when the process is told to end.
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt)
	go func() { log.Print(http.ListenAndServe("127.0.0.1:8080", nil)) }()
	<-stop
}
