package sidemeter;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * Pushes metrics to a Sidemeter agent on the same host.
 *
 * <pre>{@code
 * static final Sidemeter METRICS = new Sidemeter();
 * static final Series.Family<Series.Counter> REQUESTS =
 *         METRICS.counter("http_requests_total").help("Requests answered.").labels("code").define();
 * REQUESTS.with("200").inc();
 * }</pre>
 *
 * An event is an addition in memory; a daemon thread sends what has added up. No call but {@code flushAndWait} and
 * {@code close} waits for the agent. What is wrong in a definition is an IllegalArgumentException there; what is wrong
 * in an event is counted by {@code dropped} and changes nothing. Any thread may use everything.
 */
public final class Sidemeter implements AutoCloseable {
    private static final String CLIENT = "sidemeter-java", VERSION = "0.1.0";
    private static final int HANDLES = 4096; // later series are written by their text
    private static final long SHORTEST_WAIT_MS = 100, LONGEST_WAIT_MS = 5_000; // between two tries to connect
    private static final long LONGEST_CLOSE_MS = 1_000; // at exit the classes of the socket may have to be loaded first

    /** Of a histogram, in seconds. */
    public static final List<Double> DEFAULT_BUCKETS =
            List.of(.005, .01, .025, .05, .075, .1, .25, .5, .75, 1., 2.5, 5., 7.5, 10.);

    /**
     * @param socket    path of the agent's socket; null: $SIDEMETER_SOCKET, else /run/sidemeter/sidemeter.sock
     * @param interval  between two flushes
     * @param maxSeries past it, events of new series are dropped
     * @param maxBuffer bytes written for the socket at a time
     */
    public record Options(String socket, Duration interval, int maxSeries, int maxBuffer) {
        /** 250 ms, 10 000 series, 64 KiB. */
        public Options(String socket) {
            this(socket, Duration.ofMillis(250), 10_000, 64 << 10);
        }
    }

    final Options options;
    private final UnixDomainSocketAddress address;
    final LongAdder dropped = new LongAdder();
    private final Session session = new Session();
    private final Thread hook = new Thread(this::close, "sidemeter at exit");

    // The table; guarded by itself.
    private final List<Series.Table> families = new ArrayList<>();
    final TreeMap<Long, Series> table = new TreeMap<>(); // in the order of creation
    long created;
    int removed; // series of which `first` tells the agent
    final Bytes first = new Bytes(); // records that go before those of the table

    // What the thread is to do; guarded by `wishes`.
    private final Object wishes = new Object();
    private boolean flush, closing, closed;
    private long syncs, answered; // asked for, and the last of them that was answered

    public Sidemeter() {
        this(new Options(null));
    }

    /** Begins to flush. Does not wait for the agent. */
    public Sidemeter(Options options) {
        this.options = options;
        String given = options.socket != null ? options.socket : System.getenv("SIDEMETER_SOCKET");
        boolean isGiven = given != null && !given.isEmpty();
        address = UnixDomainSocketAddress.of(isGiven ? given : "/run/sidemeter/sidemeter.sock");
        Thread thread = new Thread(this::run, "sidemeter");
        thread.setDaemon(true);
        thread.start();
        Runtime.getRuntime().addShutdownHook(hook);
    }

    /** How many events were not kept: with wrong values or labels, or of series past {@code maxSeries}. */
    public long dropped() {
        return dropped.sum();
    }

    /** Has what has added up sent now, and does not wait for it. */
    public void flush() {
        synchronized (wishes) {
            flush = true;
            wishes.notifyAll();
        }
    }

    /** Sends what has added up and waits until the next scrape shows it. False when time is over, or interrupted. */
    public boolean flushAndWait(Duration timeout) {
        synchronized (wishes) {
            long mine = ++syncs;
            wishes.notifyAll();
            return await(timeout.toNanos(), () -> answered >= mine) && answered >= mine;
        }
    }

