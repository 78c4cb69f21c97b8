# frozen_string_literal: true

# Pushes metrics to the Sidemeter agent beside this process, over its Unix socket. Copy this file in, or install the gem.
#
#   JOBS = Sidemeter.counter("jobs_total", "Jobs that were done.", labels: %i[queue])
#   JOBS.labels("mail").inc
#
# An event is an addition in memory. A thread sends what has added up every 250 ms, in batches, and at exit. Nothing
# here waits for the agent but `flush_and_wait` and `close`, and nothing raises but a definition that is wrong
# (ArgumentError). Safe under threads and fork. The protocol is proto/PROTOCOL.md, the promises client/README.md.

require "socket"

module Sidemeter
  NAME, VERSION = "sidemeter-ruby", "0.1.0"
  DEFAULT_SOCKET = "/run/sidemeter/sidemeter.sock"
  # Upper bounds in seconds, as Prometheus's own clients have them.
  DEFAULT_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10].freeze
  MODES = %w[last sum min max mostrecent all livesum livemin livemax livemostrecent liveall].freeze
  MAX_HANDLES, EXIT_SECONDS, RETRY_SECONDS = 4096, 0.1, (0.1..5)

  CLIENTS = [] # of this process, for its forks
  def self.now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  # A Float as the protocol spells it.
  def self.number_text(value)
    return value.to_i.to_s if value.abs < 1e15 && value == value.to_i
    value.finite? ? value.to_s : { "NaN" => "NaN", "Infinity" => "+Inf", "-Infinity" => "-Inf" }[value.to_s]
  end

  # NaN for what is no real number.
  def self.number(value)
    value.is_a?(Float) || value.is_a?(Numeric) && value.real? ? value.to_f : Float::NAN
  end

  # What may happen to a series. What is wrong with it (a negative increment, NaN observed, an event of another type)
  # changes nothing and is counted in `dropped`. Units are the family's.
  module Events
    def inc(amount = 1) = event { |series| series.add(Sidemeter.number(amount)) } # counter: finite and >= 0; gauge
    def dec(amount = 1) = event { |series| series.subtract(Sidemeter.number(amount)) } # gauge
    def set(value) = event { |series| series.assign(Sidemeter.number(value)) } # gauge
    def observe(value) = event { |series| series.record(Sidemeter.number(value)) } # histogram, summary
    def state(name) = event { |series| series.turn(name) } # stateset: one of those that were defined
    def remove = event(&:forget_and_remove) # takes it out of the exposition, with what was not sent of it

    # Observes the seconds that the block takes, however it ends, and gives what it gives.
    def time
      start = Sidemeter.now
      yield
    ensure
      observe(Sidemeter.now - start)
    end
  end

  # What has happened to one label set of a family since it was last sent. Get it by `labels` and keep it: an event is
  # then an addition, without a look-up. It survives `remove` and fork: its next event begins it anew.
  class Series
    include Events
    attr_reader :family, :key, :text
    attr_accessor :held, :waiting

    # `text` is the series as the protocol writes it; nil where the labels were wrong, then each event is dropped.
    def initialize(client, family, key, text)
      @client, @family, @key, @text = client, family, key, text
      leave
    end

    # Gives the block the series that stands in the table for these labels. False from it: the event is dropped.
    def event
      @client.lock.synchronize do
        series = @held ? self : @client.enter(self)
        next @client.drop unless series && yield(series)
        @client.wait(series) unless series.waiting
      end
      nil
    rescue ThreadError # in a signal's trap, where nothing can be locked
      @client.drop
    end

    # Below: for the client only, under its lock. @pending is what has happened, @in_flight what was written of it
    # into the buffer.
    %i[add subtract assign record turn].each { |change| define_method(change) { |_| false } }

    def forget = @pending = @in_flight = nil
    def forget_and_remove = forget || @removed = true

    # It is in the table no more, or not yet.
    def leave
      @held = @waiting = @removed = @removal_in_flight = @bound = false
      forget
    end

    # Appends the records that tell the agent what has happened.
    #
    #   @7 c jobs_total{queue="mail"}    once a session, where a handle is free
    #   @7 12
    def write(out, session)
      @in_flight, @pending = @pending, nil
      @removal_in_flight, @removed = @removed, false
      out << "x #{@text}\n" if @removal_in_flight
      return unless @in_flight
      unless @bound == session || @family.verb == "i"
        @bound = session
        @handle = @client.free_handle
        out << "@#{@handle} #{@family.verb} #{@text}\n" if @handle
      end
      out << (@handle ? "@#{@handle} " : "#{@family.verb} #{@text} ") << operands(@in_flight) << "\n"
    end

    # The kernel has not taken what is in flight: it happened before what is pending.
    def take_back
      return if @removed
      @removed = @removal_in_flight
      @pending = @pending ? sum(@in_flight, @pending) : @in_flight if @in_flight
    end

    def gone? = @removal_in_flight && !@in_flight && !@waiting
    def repeat = false # or makes pending what a new agent has to be told again, and is true
  end

  class CounterSeries < Series
    def add(amount)
      total = (@pending || 0.0) + amount
      amount >= 0 && total < Float::INFINITY && (@pending = total)
    end
    def operands(amount) = Sidemeter.number_text(amount)
    def sum(earlier, later) = earlier + later
  end

  # Pending is [:set, value] or [:add, amount].
  class GaugeSeries < Series
    def assign(value)
      @value, @known = value, true
      @pending = [:set, value]
    end
    def add(amount)
      @value += amount
      @known ||= @family.mode != "last" # else the value is everybody's
      @pending ? @pending[1] += amount : @pending = [:add, amount]
    end
    def subtract(amount) = add(-amount)
    def repeat = @known && assign(@value)
    def forget = (@value, @known = 0.0, false) && super
    def operands((kind, amount))
      return Sidemeter.number_text(amount) if kind == :set
      amount.negative? ? "-=#{Sidemeter.number_text(-amount)}" : "+=#{Sidemeter.number_text(amount)}"
    end
    def sum(earlier, later) = later[0] == :set ? later : [earlier[0], earlier[1] + later[1]]
  end

  # Pending is a count a bucket, not cumulative, and the sum behind them; a summary has one bucket.
  class ObservedSeries < Series
    def record(value)
      bounds = @family.buckets
      total = (@pending ? @pending[-1] : 0.0) + value
      return false if total.nan?
      @pending ||= Array.new(bounds.size + 1, 0) << 0.0
      @pending[bounds.bsearch_index { |bound| bound >= value } || bounds.size] += 1
      @pending[-1] = total
    end
    def operands(numbers) = "#{Sidemeter.number_text(numbers[-1])} #{numbers[0...-1].join(" ")}"
    def sum(earlier, later) = earlier.zip(later).map(&:sum)
  end

  # Of a stateset; an info has the one state "".
  class StateSeries < Series
    def turn(name) = @family.states.include?(name.to_s) && (@pending = @state = name.to_s)
    def repeat = @pending = @state
    def forget = @state = super
    def operands(state) = state
    def sum(_earlier, later) = later
  end

  # One metric family. Its events are those of its series without labels.
  class Family
    include Events
    TYPES = { "counter" => [CounterSeries, "c"], "gauge" => [GaugeSeries, "g"], "histogram" => [ObservedSeries, "m"],
              "summary" => [ObservedSeries, "m"], "info" => [StateSeries, "i"], "stateset" => [StateSeries, "e"] }.freeze
    attr_reader :name, :label_names, :buckets, :mode, :states, :verb, :series

    def initialize(client, type, name, help, labels: [], unit: nil, buckets: [], mode: "last", states: [])
      @client, @type, @name, @help, @series_class, @verb = client, type, name.to_s, help.to_s, *TYPES[type]
      @label_names, @unit, @mode, @states = labels.map(&:to_s), unit&.to_s, mode.to_s, states.map(&:to_s)
      @buckets = buckets.map { |bound| Float(bound) }
      @buckets.pop if @buckets.last == Float::INFINITY
      check
      @series = {} # by label values
      @sole = series_of([])
    end

    # The series of these label values: all in the order of the definition, or all by name. What is wrong with them
    # (too few, not UTF-8, more than 2048 bytes) makes a series whose events are dropped.
    def labels(*values, **named)
      raise KeyError unless named.empty? || named.size == @label_names.size
      values = @label_names.map { |name| named.fetch(name.to_sym) } if named.any?
      return @sole if values.empty?
      values = values.map { |value| value.is_a?(String) ? value : value.to_s }
      @client.lock.synchronize { @series[values] } || series_of(values.map { |value| value.dup.freeze })
    rescue StandardError # also of a value's own to_s
      series_of([nil])
    end

    # Removes the series of these label values.
    def remove(*values, **named) = labels(*values, **named).remove

    # Of an info: exposes these labels with the value 1, beside those told before; `remove` takes one back.
    def info(**content) = labels(**content).state("")

    # Below: for the client only.
    def event(&) = @sole.event(&)
    def declaration
      @declaration ||= [
        "TYPE #{@name} #{@type}", ("HELP #{@name} #{escape(@help)}" unless @help.empty?),
        ("UNIT #{@name} #{@unit}" if @unit), ("MODE #{@name} #{@mode}" if @type == "gauge"),
        ("BUCKETS #{@name} #{@buckets.map { |bound| Sidemeter.number_text(bound) }.join(" ")}" if @buckets.any?),
        ("STATES #{@name} #{@states.join(" ")}" if @type == "stateset")
      ].compact.map { |part| "# #{part}\n" }.join.b
    end

    private def series_of(values) = @series_class.new(@client, self, values.freeze, series_text(values))

    # jobs_total{queue="mail"}, nil where the agent would refuse it.
    private def series_text(values)
      return unless values.size == @label_names.size && !values.include?(nil)
      return @name.b if values.empty?
      labels = @label_names.zip(values).map do |name, value|
        value = value.encode("UTF-8")
        return unless text?(value, 2048)
        %(#{name}="#{escape(value).gsub('"', '\\"')}")
      end
      "#{@name}{#{labels.join(",")}}".b
    rescue EncodingError
      nil
    end

    private def escape(text) = text.gsub("\\") { "\\\\" }.gsub("\n", "\\n")
    private def text?(text, most) = text.valid_encoding? && text.bytesize <= most && !text.include?("\0")

    private def check
      got = [@label_names, @help, @unit, @mode, @buckets, @states]
      kept = @mode.end_with?("all") ? "pid" : { "histogram" => "le", "summary" => "quantile", "stateset" => @name }[@type]
      { "a metric name that matches [a-zA-Z_:][a-zA-Z0-9_:]*, without the agent's sidemeter_" =>
          @name.match?(/\A(?!sidemeter_)[a-zA-Z_:][a-zA-Z0-9_:]{0,511}\z/),
        "at most 32 labels, each once" => @label_names.size <= 32 && @label_names.uniq == @label_names,
        "label names that match [a-zA-Z_][a-zA-Z0-9_]*, without __ before, and none that the #{@type} has itself" =>
          @label_names.all?(/\A(?!__)[a-zA-Z_][a-zA-Z0-9_]{0,511}\z/) && !@label_names.include?(kept),
        "a help of at most 4096 bytes of UTF-8" => text?(@help, 4096),
        "a unit that matches [a-zA-Z0-9_]+" => @unit.nil? || @unit.match?(/\A[a-zA-Z0-9_]{1,512}\z/),
        "a mode of #{MODES.join(", ")}" => MODES.include?(@mode),
        "1 to 128 finite bounds of buckets that rise strictly" => @type != "histogram" ||
          @buckets.size.between?(1, 128) && @buckets.all?(&:finite?) && @buckets.each_cons(2).all? { |a, b| a < b },
        "1 to 128 states, different words" => @type != "stateset" ||
          @states.size.between?(1, 128) && @states.uniq == @states && @states.all?(/\A[^\s\0]{1,512}\z/)
      }.each { |wanted, right| raise ArgumentError, "#{@name}: wanted #{wanted}, got #{got}" unless right }
    end

  end

  # The socket. Never waits and never raises: each answers nil when the agent is gone.
  class Connection
    attr_reader :socket, :answered # the last sync token that was answered
    def initialize(path) = (@path, @answered, @retry_at, @retry_after = path, 0, 0, RETRY_SECONDS.begin)

    # Tries to connect, where it is not and it is time to.
    def open
      return @socket if @socket || Sidemeter.now < @retry_at
      @retry_at = Sidemeter.now + @retry_after
      @retry_after = [@retry_after * 2, RETRY_SECONDS.end].min
      @replies = +""
      attempt { (@socket = Socket.new(:UNIX, :STREAM)).connect_nonblock(Socket.sockaddr_un(@path)) } || close
    end

    # The number of bytes that the kernel has taken.
    def write(bytes)
      taken = attempt { @socket.sendmsg_nonblock(bytes, Socket::MSG_NOSIGNAL, exception: false) }
      taken == :wait_writable ? 0 : taken
    end

    def read_replies
      while (some = attempt { @socket.read_nonblock(4096, exception: false) }) != :wait_readable
        return if some.nil?
        @retry_after = RETRY_SECONDS.begin # this agent speaks
        @replies << some
        @replies.scan(/^ok (\d+) .*\n/) { @answered = $1.to_i }
        @replies.slice!(/\A.*\n/m)
      end
      true
    end

    # Closes this process's copy only: no `shutdown`, the socket may be a parent's.
    def close
      attempt { @socket&.close }
      @socket = nil
    end

    def attempt
      yield
    rescue SystemCallError, IOError, ArgumentError # the last of a path that is too long
      nil
    end
  end

  # The table, the buffer and the session. One for the process is enough: `Sidemeter.client`.
  class Client
    attr_reader :lock, :dropped
    # `interval` seconds between two flushes; `max_series` label sets in all; `max_buffer` bytes that wait for the kernel.
    def initialize(socket: nil, interval: 0.25, max_series: 10_000, max_buffer: 65_536)
      @path = socket || ENV["SIDEMETER_SOCKET"] || DEFAULT_SOCKET
      @interval, @max_series, @max_buffer = interval, max_series, max_buffer
      @drops = CounterSeries.new(self, self, nil, %(sidemeter_client_dropped_total{client="#{NAME}"}))
      @families, @session, @token = {}, 0, 0
      after_fork
      CLIENTS << self
      at_exit { finish }
    end

    # Each defines a family and gives it, the same one when it is defined again. `labels` are their names, `buckets`
    # upper bounds, `mode` what the values of many processes make together (PROTOCOL.md, "Gauge modes").
    def counter(name, help = "", labels: [], unit: nil) = define("counter", name, help, labels:, unit:)
    def gauge(name, help = "", labels: [], unit: nil, mode: "last") = define("gauge", name, help, labels:, unit:, mode:)
    def summary(name, help = "", labels: [], unit: nil) = define("summary", name, help, labels:, unit:)
    def info(name, help = "", labels: []) = define("info", name, help, labels:, states: [""])
    def stateset(name, help = "", states:, labels: []) = define("stateset", name, help, labels:, states:)
    def histogram(name, help = "", labels: [], unit: nil, buckets: DEFAULT_BUCKETS)
      define("histogram", name, help, labels:, unit:, buckets:)
    end

    # Sends what has added up, as far as the kernel takes it. Waits for nothing.
    def flush = (alone { push }; nil)

    # Sends all that happened before this call and waits for the agent to have it: true when the next scrape shows it,
    # false when `timeout` seconds were not enough.
    def flush_and_wait(timeout = 5)
      deadline = Sidemeter.now + timeout
      token = session = nil
      loop do
        alone { session, token = @session, sync if push && session != @session && @connection.open }
        return true if token && @connection.answered >= token
        return false unless pause(deadline)
      end
    end

    # Sends what has added up, for at most 100 ms, and ends the session. A later event begins another.
    def close
      finish
      alone { @lock.synchronize { begin_anew } }
    end

    # Below: for families, series and the fork hook only.

    # A child has a session of its own and none of its parent's amounts. Locks may be held by threads that it has not.
    def after_fork
      @lock, @io, @thread, @dropped = Mutex.new, Mutex.new, nil, 0
      begin_anew
    end

    # Puts a series into the table, or finds the one that is there; nil when it is full.
    def enter(series)
      found = series.family.series[series.key]
      return found if found || series.text.nil? || @count >= @max_series
      @count += 1
      series.held = true
      series.family.series[series.key] = series
    end

    def wait(series)
      series.waiting = true
      @waiting << series
      @thread = Thread.new { sleep(@interval) && flush while true } unless @thread&.alive? # Process.daemon ends it
    end

    def drop
      @dropped += 1
      @drops.add(1)
      wait(@drops) unless @drops.waiting
    end

    def verb = "c" # of @drops, whose family this is
    def free_handle = @handles < MAX_HANDLES ? (@handles += 1) - 1 : nil

    private

    def define(type, name, help, **options)
      family = Family.new(self, type, name, help, **options)
      @lock.synchronize do
        @undeclared&.push(family) unless @families.key?(family.name)
        found = @families[family.name] ||= family
        next found if [found.declaration, found.label_names] == [family.declaration, family.label_names]
        raise ArgumentError, "#{name} is already defined, as something else"
      end
    end

    def begin_anew
      @connection&.close
      @connection = Connection.new(@path)
      @families.each_value { |family| family.series.each_value(&:leave).clear }
      @drops.leave
      @drops.held = true
      @waiting, @count = [], 0
      begin_session
    end

    def begin_session
      @session, @handles, @undeclared = @session + 1, 0, nil
      @buffer, @sent, @unsure = "".b, 0, false
      @in_flight = [] # series, and where in the buffer their records end
    end

    def alone(&) # one thread at a time has the socket
      @io.synchronize(&)
    rescue ThreadError # in a signal's trap
      false
    end

    # True when the kernel has taken all that waited when this began.
    def push
      lose if @connection.socket && (@unsure || !@connection.read_replies)
      left = @waiting.size
      until @buffer.empty? && (left <= 0 || @waiting.empty?)
        return false unless @connection.open
        left -= fill if @buffer.empty?
        return false unless write_buffer
      end
      true
    end

    # Writes records into the empty buffer, up to `max_buffer`. The number of series that they tell of.
    def fill
      @lock.synchronize do
        @buffer << "hello v=1 pid=#{Process.pid} client=#{NAME}/#{VERSION}\n" unless @undeclared
        @undeclared ||= @families.values
        @buffer << @undeclared.shift.declaration while @undeclared.any? && @buffer.bytesize < @max_buffer
        while @buffer.bytesize < @max_buffer && (series = @waiting.shift)
          series.waiting = false
          series.write(@buffer, @session)
          @in_flight << [series, @buffer.bytesize]
        end
        @in_flight.size
      end
    end

    # Asks the agent to answer when all before is applied.
    def sync
      fill
      @buffer << "sync #{@token += 1}\n"
      write_buffer
      @token
    end

    # True when the kernel has taken the whole buffer.
    def write_buffer
      from, @sent, @unsure = @sent, @buffer.bytesize, true # should a trap raise here: sent, rather than twice
      taken = @connection.write(from.zero? ? @buffer : @buffer.byteslice(from..))
      @sent, @unsure = from + taken.to_i, false
      return lose unless taken
      return false if @sent < @buffer.bytesize
      @lock.synchronize { @in_flight.each { |series, _| expel(series) if series.gone? } }
      [@in_flight, @buffer].each(&:clear)
      @sent = 0
      true
    end

    def expel(series)
      @count -= 1
      series.family.series.delete(series.key).leave
    end

    # The agent is gone. The record that was cut, and all behind it, go back into the table. False.
    def lose
      @connection.close
      @lock.synchronize do
        back = @in_flight.select { |_, last| last > @sent }.map(&:first).each(&:take_back)
        back |= @families.each_value.flat_map { |family| family.series.each_value.select(&:repeat) }
        back.each { |series| wait(series) unless series.waiting }
        begin_session
      end
      false
    end

    # Sleeps until a reply has come or there is room for more bytes, at most 10 ms. False when the time is over.
    def pause(deadline)
      left = [deadline - Sidemeter.now, 0.01].min
      return false if left <= 0
      socket = @connection.socket
      socket ? @connection.attempt { IO.select([socket], @sent.zero? ? nil : [socket], nil, left) } : sleep(left)
      true
    end

    def finish = @waiting.empty? && @buffer.empty? || flush_and_wait(EXIT_SECONDS)
  end

  Process.singleton_class.prepend(Module.new { def _fork = super.tap { |pid| CLIENTS.each(&:after_fork) if pid.zero? } })

  @making = Mutex.new
  # The client of this process.
  def self.client = @client || @making.synchronize { @client ||= Client.new }

  %i[counter gauge histogram summary info stateset flush flush_and_wait dropped close].each do |name|
    define_singleton_method(name) { |*given, **named| client.public_send(name, *given, **named) }
  end
end
