#include "agent/scrape/reply.h"

#include <string>

#include "tests/agent/metrics/rendering.h"
#include "tests/support/catch.h"

using namespace sidemeter;

namespace {

struct Server {
  Metrics metrics;
  ReplyOptions options;

  Server() { REQUIRE(metrics.apply("c jobs 3") == ""); }

  Reply ask(const http::Request& request) { return respond(request, metrics.registry, options); }
  Reply ask(const std::string& method, const std::string& target) {
    http::Request request;
    request.method = method;
    request.target = target;
    return ask(request);
  }
  Reply ask_with(const std::string& accept, const std::string& accept_encoding = "") {
    http::Request request;
    request.accept = accept;
    request.accept_encoding = accept_encoding;
    return ask(request);
  }
};

const std::string kText = "# TYPE jobs_total counter\njobs_total 3.0\n";

}  // namespace

TEST_CASE("behaviour 1: GET on any path is the metrics") {
  Server server;
  for (const auto* target : {"/", "/metrics", "/a/b%20c?d=e", "//", "/favicon.ico/x", "/favicon",
                             "/FAVICON.ICO", "http://a", "http://a/b?c", "http://a?/favicon.ico"}) {
    INFO(target);
    auto reply = server.ask("GET", target);
    CHECK(reply.status() == 200);
    CHECK(reply.rest() == kText);
  }
}

TEST_CASE("behaviour 2: /favicon.ico is empty") {
  Server server;
  for (const auto* target : {"/favicon.ico", "/favicon.ico?x=1", "http://a/favicon.ico"}) {
    auto reply = server.ask("GET", target);
    CHECK(reply.status() == 200);
    CHECK(reply.fields().empty());
    CHECK(reply.rest().empty());
  }
}

TEST_CASE("behaviour 3: OPTIONS on anything tells what is allowed") {
  Server server;
  for (const auto* target : {"*", "/", "/favicon.ico", "http://a/b"}) {
    auto reply = server.ask("OPTIONS", target);
    CHECK(reply.status() == 200);
    CHECK(reply.fields() == http::Fields{{"Allow", "OPTIONS,GET"}});
    CHECK(reply.rest().empty());
  }
}

TEST_CASE("behaviour 4: any other method is 405") {
  Server server;
  for (const std::string method :
       {"HEAD", "POST", "PUT", "DELETE", "CONNECT", "get", "OPTION", "X"}) {
    for (const auto* target : {"/", "/favicon.ico"}) {
      auto reply = server.ask(method, target);
      CHECK(reply.status() == 405);
      CHECK(reply.fields() ==
            http::Fields{{"Content-Type", "text/plain; charset=utf-8"}, {"Allow", "OPTIONS,GET"}});
      CHECK(reply.rest() == "# HTTP 405 Method Not Allowed: " + method + "; use OPTIONS or GET\n");
    }
  }
}

TEST_CASE("behaviour 5: an error says its status, its reason and a hint") {
  for (const int status : {400, 408, 413, 414, 431, 500, 503, 505}) {
    auto reply = error_reply(status, "a hint");
    CHECK(reply.status() == status);
    CHECK(reply.fields() == http::Fields{{"Content-Type", "text/plain; charset=utf-8"}});
    CHECK(reply.rest() == "# HTTP " + std::to_string(status) + ' ' +
                              std::string(http::reason_phrase(status)) + ": a hint\n");
  }
}

TEST_CASE("behaviour 5: an expectation that is not known is 417") {
  Server server;
  http::Request request;
  request.expects_other = true;
  auto reply = server.ask(request);
  CHECK(reply.status() == 417);
  CHECK(reply.rest().starts_with("# HTTP 417 Expectation Failed: "));
}