    /** Sends what has added up, waiting for the agent no longer than a second, and ends. Called when the JVM exits. */
    @Override public void close() {
        synchronized (wishes) {
            closing = true;
            wishes.notifyAll();
            await(LONGEST_CLOSE_MS * 1_000_000, () -> closed);
        }
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException exiting) {
            // It is what runs.
        }
    }

    private boolean await(long nanos, BooleanSupplier fulfilled) {
        long end = System.nanoTime() + nanos;
        try {
            for (long left = nanos; left > 0 && !closed && !fulfilled.getAsBoolean(); left = end - System.nanoTime())
                wishes.wait(left / 1_000_000, (int) (left % 1_000_000));
            return true;
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private void run() {
        for (boolean over = false; !over; ) {
            long asked;
            boolean end;
            synchronized (wishes) {
                try {
                    if (!flush) wishes.wait(answered < syncs || closing ? 1 : Math.max(1, options.interval.toMillis()));
                } catch (InterruptedException stray) {
                    // Nobody has this thread but the client.
                }
                flush = false;
                asked = syncs;
                end = closing;
            }
            session.push();
            long done = session.sync(asked);
            over = end && session.isOver();
            synchronized (wishes) {
                answered = done;
                closed = over;
                wishes.notifyAll();
            }
        }
    }

    /** Bytes that grow at the end and are taken off whole. */
    static final class Bytes extends ByteArrayOutputStream {
        Bytes put(String text) {
            writeBytes(text.getBytes(StandardCharsets.UTF_8));
            return this;
        }

        // What follows the last LF before `end`: the record that was cut there, and all behind it.
        byte[] from(int end) {
            while (end > 0 && buf[end - 1] != '\n') end--;
            return Arrays.copyOfRange(buf, end, count);
        }

        ByteBuffer rest(int sent) {
            return ByteBuffer.wrap(buf, sent, count - sent);
        }
    }

    /** The connection: used by the client's thread only. */
    private final class Session {
        private SocketChannel socket;
        private long number, rounds, next; // of the session; through all series; the series with which a round goes on
        private int declared; // families, in this session
        private final List<Series> bound = new ArrayList<>(); // by handle: the same in every session
        private final Bytes buffer = new Bytes();
        private int sent; // bytes of buffer that the kernel has taken
        private long reported; // of dropped
        private final StringBuilder replies = new StringBuilder();
        private long asked, target, answered, syncedIn; // the sync waited for, behind which round; where it was sent
        private long tryAt = now(), wait = SHORTEST_WAIT_MS, closeTarget, closeBy; // in ms

        private static long now() {
            return System.nanoTime() / 1_000_000;
        }

        // Sends a round of records, or as many as the kernel takes.
        void push() {
            if (socket == null && now() - tryAt >= 0) connect();
            read();
            for (long end = rounds + 1; socket != null && rounds < end; ) {
                if (buffer.size() == 0) fill();
                send();
                if (buffer.size() > 0) return;
            }
        }

        private void connect() {
            tryAt = now() + wait;
            wait = Math.min(2 * wait, LONGEST_WAIT_MS);
            try {
                socket = SocketChannel.open(StandardProtocolFamily.UNIX);
                socket.configureBlocking(false);
                if (!socket.connect(address)) throw new IOException("the agent accepts too slowly");
            } catch (IOException absent) {
                lose();
                return;
            }
            wait = SHORTEST_WAIT_MS;
            number++;
            declared = 0;
            replies.setLength(0);
            buffer.put("hello v=1 pid=" + ProcessHandle.current().pid() + " client=" + CLIENT + "/" + VERSION + "\n");
            for (Series series : bound) buffer.put(series.prefix + " " + series.family.verb + " " + series.text + "\n");
            fill();
        }

        // Reads what the agent has answered. Of interest is only which sync it answered.
        private void read() {
            ByteBuffer data = ByteBuffer.allocate(4096);
            try {
                for (int count; socket != null && (count = socket.read(data.clear())) != 0; ) {
                    if (count < 0) lose();
                    else replies.append(new String(data.array(), 0, count, StandardCharsets.ISO_8859_1));
                }
            } catch (IOException gone) {
                lose();
            }
            for (int end; (end = replies.indexOf("\n")) >= 0; replies.delete(0, end + 1)) {
                String[] words = replies.substring(0, end).split(" ");
                if (words[0].equals("ok")) answered = Long.parseLong(words[1]);
            }
        }

        private void send() {
            try {
                for (int count; sent < buffer.size(); sent += count)
                    if ((count = socket.write(buffer.rest(sent))) == 0) return;
                buffer.reset();
                sent = 0;
            } catch (IOException gone) {
                lose();
            }
        }

        // Ends the session. From the record on that was cut, all goes first in the next one.
        private void lose() {
            try {
                if (socket != null) socket.close();
            } catch (IOException closed) {
                // So it is.
            }
            socket = null;
            synchronized (table) {
                byte[] later = first.toByteArray();
                first.reset();
                first.writeBytes(buffer.from(sent));
                first.writeBytes(later);
            }
            buffer.reset();
            sent = 0;
        }

        // Sends the sync that was asked for last, behind all that the table held then, one at a time. Gives the last
        // that was answered.
        long sync(long wanted) {
            if (asked == answered && wanted > asked) {
                asked = wanted;
                target = rounds + 2; // one may be under way
                syncedIn = 0;
            }
            if (asked > answered && socket != null && buffer.size() == 0 && rounds >= target && syncedIn != number) {
                syncedIn = number;
                buffer.put("sync " + asked + "\n");
                send();
            }
            return answered;
        }

        // To be asked after each push, until it is true: all that the table held is sent, or cannot be.
        boolean isOver() {
            if (closeTarget == 0) {
                closeTarget = rounds + 2;
                closeBy = now() + LONGEST_CLOSE_MS;
                tryAt = now();
                return false;
            }
            if (socket != null && now() < closeBy && (buffer.size() > 0 || rounds < closeTarget)) return false;
            lose();
            return true;
        }

        // Writes what the table holds, until the buffer is full or the round ends.
        private void fill() {
            synchronized (table) {
                for (; declared < families.size(); declared++) buffer.put(families.get(declared).declaration);
                buffer.writeBytes(first.toByteArray());
                first.reset();
                removed = 0;
                long more = dropped.sum() - reported;
                if (more > 0) buffer.put("c sidemeter_client_dropped_total{client=\"" + CLIENT + "\"} " + more + "\n");
                reported += more;
                for (Map.Entry<Long, Series> entry : table.tailMap(next).entrySet()) {
                    next = entry.getKey();
                    if (buffer.size() >= options.maxBuffer) return;
                    write(entry.getValue());
                }
                next = 0;
                rounds++;
            }
        }

        // Writes the record of a series, if it has something to send.
        //   @7 c http_requests_total{code="200",}    once a session, where a handle is free
        //   @7 12
        private void write(Series series) {
            String operands = series.take(series.sentIn != number);
            if (operands == null) return;
            if (series.sentIn == 0 && bound.size() < HANDLES) {
                series.prefix = "@" + bound.size();
                bound.add(series);
                buffer.put(series.prefix + " " + series.family.verb + " " + series.text + "\n");
            }
            series.sentIn = number;
            buffer.put(series.prefix).put(operands).put("\n");
        }
    }

    public Definition<Series.Counter> counter(String name) {
        return new Definition<>("counter", "c", name, Series.Counter::new);
    }

    public Definition<Series.Gauge> gauge(String name) {
        return new Definition<>("gauge", "g", name, Series.Gauge::new);
    }

    public Definition<Series.Observer> histogram(String name) {
        return new Definition<>("histogram", "m", name, Series.Observer::new);
    }

    /** A count and a sum. */
    public Definition<Series.Observer> summary(String name) {
        return new Definition<>("summary", "m", name, Series.Observer::new);
    }

    /** Its labels are its content. */
    public Definition<Series.Info> info(String name) {
        return new Definition<>("info", "i", name, Series.Info::new);
    }

    public Definition<Series.Stateset> stateset(String name) {
        return new Definition<>("stateset", "e", name, Series.Stateset::new);
    }

    /** Of a metric family; {@code define} gives it. */
    public final class Definition<S> {
        private final String kind, verb, name;
        private final Function<Series, S> type;
        private String help = "", unit = "", mode = "";
        private List<String> labels = List.of(), states = List.of();
        private List<Double> buckets = List.of();

        private Definition(String kind, String verb, String name, Function<Series, S> type) {
            this.kind = kind;
            this.verb = verb;
            this.name = name;
            this.type = type;
            if (kind.equals("histogram")) buckets = DEFAULT_BUCKETS;
        }

        public Definition<S> help(String text) { help = text; return this; }
        /** Names; {@code with} takes the values in the same order. */
        public Definition<S> labels(String... names) { labels = List.of(names); return this; }
        /** As "seconds": the end of the name, or appended to it by the agent. */
        public Definition<S> unit(String word) { unit = word; return this; }
        /** Of a histogram: upper bounds that rise. */
        public Definition<S> buckets(double... bounds) { buckets = Arrays.stream(bounds).boxed().toList(); return this; }
        /** Of a gauge: "last" unless given, "sum", "livesum", … (proto/PROTOCOL.md). */
        public Definition<S> mode(String word) { mode = word; return this; }
        public Definition<S> states(String... words) { states = List.of(words); return this; }

        /** The same definition again gives the same family. Throws IllegalArgumentException and tells what is wrong. */
        public Series.Family<S> define() {
            check();
            boolean keepsOwn = !mode.isEmpty() && !mode.equals("last");
            Series.Table family =
                    new Series.Table(Sidemeter.this, name, verb, declaration(), labels, states, buckets, keepsOwn);
            synchronized (table) {
                for (Series.Table known : families) {
                    if (!known.name.equals(name)) continue;
                    want(known.declaration.equals(family.declaration) && known.labels.equals(labels),
                            "the name is defined already, in another way:\n" + known.declaration);
                    return new Series.Family<>(known, type);
                }
                families.add(family);
                return new Series.Family<>(family, type);
            }
        }

        // What the agent would refuse (proto/PROTOCOL.md, "Limits").
        private void check() {
            Map<String, String> kept = Map.of("histogram", "le", "summary", "quantile", "stateset", name);
            String reserved = mode.endsWith("all") ? "pid" : kept.getOrDefault(kind, "");
            boolean unitless = kind.equals("info") || kind.equals("stateset");
            want(name.matches("[a-zA-Z_:][a-zA-Z0-9_:]{0,511}") && !name.startsWith("sidemeter_"),
                    "a name matches [a-zA-Z_:][a-zA-Z0-9_:]*, has at most 512 bytes, and does not begin with sidemeter_");
            want(isText(help, 4096), "a help is text of at most 4096 bytes");
            want(different(labels, 32, label -> label.matches("(?!__)[a-zA-Z_][a-zA-Z0-9_]{0,511}")),
                    "at most 32 different labels match [a-zA-Z_][a-zA-Z0-9_]*, and none is __…");
            want(!labels.contains(reserved), "the label " + reserved + " is the agent's own");
            want(unit.isEmpty() || unit.matches("[a-zA-Z0-9_]{1,512}") && !unitless,
                    "a unit matches [a-zA-Z0-9_]+, and info and stateset have none");
            want(mode.isEmpty() || mode.matches("last|(live)?(sum|min|max|mostrecent|all)") && kind.equals("gauge"),
                    "only a gauge has a mode: last or [live](sum|min|max|mostrecent|all)");
            want(kind.equals("histogram") != buckets.isEmpty() && different(buckets, 128, Double::isFinite)
                            && buckets.equals(buckets.stream().sorted().toList()),
                    "only a histogram has buckets: 1 to 128 finite bounds that rise");
            want(kind.equals("stateset") != states.isEmpty()
                            && different(states, 128, state -> state.matches("\\S+") && isText(state, 2048)),
                    "only a stateset has states: 1 to 128 different words");
        }

        private void want(boolean holds, String rule) {
            if (holds) return;
            throw new IllegalArgumentException(
                    rule + ", got " + List.of(kind, name, labels, unit, mode, buckets, states));
        }

        private String declaration() {
            String bounds = buckets.toString().replaceAll("[\\[\\],]", "");
            String[][] parts = {{"TYPE", kind}, {"HELP", escaped(help)}, {"UNIT", unit}, {"BUCKETS", bounds},
                    {"MODE", mode}, {"STATES", String.join(" ", states)}};
            StringBuilder records = new StringBuilder();
            for (String[] part : parts)
                if (!part[1].isEmpty()) records.append("# " + part[0] + " " + name + " " + part[1] + "\n");
            return records.toString();
        }
    }

    private static <T> boolean different(List<T> items, int most, Predicate<T> right) {
        boolean once = new HashSet<>(items).size() == items.size();
        return once && items.size() <= most && items.stream().allMatch(right);
    }

    static boolean isText(String text, int most) {
        if (!StandardCharsets.UTF_8.newEncoder().canEncode(text)) return false;
        return text.getBytes(StandardCharsets.UTF_8).length <= most && text.indexOf(0) < 0;
    }

    static String escaped(String text) {
        return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\"", "\\\"");
    }
}
