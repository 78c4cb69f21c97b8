import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import sidemeter.Series;
import sidemeter.Sidemeter;

/** The conformance program of the Java client: obeys the commands of ../README.md. */
final class Conformance {
    private static final Sidemeter CLIENT = new Sidemeter();
    private static final Map<String, Series.Family<?>> FAMILIES = new HashMap<>();

    private static String text(String word) {
        return word.equals("%") ? "" : URLDecoder.decode(word.replace("+", "%2B"), StandardCharsets.UTF_8);
    }

    private static String[] list(String word) {
        return word.equals("-") ? new String[0] : Arrays.stream(word.split(",", -1)).map(Conformance::text).toArray(String[]::new);
    }

    // The values of `name=value,…`.
    private static String[] values(String labels) {
        return Arrays.stream(list(labels)).map(label -> label.substring(label.indexOf('=') + 1)).toArray(String[]::new);
    }

    private static double number(String word) {
        return word.equals("nan") ? Double.NaN : Double.parseDouble(word);
    }

    private static Duration seconds(String word) {
        return Duration.ofNanos((long) (number(word) * 1e9));
    }

    private static Object series(String name, String labels) {
        return FAMILIES.get(text(name)).with(values(labels));
    }

    private static Sidemeter.Definition<?> definition(String type, String name) {
        return switch (type) {
            case "counter" -> CLIENT.counter(name);
            case "gauge" -> CLIENT.gauge(name);
            case "histogram" -> CLIENT.histogram(name);
            case "summary" -> CLIENT.summary(name);
            case "info" -> CLIENT.info(name);
            case "stateset" -> CLIENT.stateset(name);
            default -> throw new IllegalStateException("no such type: " + type);
        };
    }

    private static String define(String[] words) {
        String name = text(words[2]);
        Sidemeter.Definition<?> definition = definition(words[1], name).labels(list(words[4])).states(list(words[8]));
        if (!words[3].equals("-")) definition.help(text(words[3]));
        if (!words[5].equals("-")) definition.unit(text(words[5]));
        if (!words[6].equals("-")) definition.buckets(Arrays.stream(list(words[6])).mapToDouble(Conformance::number).toArray());
        if (!words[7].equals("-")) definition.mode(text(words[7]));
        try {
            FAMILIES.put(name, definition.define());
            return "ok";
        } catch (IllegalArgumentException wrong) {
            System.err.println(wrong.getMessage());
            return "error";
        }
    }

    private static long repeat(long count, Series.Counter counter) {
        long longest = 0;
        for (long i = 0; i < count; i++) {
            long start = System.nanoTime();
            counter.inc();
            longest = Math.max(longest, System.nanoTime() - start);
        }
        return longest / 1000;
    }

    private static void threads(int count, long events, Series.Counter counter) throws InterruptedException {
        Thread[] threads = new Thread[count];
        Arrays.setAll(threads, i -> new Thread(() -> repeat(events, counter)));
        for (Thread thread : threads) thread.start();
        for (Thread thread : threads) thread.join();
    }

    private static void add(Object series, double amount) {
        if (series instanceof Series.Gauge gauge) gauge.inc(amount);
        else ((Series.Counter) series).inc(amount);
    }

    private static String obey(String[] words) throws InterruptedException {
        switch (words[0]) {
            case "define": return define(words);
            case "inc": add(series(words[1], words[2]), number(words[3])); break;
            case "dec": ((Series.Gauge) series(words[1], words[2])).dec(number(words[3])); break;
            case "set": ((Series.Gauge) series(words[1], words[2])).set(number(words[3])); break;
            case "observe": ((Series.Observer) series(words[1], words[2])).observe(number(words[3])); break;
            case "time": ((Series.Observer) series(words[1], words[2])).time().close(); break;
            case "info": ((Series.Info) series(words[1], words[2])).set(); break;
            case "state": ((Series.Stateset) series(words[1], words[2])).set(text(words[3])); break;
            case "remove": FAMILIES.get(text(words[1])).remove(values(words[2])); break;
            case "many":
                Series.Family<?> family = FAMILIES.get(text(words[1]));
                for (int i = 0; i < Integer.parseInt(words[3]); i++) ((Series.Counter) family.with(Integer.toString(i))).inc();
                break;
            case "repeat": return Long.toString(repeat(Long.parseLong(words[1]), (Series.Counter) series(words[2], words[3])));
            case "threads":
                threads(Integer.parseInt(words[1]), Long.parseLong(words[2]), (Series.Counter) series(words[3], words[4]));
                break;
            case "fork": return "skip: the JVM cannot fork";
            case "flush": CLIENT.flush(); break;
            case "wait": return Boolean.toString(CLIENT.flushAndWait(seconds(words[1])));
            case "sleep": Thread.sleep(seconds(words[1]).toMillis()); break;
            case "dropped": return Long.toString(CLIENT.dropped());
            default: throw new IllegalStateException("no such command: " + words[0]);
        }
        return "ok";
    }

    // The client is not closed: the hook of the JVM's exit does it.
    public static void main(String[] arguments) throws IOException, InterruptedException {
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = commands.readLine()) != null && !line.equals("exit"); ) {
            System.out.println(obey(line.split("\t", -1)));
        }
    }
}
