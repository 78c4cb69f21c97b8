import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import sidemeter.Series;
import sidemeter.Sidemeter;

/** Serves HTTP on loopback and counts what it answers. */
public final class Serve {
    private static final Sidemeter METRICS = new Sidemeter();
    private static final Series.Family<Series.Counter> REQUESTS =
            METRICS.counter("http_requests_total").help("Requests answered.").labels("code").define();
    private static final Series.Observer SECONDS =
            METRICS.histogram("http_request_seconds").help("Time to answer.").unit("seconds").define().with();
    private static final Series.Gauge RUNNING =
            METRICS.gauge("http_requests_running").help("Requests being answered.").mode("livesum").define().with();

    private Serve() {}

    public static void main(String[] arguments) throws IOException {
        Series.Counter ok = REQUESTS.with("200"); // looked up once
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 8080), 0);
        server.createContext("/", exchange -> {
            RUNNING.inc();
            try (Series.Timer timer = SECONDS.time(); exchange) {
                byte[] body = "hello\n".getBytes();
                exchange.sendResponseHeaders(200, body.length);
                exchange.getResponseBody().write(body);
                ok.inc();
            } finally {
                RUNNING.dec();
            }
        });
        server.start(); // until the JVM is told to end: then the client's hook sends the rest
    }
}
