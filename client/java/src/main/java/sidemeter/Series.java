package sidemeter;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;

/** A metric family and a label set, and what has happened since it was last sent. Applications use the types in it. */
public final class Series {
    final Table family;
    final String[] values;
    final String text; // jobs_total{queue="mail",}
    final long place;
    volatile boolean gone; // removed, or never in the table
    String prefix; // of its records: a handle, or verb and text; this and the next are the session's
    long sentIn;

    final LongAdder[] counts; // a bucket each; of a counter, what inc() has added
    final long[] counted; // so many of them were sent
    final AtomicLong amount = new AtomicLong(); // bits of a double: what else a counter goes up by, or a sum

    // Guarded by this.
    double value, added; // of a gauge, as this process knows it; what of it was not sent
    String state = "";
    boolean changed, due, stated; // something is to be sent; the value itself; it was once

    Series(Table family, String[] values, String text, long place, boolean gone) {
        this.family = family;
        this.values = values;
        this.text = text;
        this.place = place;
        this.gone = gone;
        prefix = family.verb + " " + text;
        counts = new LongAdder[family.bounds.length + 1];
        Arrays.setAll(counts, i -> new LongAdder());
        counted = new long[counts.length];
    }

    // The series that takes an event; one that is gone takes it unseen.
    Series live() {
        if (!gone) return this;
        Series now = family.with(values);
        if (now.gone) drop();
        return now;
    }

    void drop() {
        family.client.dropped.increment();
    }

    void add(double value) {
        for (long old = amount.get(); ; old = amount.get())
            if (amount.compareAndSet(old, Double.doubleToRawLongBits(Double.longBitsToDouble(old) + value))) return;
    }

    synchronized void change(double value, boolean set) {
        if (set) this.value = added = 0;
        this.value += value;
        added += value;
        changed = true;
        due |= set || family.keepsOwn;
        stated |= due;
    }

    synchronized void enter(String state) {
        this.state = state;
        changed = stated = true;
    }

    // Takes what happened since it was last sent, as operands; null when nothing did.
    String take(boolean anew) {
        if (family.verb.equals("c") || family.verb.equals("m")) return takeAmounts();
        synchronized (this) {
            boolean again = anew && stated;
            if (!changed && !again) return null;
            String operands = !family.verb.equals("g") ? " " + state : due || again ? " " + value : " +=" + added;
            changed = due = false;
            added = 0;
            return operands;
        }
    }

    private String takeAmounts() {
        StringBuilder text = new StringBuilder();
        long events = 0;
        for (int i = 0; i < counts.length; i++) {
            long all = counts[i].sum(), more = all - counted[i];
            counted[i] = all;
            events += more;
            text.append(' ').append(more);
        }
        if (events == 0 && (family.verb.equals("m") || amount.get() == 0)) return null;
        double sum = Double.longBitsToDouble(amount.getAndSet(0));
        return family.verb.equals("c") ? " " + (sum + events) : " " + sum + text;
    }

    /** The series of a family. */
    static final class Table {
        final Sidemeter client;
        final String name, verb, declaration;
        final List<String> labels, states;
        final double[] bounds;
        final boolean keepsOwn; // a gauge whose value is the session's
        final Map<Object, Series> known = new ConcurrentHashMap<>(); // by the label values

        Table(Sidemeter client, String name, String verb, String declaration, List<String> labels, List<String> states,
                List<Double> buckets, boolean keepsOwn) {
            this.client = client;
            this.name = name;
            this.verb = verb;
            this.declaration = declaration;
            this.labels = labels;
            this.states = states;
            this.keepsOwn = keepsOwn;
            bounds = buckets.stream().mapToDouble(Double::doubleValue).toArray();
        }

        Series with(String[] values) {
            Series series = known.get(key(values));
            return series != null ? series : create(values.clone());
        }

        private static Object key(String[] values) {
            return values.length == 1 && values[0] != null ? values[0] : Arrays.asList(values);
        }

