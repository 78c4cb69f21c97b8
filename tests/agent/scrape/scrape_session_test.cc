#include "agent/scrape/scrape_session.h"

#include <algorithm>
#include <string>
#include <vector>

#include "tests/agent/scrape/conversation.h"
#include "tests/support/catch.h"

using namespace sidemeter;

namespace {

std::string ask(const std::string& line, const std::string& fields = "") {
  return line + " HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n";
}

std::string ask_old(const std::string& line, const std::string& fields = "") {
  return line + " HTTP/1.0\r\n" + fields + "\r\n";
}

const std::string kExposition = "# TYPE x gauge\nx 1.0\n";

struct SmallScraper : Scraper {
  SmallScraper() { REQUIRE(metrics.apply("g x 1") == ""); }
};

}  // namespace

TEST_CASE("behaviour 1: GET on any path is answered with the metrics") {
  SmallScraper scraper;
  for (const auto* target : {"/", "/metrics?x=y", "//", "http://a/b", "HTTPS://[::1]:1?c"}) {
    const auto heard = scraper.say(ask("GET " + std::string(target)));
    const auto reply = only_reply(heard);
    CHECK(reply.status == 200);
    CHECK(reply.body == kExposition);
    CHECK(heard.next == Next::kIdle);
  }
}

TEST_CASE("behaviour 2: /favicon.ico is 200 and empty") {
  SmallScraper scraper;
  const auto reply = only_reply(scraper.say(ask("GET /favicon.ico?x")));
  CHECK(reply.status == 200);
  CHECK(reply.field("Content-Length") == "0");
}

TEST_CASE("behaviour 3: OPTIONS tells what is allowed") {
  SmallScraper scraper;
  for (const auto* target : {"*", "/", "http://a"}) {
    const auto reply = only_reply(scraper.say(ask("OPTIONS " + std::string(target))));
    CHECK(reply.status == 200);
    CHECK(reply.field("Allow") == "OPTIONS,GET");
    CHECK(reply.field("Content-Length") == "0");
  }
}

TEST_CASE("behaviour 4: another method is answered 405, and the connection goes on") {
  SmallScraper scraper;
  for (const std::string method : {"POST", "DELETE", "get", "CONNECT", "x"}) {
    const auto heard = scraper.say(ask(method + " /") + ask("GET /"));
    const auto all = replies(heard.bytes);
    REQUIRE(all.size() == 2);
    CHECK(all[0].status == 405);
    CHECK(all[0].body == "# HTTP 405 Method Not Allowed: " + method + "; use OPTIONS or GET\n");
    CHECK(all[1].body == kExposition);
  }
}

// RFC 9110, 8.6: a Content-Length there would have to be that of the reply to GET.
TEST_CASE("behaviour 4: HEAD is answered 405 without a body") {
  SmallScraper scraper;
  const auto heard = scraper.say(ask("HEAD /") + ask_old("HEAD /favicon.ico"));
  const auto all = replies(heard.bytes, To::kHead);
  REQUIRE(all.size() == 2);
  for (const auto& reply : all) {
    CHECK(reply.status == 405);
    CHECK(reply.field("Allow") == "OPTIONS,GET");
    CHECK(reply.field("Content-Length").empty());
    CHECK(reply.field("Transfer-Encoding").empty());
  }
  CHECK(heard.next == Next::kClose);
}

