import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import sidemeter.Series;
import sidemeter.Sidemeter;

/** What the runner does not show: cut records, definitions, dropped events. Prints what failed, and the counts last. */
final class SidemeterTest {
    private interface Case {
        void run() throws Exception;
    }

    private static void equal(Object wanted, Object found, String what) {
        if (!wanted.equals(found)) throw new AssertionError(what + ": wanted " + wanted + ", got " + found);
    }

    private static Sidemeter.Options options(String socket, int maxSeries) {
        return new Sidemeter.Options(socket, Duration.ofHours(1), maxSeries, 1 << 20);
    }

    // Applies whole records of counters by the rules of proto/PROTOCOL.md; the last one without LF is not applied.
    private static void apply(String session, Map<String, Double> totals) {
        Map<String, String> bound = new HashMap<>();
        for (String record : session.substring(0, session.lastIndexOf('\n')).split("\n")) {
            String[] words = record.split(" ");
            if (words[0].startsWith("@") && words.length == 3) {
                bound.put(words[0], words[2]);
            } else if (words[0].startsWith("@")) {
                equal(true, bound.containsKey(words[0]), record + " is bound in this session");
                totals.merge(bound.get(words[0]), Double.parseDouble(words[1]), Double::sum);
            } else if (words[0].equals("c")) {
                totals.merge(words[1], Double.parseDouble(words[2]), Double::sum);
            }
        }
    }

    // What comes until `last`, or, where that is null, until nothing came for 100 ms.
    private static String read(SocketChannel session, String last) throws IOException, InterruptedException {
        StringBuilder text = new StringBuilder();
        ByteBuffer part = ByteBuffer.allocate(1 << 20);
        session.configureBlocking(last != null);
        for (int quiet = 0; quiet < 10 && (last == null || text.indexOf(last, text.length() - 100) < 0); ) {
            int count = session.read(part.clear());
            if (count < 0) throw new IOException("the session ended");
            text.append(new String(part.array(), 0, count, StandardCharsets.US_ASCII));
            quiet = count > 0 ? 0 : quiet + 1;
            if (count == 0) Thread.sleep(10);
        }
        return text.toString();
    }

    private static void aRecordThatIsCutIsSentAgainAndNoneTwice() throws Exception {
        Path folder = Files.createTempDirectory("sidemeter-");
        Path path = folder.resolve("s.sock");
        try (ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            listener.bind(UnixDomainSocketAddress.of(path));
            try (Sidemeter client = new Sidemeter(options(path.toString(), 10_000))) {
                Series.Family<Series.Counter> family = client.counter("c").labels("n").define();
                int count = 9_000; // more than there are handles, and more than the kernel's buffer holds
                for (int i = 0; i < count; i++) family.with("x".repeat(60) + i).inc(i);
                client.flush();
                SocketChannel first = listener.accept();
                Thread.sleep(300); // until the kernel takes no more
                for (int i = 0; i < count; i++) family.with("x".repeat(60) + i).inc();
                String taken = read(first, null); // what the kernel has taken counts as sent
                equal(true, taken.length() < 600_000, "the kernel takes a part");
                Map<String, Double> totals = new TreeMap<>();
                apply(taken, totals);
                first.close();
                CompletableFuture<String> rest = CompletableFuture.supplyAsync(() -> {
                    try (SocketChannel second = listener.accept()) {
                        String text = read(second, "sync 1\n");
                        second.write(ByteBuffer.wrap("hello v=1\nok 1 accepted=1 rejected=0\n".getBytes(StandardCharsets.US_ASCII)));
                        return text;
                    } catch (IOException | InterruptedException fault) {
                        throw new AssertionError(fault);
                    }
                });
                equal(true, client.flushAndWait(Duration.ofSeconds(10)), "the sync was answered");
                apply(rest.get(), totals);
                for (int i = 0; i < count; i++) {
                    String series = "c{n=\"" + "x".repeat(60) + i + "\",}";
                    equal(i + 1.0, totals.get(series), series);
                }
            }
        } finally {
            Files.deleteIfExists(path);
            Files.delete(folder);
        }
    }

