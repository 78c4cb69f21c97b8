import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.util.Arrays;
import sidemeter.Series;
import sidemeter.Sidemeter;

/** Nanoseconds per event, ours beside Micrometer's Prometheus registry, one thread and two, alternating in one run. */
final class Peer {
    private static final int WARM_UP = 3, ROUNDS = 7, EVENTS = 2_000_000;

    private static double measure(int threads, Runnable loop) throws InterruptedException {
        Thread[] running = new Thread[threads];
        Arrays.setAll(running, i -> new Thread(loop));
        long start = System.nanoTime();
        for (Thread thread : running) thread.start();
        for (Thread thread : running) thread.join();
        return (System.nanoTime() - start) / (double) EVENTS;
    }

    // Medians of the rounds. Each loop is code of its own, so that neither is compiled for both.
    private static void row(String what, int threads, Runnable ours, Runnable theirs) throws InterruptedException {
        double[][] times = new double[2][ROUNDS];
        for (int round = -WARM_UP; round < ROUNDS; round++) {
            double our = measure(threads, ours), their = measure(threads, theirs);
            if (round < 0) continue;
            times[0][round] = our;
            times[1][round] = their;
        }
        for (double[] each : times) Arrays.sort(each);
        double our = times[0][ROUNDS / 2], their = times[1][ROUNDS / 2];
        System.out.printf("%-28s %8.1f %12.1f %6.2f%n", what, our, their, our / their);
    }

    public static void main(String[] arguments) throws InterruptedException {
        Sidemeter client = new Sidemeter(new Sidemeter.Options("/nonexistent/socket"));
        Series.Family<Series.Counter> ourCounters = client.counter("c").labels("code").define();
        Series.Counter ourCounter = ourCounters.with("200");
        Series.Observer ourHistogram = client.histogram("h").define().with();
        PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        Counter theirCounter = registry.counter("c", "code", "200");
        double[] bounds = Sidemeter.DEFAULT_BUCKETS.stream().mapToDouble(Double::doubleValue).toArray();
        DistributionSummary theirHistogram = DistributionSummary.builder("h").serviceLevelObjectives(bounds).register(registry);

        System.out.printf("%-28s %8s %12s %6s%n", "ns an event", "ours", "Micrometer", "ratio");
        Runnable ourInc = () -> { for (int i = 0; i < EVENTS; i++) ourCounter.inc(); };
        Runnable theirInc = () -> { for (int i = 0; i < EVENTS; i++) theirCounter.increment(); };
        Runnable ourObserve = () -> { for (int i = 0; i < EVENTS; i++) ourHistogram.observe(0.3); };
        Runnable theirObserve = () -> { for (int i = 0; i < EVENTS; i++) theirHistogram.record(0.3); };
        row("inc", 1, ourInc, theirInc);
        row("inc, two threads", 2, ourInc, theirInc);
        row("inc, label looked up", 1,
                () -> { for (int i = 0; i < EVENTS; i++) ourCounters.with("200").inc(); },
                () -> { for (int i = 0; i < EVENTS; i++) registry.counter("c", "code", "200").increment(); });
        row("inc by 0.5", 1,
                () -> { for (int i = 0; i < EVENTS; i++) ourCounter.inc(0.5); },
                () -> { for (int i = 0; i < EVENTS; i++) theirCounter.increment(0.5); });
        row("observe, 14 buckets", 1, ourObserve, theirObserve);
        row("observe, two threads", 2, ourObserve, theirObserve);
        client.close();
    }
}
