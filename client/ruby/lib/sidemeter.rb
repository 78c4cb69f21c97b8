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
  VERSION = "0.1.0"
  NAME = "sidemeter-ruby"
  DEFAULT_SOCKET = "/run/sidemeter/sidemeter.sock"
  # Upper bounds in seconds, as Prometheus's own clients have them.
  DEFAULT_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10].freeze
  MODES = %w[last sum min max mostrecent all livesum livemin livemax livemostrecent liveall].freeze
  MAX_HANDLES = 4096
  MAX_SERIES_BYTES = 60_000 # a record has at most 65536
  RETRY_SECONDS = (0.1..5)
  EXIT_SECONDS = 0.1

  def self.now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

  # A Float as the protocol spells it.
  def self.number_text(value)
    return value.to_i.to_s if value.abs < 1e15 && value == value.to_i
    return value.to_s if value.finite?
    value.nan? ? "NaN" : (value.positive? ? "+Inf" : "-Inf")
  end

  # NaN for what is no real number.
  def self.number(value)
    return value if value.is_a?(Float)
    value.is_a?(Numeric) && value.real? ? value.to_f : Float::NAN
  end

  # What may happen to a series. What is wrong with it (a negative increment, NaN observed, an event of another type)
  # changes nothing and is counted in `dropped`.
  module Events
    # Of a counter, by a finite amount >= 0, or a gauge.
    def inc(amount = 1) = event { |series| series.add(Sidemeter.number(amount)) }

    # Of a gauge.
    def dec(amount = 1) = event { |series| series.subtract(Sidemeter.number(amount)) }
    def set(value) = event { |series| series.assign(Sidemeter.number(value)) }

    # Of a histogram or a summary, in the family's unit.
    def observe(value) = event { |series| series.record(Sidemeter.number(value)) }

    # Observes the seconds that the block takes, however it ends, and gives what it gives.
    def time
      start = Sidemeter.now
      yield
    ensure
      observe(Sidemeter.now - start)
    end

    # Of a stateset: `name` is the state from now on, one of those that were defined.
    def state(name) = event { |series| series.turn(name) }

    # Removes the series from the exposition, with what was not sent of it.
    def remove = event(&:forget_and_remove)
  end

  # What has happened to one label set of a family since it was last sent. Get it by `labels` and keep it: an event is
  # then an addition, without a look-up. It survives `remove` and fork: its next event begins it anew.
  class Series
    include Events

    attr_reader :family, :key, :text, :handle
    attr_accessor :held, :waiting

    # `text` is the series as the protocol writes it; nil where the labels were wrong, then each event is dropped.
    def initialize(client, family, key, text)
      @client, @family, @key, @text = client, family, key, text
      leave
    end

    # Runs the block on the series that stands in the table for these labels. False from it: the event is dropped.
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

    # It is in the table no more, or not yet.
    def leave
      @held = @waiting = @removed = @removal_in_flight = false
      @handle = @bound = nil
      forget
    end

    def forget = @pending = @in_flight = nil
    def forget_and_remove = (forget; @removed = true)
    def add(_) = false
    alias subtract add
    alias assign add
    alias record add
    alias turn add

    # Appends the records that tell the agent what has happened.
    def write(out, session)
      @in_flight, @pending = @pending, nil
      @removal_in_flight, @removed = @removed, false
      out << "x " << @text << "\n" if @removal_in_flight
      tell(out, operands(@in_flight), session) if @in_flight
    end

    # The kernel has not taken what is in flight: it happened before what is pending.
    def take_back
      return if @removed
      @removed = @removal_in_flight
      @pending = @pending ? sum(@in_flight, @pending) : @in_flight if @in_flight
    end

    def gone? = @removal_in_flight && !@in_flight && !@waiting

    # Makes pending what a new agent has to be told again; true where there is such.
    def repeat = false

    private

    #  @7 c jobs_total{queue="mail"}    once a session, where a handle is free
    #  @7 12
    def tell(out, operands, session)
      verb = self.class::VERB
      @handle ||= @client.free_handle unless verb == "i"
      return out << verb << " " << @text << " " << operands << "\n" unless @handle
      out << "@#{@handle} #{verb} #{@text}\n" unless @bound == session
      out << "@#{@handle} #{operands}\n"
      @bound = session
    end
  end

  class CounterSeries < Series
    VERB = "c"

    def add(amount)
      total = (@pending || 0.0) + amount
      amount >= 0 && total < Float::INFINITY && (@pending = total)
    end

    private

    def operands(amount) = Sidemeter.number_text(amount)
    def sum(earlier, later) = earlier + later
  end

  # Pending is [:set, value] or [:add, amount].
  class GaugeSeries < Series
    VERB = "g"

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
    def forget = (@value, @known, @pending, @in_flight = 0.0, false, nil, nil)

    private

    def operands((kind, amount))
      return Sidemeter.number_text(amount) if kind == :set
      amount.negative? ? "-=#{Sidemeter.number_text(-amount)}" : "+=#{Sidemeter.number_text(amount)}"
    end

    def sum(earlier, later) = later[0] == :set ? later : [earlier[0], earlier[1] + later[1]]
  end

  # Of a histogram or a summary. Pending is a count a bucket, not cumulative, and the sum behind them; a summary has one
  # bucket.
  class ObservedSeries < Series
    VERB = "m"

    def record(value)
      bounds = @family.buckets
      total = (@pending ? @pending[-1] : 0.0) + value
      return false if total.nan?
      @pending ||= Array.new(bounds.size + 1, 0) << 0.0
      @pending[bounds.bsearch_index { |bound| bound >= value } || bounds.size] += 1
      @pending[-1] = total
    end

    private

    def operands(numbers) = "#{Sidemeter.number_text(numbers[-1])} #{numbers[0...-1].join(" ")}"
    def sum(earlier, later) = earlier.zip(later).map(&:sum)
  end

  class StateSeries < Series
    VERB = "e"

    def turn(name) = @family.states.include?(name.to_s) && (@pending = @state = name.to_s)
    def repeat = @pending = @state
    def forget = @state = @pending = @in_flight = nil

    private

    def operands(state) = state
    def sum(_earlier, later) = later
  end

  # An info is a stateset with the one state "".
  class InfoSeries < StateSeries
    VERB = "i"
  end

  # One metric family. Its events are those of its series without labels.
  class Family
    include Events

    SERIES = { "counter" => CounterSeries, "gauge" => GaugeSeries, "histogram" => ObservedSeries,
               "summary" => ObservedSeries, "info" => InfoSeries, "stateset" => StateSeries }.freeze

    attr_reader :name, :labels_in_order, :buckets, :mode, :states, :series

    def initialize(client, type, name, help, labels: [], unit: nil, buckets: [], mode: "last", states: [])
      @client, @type, @name, @help = client, type, name.to_s, help.to_s
      @labels_in_order, @unit, @mode, @states = labels.map(&:to_s), unit&.to_s, mode.to_s, states.map(&:to_s)
      @buckets = buckets.map { |bound| Float(bound) }
      @buckets.pop if @buckets.last == Float::INFINITY
      check
      @series = {} # by label values
      @sole = series_of([])
    end

    # The series of these label values: all in the order of the definition, or all by name. What is wrong with them
    # (too few, not UTF-8, more than 2048 bytes) makes a series whose events are dropped.
    def labels(*values, **named)
      values = named.size == @labels_in_order.size ? @labels_in_order.map { |name| named[name.to_sym] } : [] if named.any?
      return @sole if values.empty?
      values = values.map { |value| value.is_a?(String) ? value : value.to_s }
      @client.lock.synchronize { @series[values] } || series_of(values.map { |value| value.dup.freeze })
    rescue StandardError # a value's own to_s may raise
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

    def same?(other) = declaration == other.declaration && @labels_in_order == other.labels_in_order

    private

    def series_of(values) = SERIES[@type].new(@client, self, values.freeze, series_text(values))

    # jobs_total{queue="mail"}, nil where the agent would refuse it.
    def series_text(values)
      return unless values.size == @labels_in_order.size && values.none?(&:nil?)
      return @name.b if values.empty?
      labels = @labels_in_order.zip(values).map do |name, value|
        value = value.encode("UTF-8")
        return unless text?(value, 2048)
        %(#{name}="#{escape(value).gsub('"', '\\"')}")
      end
      text = "#{@name}{#{labels.join(",")}}".b
      text if text.bytesize <= MAX_SERIES_BYTES
    rescue EncodingError
      nil
    end

    def escape(text) = text.gsub("\\") { "\\\\" }.gsub("\n", "\\n")

    def check
      { "a metric name, [a-zA-Z_:][a-zA-Z0-9_:]* and not the agent's own sidemeter_…" => name_right?,
        "at most 32 labels, each once" => @labels_in_order.size <= 32 && @labels_in_order.uniq == @labels_in_order,
        "label names, [a-zA-Z_][a-zA-Z0-9_]*, not with __ before, none that a #{@type} has itself" => labels_right?,
        "a help of at most 4096 bytes of UTF-8" => text?(@help, 4096),
        "a unit, [a-zA-Z0-9_]+" => @unit.nil? || @unit.match?(/\A[a-zA-Z0-9_]{1,512}\z/),
        "a mode of #{MODES.join(", ")}" => MODES.include?(@mode),
        "1 to 128 finite bounds of buckets that rise strictly" => @type != "histogram" || buckets_right?,
        "1 to 128 states, different words" => @type != "stateset" || states_right?
      }.each { |wanted, right| raise ArgumentError, "#{@name}: wanted #{wanted}, got #{inspect_definition}" unless right }
    end

    def inspect_definition = [@labels_in_order, @help, @unit, @mode, @buckets, @states].inspect

    def name_right? = @name.match?(/\A(?!sidemeter_)[a-zA-Z_:][a-zA-Z0-9_:]{0,511}\z/)

    def labels_right?
      kept = @mode.end_with?("all") ? "pid" : { "histogram" => "le", "summary" => "quantile", "stateset" => @name }[@type]
      @labels_in_order.all?(/\A(?!__)[a-zA-Z_][a-zA-Z0-9_]{0,511}\z/) && !@labels_in_order.include?(kept)
    end

    def buckets_right?
      @buckets.size.between?(1, 128) && @buckets.all?(&:finite?) && @buckets.each_cons(2).all? { |low, high| low < high }
    end

    def states_right? = @states.size.between?(1, 128) && @states.uniq == @states && @states.all?(/\A[^\s\0]{1,512}\z/)

    def text?(text, most) = text.valid_encoding? && text.bytesize <= most && !text.include?("\0")
  end

  # The socket. Never waits and never raises: what goes wrong says that the agent is gone.
  class Connection
    GONE = [SystemCallError, IOError].freeze

    attr_reader :answered # the last sync token that was answered

    def initialize(path)
      @path = path
      @answered = @retry_at = 0
      @retry_after = RETRY_SECONDS.begin
    end

    def open? = !@socket.nil?

    # Tries to connect, where it is time to.
    def open
      return false if Sidemeter.now < @retry_at
      @retry_at = Sidemeter.now + @retry_after
      @retry_after = [@retry_after * 2, RETRY_SECONDS.end].min
      @replies = +""
      @socket = Socket.new(:UNIX, :STREAM)
      @socket.connect_nonblock(Socket.sockaddr_un(@path))
      true
    rescue *GONE, ArgumentError # the latter of a path that is too long
      close
      false
    end

    # The number of bytes that the kernel has taken; nil when the agent is gone.
    def write(bytes)
      taken = @socket.sendmsg_nonblock(bytes, Socket::MSG_NOSIGNAL, exception: false)
      taken == :wait_writable ? 0 : taken
    rescue *GONE
      nil
    end

    # False when the agent is gone.
    def read_replies
      while (some = @socket.read_nonblock(4096, exception: false)) != :wait_readable
        return false if some.nil?
        @retry_after = RETRY_SECONDS.begin # this agent speaks
        @replies << some
        while (line = @replies.slice!(/\A.*\n/))
          @answered = line[/\d+/].to_i if line.start_with?("ok ")
        end
      end
      true
    rescue *GONE
      false
    end

    # Sleeps until a reply has come, or there is room for more bytes, at most so many seconds.
    def pause(seconds, writing)
      socket = @socket
      socket ? IO.select([socket], writing ? [socket] : nil, nil, seconds) : sleep(seconds)
    rescue *GONE
      nil # another thread closed it
    end

    # Closes this process's copy only: no `shutdown`, the socket may be a parent's.
    def close
      @socket&.close
    rescue *GONE
      nil
    ensure
      @socket = nil
    end
  end

  # The table, the buffer and the session. One for the process is enough: `Sidemeter.client`.
  class Client
    attr_reader :lock, :dropped

    # `interval` seconds between two flushes; `max_series` label sets in all; `max_buffer` bytes that wait for the kernel.
    def initialize(socket: nil, interval: 0.25, max_series: 10_000, max_buffer: 65_536)
      @path = socket || ENV["SIDEMETER_SOCKET"] || DEFAULT_SOCKET
      @interval, @max_series, @max_buffer = interval, max_series, max_buffer
      @families = {}
      @session = @token = 0
      after_fork
      ForkHook::CLIENTS << self
      at_exit { drain(EXIT_SECONDS) }
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
    def flush
      @io.synchronize { push }
      nil
    rescue ThreadError # in a signal's trap
      nil
    end

    # Sends all that happened before this call and waits for the agent to have it: true when the next scrape shows it,
    # false when `timeout` seconds were not enough.
    def flush_and_wait(timeout = 5)
      deadline = Sidemeter.now + timeout
      token = session = nil
      loop do
        @io.synchronize do
          token, session = ask, @session if push && session != @session && connected?
          return true if token && @connection.answered >= token
        end
        return false unless pause(deadline)
      end
    end

    # Sends what has added up, for at most 100 ms, and ends the session. A later event begins another.
    def close
      drain(EXIT_SECONDS)
      @io.synchronize { @lock.synchronize { begin_anew } }
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
      @thread ||= Thread.new { sleep(@interval) && flush while true }
    end

    def drop
      @dropped += 1
      @drops.add(1)
      wait(@drops) unless @drops.waiting
    end

    def free_handle
      @free_handles.pop || (@next_handle < MAX_HANDLES ? (@next_handle += 1) - 1 : nil)
    end

    private

    def define(type, name, help, **options)
      family = Family.new(self, type, name, help, **options)
      found = @lock.synchronize { @families[family.name] ||= family }
      found.same?(family) ? found : raise(ArgumentError, "#{name} is already defined, as something else")
    end

    def begin_anew
      @connection&.close
      @connection = Connection.new(@path)
      @families.each_value { |family| family.series.each_value(&:leave).clear }
      @waiting, @free_handles, @next_handle, @count = [], [], 0, 0
      @drops = CounterSeries.new(self, nil, nil, %(sidemeter_client_dropped_total{client="#{NAME}"}))
      begin_session
    end

    def begin_session
      @session += 1
      @buffer, @sent, @declared = String.new(encoding: Encoding::BINARY), 0, nil
      @in_flight = [] # series, and where in the buffer their records end
    end

    # One pass over what waited when it began. True when the kernel has taken all of that.
    def push
      lose if @connection.open? && !@connection.read_replies
      left = @waiting.size
      until @buffer.empty? && (left <= 0 || @waiting.empty?)
        return false unless connected?
        left -= fill if @buffer.empty?
        return false unless write_buffer
      end
      true
    end

    def connected? = @connection.open? || @connection.open

    # Writes records into the empty buffer, up to `max_buffer`. The number of series that they tell of.
    def fill
      @lock.synchronize do
        declare
        while @buffer.bytesize < @max_buffer && (series = @waiting.shift)
          series.waiting = false
          series.write(@buffer, @session)
          @in_flight << [series, @buffer.bytesize]
        end
        @in_flight.size
      end
    end

    def declare
      @buffer << "hello v=1 pid=#{Process.pid} client=#{NAME}/#{VERSION}\n" unless @declared
      @declared ||= 0
      families = @declared < @families.size ? @families.values : []
      while @declared < families.size && @buffer.bytesize < @max_buffer
        @buffer << families[@declared].declaration
        @declared += 1
      end
    end

    # True when the kernel has taken the whole buffer.
    def write_buffer
      taken = @connection.write(@sent.zero? ? @buffer : @buffer.byteslice(@sent..))
      return lose unless taken
      @sent += taken
      return false if @sent < @buffer.bytesize
      @lock.synchronize { @in_flight.each { |series, _| leave(series) if series.gone? } }
      @in_flight.clear
      @buffer.clear
      @sent = 0
      true
    end

    # Asks for an answer when all before is applied.
    def ask
      fill
      @buffer << "sync #{@token += 1}\n"
      write_buffer
      @token
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

    def leave(series)
      @free_handles << series.handle if series.handle
      @count -= 1
      series.family.series.delete(series.key)
      series.leave
    end

    # False when the time is over.
    def pause(deadline)
      left = deadline - Sidemeter.now
      left.positive? && (@connection.pause([left, 0.01].min, @sent.positive?) || true)
    end

    def drain(seconds)
      deadline = Sidemeter.now + seconds
      nil until @io.synchronize { push } || !pause(deadline)
    end
  end

  # Tells the clients of a fork. `daemon` forks too, and ends the parent without at_exit.
  module ForkHook
    CLIENTS = []

    def _fork = super.tap { |pid| CLIENTS.each(&:after_fork) if pid.zero? }

    def daemon(*)
      CLIENTS.each(&:flush)
      super.tap { CLIENTS.each(&:after_fork) }
    end
  end
  Process.singleton_class.prepend(ForkHook)

  @making = Mutex.new

  class << self
    # The client of this process.
    def client = @client || @making.synchronize { @client ||= Client.new }

    %i[counter gauge histogram summary info stateset flush flush_and_wait dropped close].each do |name|
      define_method(name) { |*given, **named| client.public_send(name, *given, **named) }
    end
  end
end
