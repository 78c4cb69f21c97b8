# frozen_string_literal: true

# Obeys the commands of ../README.md, a line each.

require "sidemeter"

def plain(word) = word.gsub(/%(\h\h)?/) { $1 ? $1.hex.chr : "" }.b.force_encoding("UTF-8")
def list(word) = word == "-" ? [] : word.split(",").map { |part| plain(part) }
def labels(word) = word == "-" ? {} : word.split(",").to_h { |pair| pair.split("=", 2) }.transform_values { |v| plain(v) }

def number(word) = word == "nan" ? Float::NAN : Float(word)

FAMILIES = {}

def series(name, word)
  content = labels(word)
  content.empty? ? FAMILIES.fetch(name) : FAMILIES.fetch(name).labels(**content.transform_keys(&:to_sym))
end

def define(type, name, help, label_names, unit, buckets, mode, states)
  options = { labels: list(label_names) }
  options[:unit] = plain(unit) unless unit == "-"
  options[:buckets] = list(buckets) unless buckets == "-"
  options[:mode] = plain(mode) unless mode == "-"
  options[:states] = list(states) if type == "stateset"
  FAMILIES[name] = Sidemeter.public_send(type, name, help == "-" ? "" : plain(help), **options)
  "ok"
rescue ArgumentError
  "error"
end

# The longest of `count` increments, in whole microseconds.
def longest(count, counter)
  longest = 0
  count.times do
    start = Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond)
    counter.inc
    taken = Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond) - start
    longest = taken if taken > longest
  end
  longest / 1000
end

def in_a_child(count, counter)
  child = fork do
    count.times { counter.inc }
    exit(Sidemeter.flush_and_wait(30))
  end
  Process.wait(child)
  $?.success? ? "ok" : "the child failed"
end

def in_threads(threads, count, counter)
  Array.new(threads) { Thread.new { count.times { counter.inc } } }.each(&:join)
  "ok"
end

def obey(command, *words)
  case command
  when "define" then define(*words)
  when "inc", "dec", "set", "observe" then series(words[0], words[1]).public_send(command, number(words[2]))
  when "time" then series(*words).time { nil }
  when "info" then FAMILIES.fetch(words[0]).info(**labels(words[1]).transform_keys(&:to_sym))
  when "state" then series(words[0], words[1]).state(plain(words[2]))
  when "remove" then series(*words).remove
  when "many" then words[2].to_i.times { |number| FAMILIES.fetch(words[0]).labels(number).inc } && nil
  when "repeat" then longest(words[0].to_i, series(*words[1..]))
  when "threads" then in_threads(words[0].to_i, words[1].to_i, series(*words[2..]))
  when "fork" then in_a_child(words[0].to_i, series(*words[1..]))
  when "flush" then Sidemeter.flush
  when "wait" then Sidemeter.flush_and_wait(words[0].to_f)
  when "sleep" then sleep(words[0].to_f) && nil
  when "dropped" then Sidemeter.dropped
  when "exit" then exit
  else "unknown command #{command}"
  end
end

$stdout.sync = true
while (line = $stdin.gets)
  answer = obey(*line.chomp.split("\t"))
  puts answer.nil? ? "ok" : answer
end