        private Series create(String[] values) {
            boolean right = values.length == labels.size();
            StringBuilder text = new StringBuilder(name).append('{');
            for (int i = 0; right && i < values.length; i++) {
                right = values[i] != null && Sidemeter.isText(values[i], 2048);
                if (right) text.append(labels.get(i)).append("=\"").append(Sidemeter.escaped(values[i])).append("\",");
            }
            Object key = key(values);
            synchronized (client.table) {
                Series other = right ? known.get(key) : null;
                if (other != null) return other;
                boolean hasRoom = client.table.size() + client.removed < client.options.maxSeries();
                boolean kept = right && text.length() <= 20_000 && hasRoom;
                Series series = new Series(this, values, text.append('}').toString(), client.created++, !kept);
                if (!kept) return series;
                known.put(key, series);
                client.table.put(series.place, series);
                return series;
            }
        }

        void remove(String[] values) {
            Series series = with(values);
            synchronized (client.table) {
                if (!client.table.remove(series.place, series)) return;
                series.gone = true;
                known.values().remove(series);
                client.first.put("x " + series.text + "\n");
                client.removed++;
            }
        }
    }

    /** A metric family with series of the type S. */
    public static final class Family<S> {
        private final Table family;
        private final Function<Series, S> type;

        Family(Table family, Function<Series, S> type) {
            this.family = family;
            this.type = type;
        }

        /**
         * The series of these label values; keep it where it is used often. When the values are wrong or there are too
         * many series, events of it are dropped.
         */
        public S with(String... values) { return type.apply(family.with(values)); }

        /** Ends the series, here and at the agent. A later event makes it anew. */
        public void remove(String... values) { family.remove(values); }
    }

    /** Only goes up. */
    public static final class Counter {
        private final Series series;
        Counter(Series series) { this.series = series; }
        public void inc() { series.live().counts[0].increment(); }
        /** A finite amount of at least 0. */
        public void inc(double amount) {
            if (amount >= 0 && amount <= Double.MAX_VALUE) series.live().add(amount);
            else series.drop();
        }
    }

    /** Goes up and down. */
    public static final class Gauge {
        private final Series series;
        Gauge(Series series) { this.series = series; }
        public void set(double value) { series.live().change(value, true); }
        public void inc(double amount) { series.live().change(amount, false); }
        public void dec(double amount) { series.live().change(-amount, false); }
        public void inc() { inc(1); }
        public void dec() { dec(1); }
    }

    /** Of a histogram or a summary. */
    public static final class Observer {
        private final Series series;
        Observer(Series series) { this.series = series; }

        /** A value, a time in seconds; neither NaN nor -Infinity, which would make the sum NaN. */
        public void observe(double value) {
            if (!(value >= -Double.MAX_VALUE)) {
                series.drop();
                return;
            }
            Series live = series.live();
            double[] bounds = live.family.bounds;
            int bucket = 0;
            while (bucket < bounds.length && value > bounds[bucket]) bucket++;
            live.add(value);
            live.counts[bucket].increment(); // last, so that no count is sent without its value
        }

        /** {@code try (var timer = series.time()) { … }} observes the seconds that it took. */
        public Timer time() {
            long start = System.nanoTime();
            return () -> observe((System.nanoTime() - start) / 1e9);
        }
    }

    /** Observes when it is closed. */
    public interface Timer extends AutoCloseable {
        @Override void close();
    }

    /** Its labels are its content. */
    public static final class Info {
        private final Series series;
        Info(Series series) { this.series = series; }
        public void set() { series.live().enter(""); }
    }

    /** One of its states is true. */
    public static final class Stateset {
        private final Series series;
        Stateset(Series series) { this.series = series; }
        /** One of the family's states. */
        public void set(String state) {
            if (series.family.states.contains(state)) series.live().enter(state);
            else series.drop();
        }
    }
}