TEST_CASE("behaviour 5: what is refused gets its status and words, and the connection closes") {
  const struct {
    int status;
    std::string request;
  } kCases[] = {
      {400, "nonsense\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\n\r\n"},
      {400, "GET / HTTP/1.1\n"},
      {414, "GET /" + std::string(9'000, 'x')},
      {431, ask("GET /", "X: " + std::string(17'000, 'x') + "\r\n")},
      {505, "GET / HTTP/2.0\r\nHost: x\r\n\r\n"},
  };
  for (const auto& test : kCases) {
    SmallScraper scraper;
    const auto heard = scraper.say(ask("GET /favicon.ico") + test.request + ask("GET /"));
    const auto all = replies(heard.bytes);
    REQUIRE(all.size() == 2);
    CHECK(all[0].status == 200);
    const auto begin = "# HTTP " + std::to_string(test.status) + ' ' +
                       std::string(http::reason_phrase(test.status)) + ": ";
    CHECK(all[1].status == test.status);
    CHECK(all[1].body.starts_with(begin));
    CHECK(all[1].body.find('\n') == all[1].body.size() - 1);
    CHECK(all[1].field("Content-Type") == "text/plain; charset=utf-8");
    CHECK(all[1].field("Connection") == "close");
    CHECK(heard.next == Next::kClose);
    CHECK(scraper.updates == 0);
  }
}

TEST_CASE("behaviour 5: only 100-continue is met, another expectation is 417") {
  SmallScraper scraper;
  CHECK(only_reply(scraper.say(ask("GET /", "Expect: x\r\n"))).status == 417);
  CHECK(only_reply(scraper.say(ask("GET /", "Expect: 100-continue\r\n"))).status == 200);
}

TEST_CASE("behaviour 5: a head that is not complete in time is 408") {
  SmallScraper scraper;
  ScrapeSession session(scraper.room);
  std::string out;
  CHECK(session.receive("GET / HTTP/1.1\r\n", out) == Next::kPartial);
  CHECK(out.empty());
  CHECK(session.expire(out) == Next::kClose);
  const auto all = replies(out);
  REQUIRE(all.size() == 1);
  CHECK(all[0].status == 408);
  CHECK(all[0].field("Connection") == "close");
  CHECK(scraper.room.stats.replies.at(408) == 1);
}

TEST_CASE("behaviour 6: requests are answered in order, as many as there are") {
  SmallScraper scraper;
  std::string requests;
  for (int i = 0; i < 15; ++i) {
    requests += ask("GET /favicon.ico") + ask("OPTIONS *") + ask("POST /") + ask("GET /");
  }
  const auto heard = scraper.say(requests);
  const auto all = replies(heard.bytes);
  REQUIRE(all.size() == 60);
  for (std::size_t i = 0; i < all.size(); i += 4) {
    CHECK(all[i].body.empty());
    CHECK(all[i + 1].field("Allow") == "OPTIONS,GET");
    CHECK(all[i + 2].status == 405);
    CHECK(all[i + 3].body == kExposition);
  }
  CHECK(heard.next == Next::kIdle);
}

TEST_CASE("behaviour 8: so many pipelined requests are answered in one turn") {
  SmallScraper scraper;
  std::string requests;
  for (int i = 0; i < 40; ++i) requests += ask("GET /favicon.ico");
  ScrapeSession session(scraper.room);
  std::string out;
  CHECK(session.receive(requests, out) == Next::kMore);
  CHECK(replies(out).size() == 16);
  out.clear();
  CHECK(session.resume(out) == Next::kMore);
  CHECK(replies(out).size() == 16);
  out.clear();
  CHECK(session.resume(out) == Next::kIdle);
  CHECK(replies(out).size() == 8);
}

TEST_CASE("pipelined replies of many bytes do not pile up") {
  Scraper scraper;
  scraper.fill(2'500);  // some 45 KiB: each reply is one slice
  std::string requests;
  for (int i = 0; i < 16; ++i) requests += ask("GET /");
  const auto heard = scraper.say_in_pieces(requests, requests.size());
  CHECK(replies(heard.bytes).size() == 16);
  CHECK(heard.largest_step < 4 * kSliceBytes);
}

TEST_CASE("behaviour 6: a session tells whether it is within a head") {
  SmallScraper scraper;
  CHECK(scraper.say("G").next == Next::kPartial);
  CHECK(scraper.say(ask("GET /")).next == Next::kIdle);
  CHECK(scraper.say(ask("GET /") + "\r").next == Next::kPartial);
  CHECK(scraper.say(ask("GET /") + "\r\n").next == Next::kIdle);
  CHECK(scraper.say(ask("GET /") + "GET").next == Next::kPartial);
}

TEST_CASE("behaviour 6: Connection: close closes after its reply") {
  SmallScraper scraper;
  const auto heard = scraper.say(ask("GET /", "Connection: x, Close\r\n") + ask("GET /"));
  CHECK(only_reply(heard).field("Connection") == "close");
  CHECK(heard.next == Next::kClose);
}

TEST_CASE("behaviour 6: HTTP/1.0 closes unless it asks to stay") {
  SmallScraper scraper;
  const auto closed = scraper.say(ask_old("GET /") + ask_old("GET /"));
  CHECK(only_reply(closed).body == kExposition);
  CHECK(only_reply(closed).field("Connection") == "close");
  CHECK(closed.next == Next::kClose);
  const auto kept = scraper.say(ask_old("GET /", "Connection: keep-alive\r\n") + ask_old("GET /"));
  const auto all = replies(kept.bytes);
  REQUIRE(all.size() == 2);
  CHECK(all[0].field("Connection") == "keep-alive");
  CHECK(all[1].field("Connection") == "close");
}

TEST_CASE("behaviour 6: what follows an announced body is never parsed") {
  SmallScraper scraper;
  const auto inner = ask("GET /");
  const std::vector<std::string> fields = {"Content-Length: " + std::to_string(inner.size()),
                                           "Content-Length: 1", "Transfer-Encoding: chunked",
                                           "Transfer-Encoding: identity"};
  for (const auto& field : fields) {
    for (const auto* method : {"GET", "POST", "OPTIONS"}) {
      INFO(method << ' ' << field);
      const auto heard = scraper.say(ask(method + std::string(" /"), field + "\r\n") + inner);
      CHECK(only_reply(heard).field("Connection") == "close");
      CHECK(heard.next == Next::kClose);
    }
  }
  CHECK(replies(scraper.say(ask("GET /", "Content-Length: 0\r\n") + inner).bytes).size() == 2);
}

TEST_CASE("behaviour 14: a body of one slice carries its Content-Length") {
  SmallScraper scraper;
  for (const auto& request :
       {ask("GET /"), ask_old("GET /"), ask("GET /", "Accept-Encoding: gzip\r\n")}) {
    const auto reply = only_reply(scraper.say(request));
    CHECK(reply.field("Content-Length") == std::to_string(reply.body.size()));
    CHECK(reply.field("Transfer-Encoding").empty());
  }
}

TEST_CASE("behaviour 14: a long body is chunked on 1.1 and ends with the connection on 1.0") {
  Scraper scraper;
  scraper.fill(20'000);
  const auto exposition = scraper.metrics.render();

  const auto chunked = scraper.say(ask("GET /") + ask("GET /favicon.ico"));
  const auto all = replies(chunked.bytes);
  REQUIRE(all.size() == 2);
  CHECK(all[0].field("Transfer-Encoding") == "chunked");
  CHECK(all[0].field("Content-Length").empty());
  CHECK(all[0].field("Connection").empty());
  CHECK(all[0].body == exposition);
  CHECK(chunked.next == Next::kIdle);

  const auto closed = scraper.say(ask_old("GET /", "Connection: keep-alive\r\n"));
  CHECK(only_reply(closed).field("Transfer-Encoding").empty());
  CHECK(only_reply(closed).body == exposition);
  CHECK(closed.next == Next::kClose);

  for (const auto& heard : {chunked, closed}) {
    CHECK(heard.largest_step < kSliceBytes + 4'096);
    CHECK(heard.steps > exposition.size() / (2 * kSliceBytes));
  }
}

TEST_CASE("behaviour 14: a long body may be compressed and chunked") {
  Scraper scraper;
  scraper.fill(20'000);
  const auto plain = only_reply(scraper.say(ask("GET /")));
  const auto reply = only_reply(scraper.say(ask("GET /", "Accept-Encoding: gzip\r\n")));
  CHECK(reply.field("Content-Encoding") == "gzip");
  CHECK(reply.field("Transfer-Encoding") == "chunked");
  CHECK(reply.body.size() < plain.body.size() / 4);
  CHECK(reply.body.starts_with("\x1f\x8b"));  // RFC 1952, 2.3.1
}

TEST_CASE("what is in the reader waits until a long reply has ended") {
  Scraper scraper;
  scraper.fill(20'000);
  ScrapeSession session(scraper.room);
  std::string out;
  CHECK(session.receive(ask("GET /") + ask("OPTIONS *"), out) == Next::kMore);
  Heard heard;
  Scraper::carry(session, Next::kMore, out, heard);
  const auto all = replies(heard.bytes);
  REQUIRE(all.size() == 2);
  CHECK(all[1].field("Allow") == "OPTIONS,GET");
}

TEST_CASE("a peer that sends nothing more has heard everything and is closed") {
  SmallScraper scraper;
  ScrapeSession session(scraper.room);
  std::string out;
  CHECK(session.receive(ask("GET /") + "GET /", out) == Next::kPartial);
  CHECK(replies(out).size() == 1);
  out.clear();
  CHECK(session.finish(out) == Next::kClose);
  CHECK(out.empty());
}

// RFC 9110, 6.6.1.
TEST_CASE("every reply has a Date") {
  SmallScraper scraper;
  for (const auto& request : {ask("GET /"), ask("OPTIONS *"), ask("POST /"), ask("GET *")}) {
    CHECK(only_reply(scraper.say(request)).field("Date") == "Sun, 06 Nov 1994 08:49:37 GMT");
  }
}

TEST_CASE("the self metrics are brought up to date before an exposition, and only then") {
  SmallScraper scraper;
  scraper.say_in_pieces(
      ask("GET /favicon.ico") + ask("OPTIONS *") + ask("POST /") + ask("GET /", "Expect: x\r\n"),
      1'000);
  CHECK(scraper.updates == 0);
  scraper.say_in_pieces(ask("GET /") + ask("GET /?name[]=none"), 1'000);
  CHECK(scraper.updates == 2);
}

TEST_CASE("the room counts replies by status, and the expositions that reached their end") {
  Scraper scraper;
  scraper.fill(20'000);
  const auto heard = scraper.say_in_pieces(
      ask("GET /") + ask("POST /") + ask("OPTIONS *") + ask("GET /?name[]=none") + ask("GET *"),
      1'000);
  const auto all = replies(heard.bytes);
  const auto& stats = scraper.room.stats;
  CHECK(stats.replies == std::map<int, std::uint64_t>{{200, 3}, {400, 1}, {405, 1}});
  CHECK(stats.scrapes == 2);
  CHECK(stats.bytes == all[0].body.size());
  CHECK(stats.seconds > 0);
}

TEST_CASE("an exposition that was left in the middle is no scrape") {
  Scraper scraper;
  scraper.fill(20'000);
  {
    ScrapeSession session(scraper.room);
    std::string out;
    CHECK(session.receive(ask("GET /"), out) == Next::kMore);
  }
  CHECK(scraper.room.stats.scrapes == 0);
  CHECK(scraper.room.stats.bytes == 0);
  CHECK(scraper.room.stats.replies.at(200) == 1);
}

namespace {

// Says what it is told to, at once or later.
struct FakeGate final : Gate {
  std::optional<Verdict> ask(std::string_view authorization,
                             std::function<void(Verdict)> later) override {
    asked = authorization;
    tell = std::move(later);
    return verdict;
  }
  std::optional<Verdict> verdict;
  std::string asked;
  std::function<void(Verdict)> tell;
};

}  // namespace

TEST_CASE("who is refused at the gate hears 401 and how to say who one is (RFC 9110, 11.6.1)") {
  SmallScraper scraper;
  FakeGate gate;
  gate.verdict = Gate::Verdict::kRefuse;
  scraper.room.gate = &gate;

  const auto heard = scraper.say(ask("GET /metrics", "Authorization: Basic YTpi\r\n"));

  const auto reply = only_reply(heard);
  CHECK(gate.asked == "Basic YTpi");
  CHECK(reply.status == 401);
  CHECK(reply.field("WWW-Authenticate").starts_with("Basic realm="));
  CHECK(heard.next == Next::kIdle);
}

TEST_CASE("the gate is asked of every request, whatever it is for") {
  SmallScraper scraper;
  FakeGate gate;
  gate.verdict = Gate::Verdict::kRefuse;
  scraper.room.gate = &gate;

  for (const std::string line : {"OPTIONS *", "GET /favicon.ico", "POST /"}) {
    CHECK(only_reply(scraper.say(ask(line))).status == 401);
  }
}

TEST_CASE("while the gate is in thought the session waits, then goes on with what came after") {
  SmallScraper scraper;
  FakeGate gate;
  scraper.room.gate = &gate;
  ScrapeSession session(scraper.room);
  bool woken = false;
  session.on_wake([&woken] { woken = true; });
  std::string out;
  CHECK(session.receive(ask("GET /1") + ask("GET /2"), out) == Next::kWait);
  CHECK(session.resume(out) == Next::kWait);
  CHECK(out.empty());

  gate.tell(Gate::Verdict::kAdmit);
  CHECK(woken);
  gate.verdict = Gate::Verdict::kAdmit;
  CHECK(session.resume(out) == Next::kIdle);

  CHECK(replies(out, To::kOthers).size() == 2);
}

TEST_CASE("a busy gate is a 503, and a verdict for a session that has ended goes nowhere") {
  SmallScraper scraper;
  FakeGate gate;
  scraper.room.gate = &gate;
  gate.verdict = Gate::Verdict::kBusy;
  CHECK(only_reply(scraper.say(ask("GET /"))).status == 503);

  gate.verdict.reset();
  std::string out;
  {
    ScrapeSession session(scraper.room);
    CHECK(session.receive(ask("GET /"), out) == Next::kWait);
  }
  gate.tell(Gate::Verdict::kAdmit);
  CHECK(out.empty());
}
