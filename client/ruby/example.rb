# frozen_string_literal: true

# A queue with two forked workers:
#
#   SIDEMETER_SOCKET=/run/sidemeter/sidemeter.sock ruby -I client/ruby/lib client/ruby/example.rb

require "sidemeter"

JOBS = Sidemeter.counter("example_jobs_total", "Jobs that were done.", labels: %i[queue outcome])
SECONDS = Sidemeter.histogram("example_job_seconds", "Time a job took.", unit: "seconds", buckets: [0.01, 0.1, 1])
BUSY = Sidemeter.gauge("example_busy_workers", "Workers that do a job right now.", mode: "livesum")

DONE = JOBS.labels("mail", "done") # kept: its events need no look-up
FAILED = JOBS.labels("mail", "failed")

def work
  BUSY.inc
  SECONDS.time { sleep(rand / 100) }
  rand < 0.1 ? FAILED.inc : DONE.inc
ensure
  BUSY.dec
end

# The families stay defined in a child; it has a session of its own.
workers = Array.new(2) { fork { 50.times { work } } }
workers.each { |pid| Process.wait(pid) }