    private static void whatTheAgentWouldRefuseIsThrownAtDefinition() {
        try (Sidemeter client = new Sidemeter(options("/nonexistent/socket", 10))) {
            client.counter("known_total").define();
            client.counter("known_total").define();
            Map<String, Sidemeter.Definition<?>> wrong = new TreeMap<>();
            wrong.put("a long name", client.counter("x".repeat(513)));
            wrong.put("a closed name", client.counter("sidemeter_x"));
            wrong.put("another type", client.gauge("known_total"));
            wrong.put("a label twice", client.counter("x").labels("a", "a"));
            wrong.put("the label pid", client.gauge("x").labels("pid").mode("all"));
            wrong.put("an info's unit", client.info("x").unit("seconds"));
            wrong.put("a unit of a blank", client.counter("x").unit("a b"));
            wrong.put("a counter's mode", client.counter("x").mode("sum"));
            wrong.put("livelast", client.gauge("x").mode("livelast"));
            wrong.put("a bound twice", client.histogram("x").buckets(1, 1));
            wrong.put("no bound", client.histogram("x").buckets());
            wrong.put("a state of words", client.stateset("x").states("a b"));
            wrong.put("a state twice", client.stateset("x").states("a", "a"));
            wrong.put("a help of 4097", client.counter("x").help("x".repeat(4097)));
            wrong.put("half a surrogate pair", client.counter("x").help("\ud800"));
            wrong.forEach((what, definition) -> {
                boolean refused = false;
                try {
                    definition.define();
                } catch (IllegalArgumentException told) {
                    refused = true;
                }
                equal(true, refused, what + " is refused");
            });
        }
    }

    private static void eventsOfWrongSeriesAreDropped() {
        try (Sidemeter client = new Sidemeter(options("/nonexistent/socket", 1))) {
            Series.Family<Series.Counter> family = client.counter("c").labels("a").define();
            String[][] wrong = {{}, {null}, {"x", null}, {"x", "y"}, {"a\0b"}, {"\ud800"}, {"x".repeat(2049)}};
            long dropped = 0;
            for (String[] values : wrong) {
                family.with(values).inc();
                equal(++dropped, client.dropped(), "dropped after " + values.length + " values");
            }
            Series.Counter kept = family.with("kept");
            kept.inc();
            family.with("one more").inc();
            equal(++dropped, client.dropped(), "dropped after one series more than the limit");
            family.remove("kept");
            kept.inc(); // its removal is not told yet, and takes its place
            equal(++dropped, client.dropped(), "dropped past the limit with a removal");
        }
    }

    private static void aCloseWithoutAnAgentDoesNotWaitForOne() {
        Sidemeter client = new Sidemeter(options("/nonexistent/socket", 10));
        client.counter("c").define().with().inc();
        long start = System.nanoTime();
        client.close();
        long took = (System.nanoTime() - start) / 1_000_000;
        equal(true, took < 250, "closed at once, in " + took + " ms");
    }

    public static void main(String[] arguments) {
        Map<String, Case> cases = new TreeMap<>();
        cases.put("a record that is cut is sent again, and none twice", SidemeterTest::aRecordThatIsCutIsSentAgainAndNoneTwice);
        cases.put("what the agent would refuse is thrown at definition", SidemeterTest::whatTheAgentWouldRefuseIsThrownAtDefinition);
        cases.put("events of wrong series are dropped", SidemeterTest::eventsOfWrongSeriesAreDropped);
        cases.put("a close without an agent does not wait for one", SidemeterTest::aCloseWithoutAnAgentDoesNotWaitForOne);
        int failed = 0;
        for (Map.Entry<String, Case> test : cases.entrySet()) {
            try {
                test.getValue().run();
            } catch (Exception | AssertionError fault) {
                failed++;
                System.out.println("java: " + test.getKey() + ": " + fault);
            }
        }
        System.out.println(cases.size() - failed + " passed, " + failed + " failed, 0 skipped");
        System.exit(failed == 0 ? 0 : 1);
    }
}