TEST_CASE("behaviour 11: only the samples that were asked for") {
  Server server;
  REQUIRE(server.metrics.apply("g y 1") == "");
  CHECK(server.ask("GET", "/?name[]=y").rest() == "# TYPE y gauge\ny 1.0\n");
  CHECK(server.ask("GET", "/?name%5B%5D=jobs_total&name[]=").rest() == kText);
  CHECK(server.ask("GET", "/?name[]=jobs").rest().empty());
  CHECK(server.ask("GET", "/?name[]=").rest() == server.ask("GET", "/").rest());
  http::Request request;
  request.target = "/?name[]=none";
  request.accept = "application/openmetrics-text";
  CHECK(server.ask(request).rest() == "# EOF\n");
}

TEST_CASE("behaviour 12 and 13: the body is what Content-Type says") {
  Server server;
  REQUIRE(server.metrics.apply("g {\"a.b\"} 1") == "");
  auto open = server.ask_with("application/openmetrics-text;version=1.0.0;escaping=dots");
  CHECK(open.fields().front().second ==
        "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=dots");
  CHECK(open.rest() ==
        "# TYPE jobs counter\njobs__total 3.0\n# TYPE a_dot_b gauge\na_dot_b 1.0\n# EOF\n");
  auto text = server.ask_with("text/plain;version=1.0.0;escaping=allow-utf-8");
  CHECK(text.fields().front().second ==
        "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8");
  CHECK(text.rest() == kText + "# TYPE \"a.b\" gauge\n{\"a.b\"} 1.0\n");
  auto old = server.ask_with("text/plain");
  CHECK(old.fields().front().second == "text/plain; version=0.0.4; charset=utf-8");
  CHECK(old.rest() == kText + "# TYPE a_b gauge\na_b 1.0\n");
}

TEST_CASE("behaviour 14: an exposition says what it depends on, and whether it is compressed") {
  Server server;
  const std::string type = "text/plain; version=0.0.4; charset=utf-8";
  CHECK(server.ask_with("").fields() ==
        http::Fields{{"Content-Type", type}, {"Vary", "Accept, Accept-Encoding"}});
  auto zipped = server.ask_with("", "gzip");
  CHECK(zipped.fields() == http::Fields{{"Content-Type", type},
                                        {"Content-Encoding", "gzip"},
                                        {"Vary", "Accept, Accept-Encoding"}});
  CHECK(zipped.rest().starts_with("\x1f\x8b"));  // RFC 1952, 2.3.1
}

TEST_CASE("a long body comes in slices, and its rest is the same at once") {
  Server server;
  for (int i = 0; i < 10'000; ++i) {
    REQUIRE(server.metrics.apply("g big{i=\"" + std::to_string(i) + "\"} 1") == "");
  }
  auto reply = server.ask("GET", "/");
  std::string body;
  std::size_t slices = 1;
  for (; reply.next(body) == Reply::State::kMore; ++slices) {
    CHECK(body.size() < slices * (kSliceBytes + 4'096));
  }
  CHECK(slices > 2);
  CHECK(server.ask("GET", "/").rest() == body);
  CHECK(reply.rest().empty());
}

TEST_CASE("the reference's _created samples are an option") {
  Server server;
  CHECK(server.ask("GET", "/").rest().find("_created") == std::string::npos);
  server.options.created = CreatedSamples::kOn;
  CHECK(server.ask("GET", "/").rest().find("jobs_created 1.7e+09\n") != std::string::npos);
}

TEST_CASE("whether a request is for the metrics is known before it is answered") {
  http::Request request;
  CHECK(asks_for_metrics(request));
  request.target = "/favicon.ico?x";
  CHECK_FALSE(asks_for_metrics(request));
  request.target = "/";
  request.method = "HEAD";
  CHECK_FALSE(asks_for_metrics(request));
  request.method = "GET";
  request.expects_other = true;
  CHECK_FALSE(asks_for_metrics(request));
}

TEST_CASE("last words are an error with its head, and close") {
  CHECK(last_words(400, "this is TLS") ==
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Length: 36\r\nConnection: close\r\n\r\n# HTTP 400 Bad Request: this is TLS\n");
}
