#include "agent/net/connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "agent/net/loop.h"

namespace sidemeter {
namespace {

// For how long a closed conversation is drained.
constexpr std::uint64_t kLingerMs = 1'000;

// A peer that must read and takes nothing for so long, while more waits for it than may.
constexpr std::uint64_t kFullMs = 1'000;

// Where nothing bounds a write while the conversation goes on, this does once it is over.
constexpr std::uint64_t kLastWriteStallMs = 5'000;

// A buffer larger than this is given back between two messages.
constexpr std::size_t kKeptBytes = 4 * 1024;

bool is_under_way(Next next) { return next == Next::kMore || next == Next::kWait; }

bool is_readable(int descriptor) {
  pollfd entry{descriptor, POLLIN, 0};
  return ::poll(&entry, 1, 0) == 1;
}

}  // namespace

struct Connection::Write {
  uv_write_t request;
  std::string bytes;
};

struct Connection::Callbacks {
  static void allocate(uv_handle_t* handle, std::size_t, uv_buf_t* buffer) noexcept {
    auto* self = static_cast<Connection*>(handle->data);
    if (self == nullptr) return;  // libuv reports UV_ENOBUFS to read(), which has no owner either
    const auto bytes = self->turn_buffer();
    *buffer = uv_buf_init(bytes.data(), static_cast<unsigned>(bytes.size()));
  }

  static void read(uv_stream_t* stream, ssize_t length, const uv_buf_t* buffer) noexcept {
    auto* self = static_cast<Connection*>(stream->data);
    if (self == nullptr || length == 0) return;
    if (length == UV_EOF) return self->reach_end();
    if (length == UV_ECONNRESET) return self->lose_reader();
    if (length < 0) return self->fail(static_cast<int>(length));
    self->receive({buffer->base, static_cast<std::size_t>(length)});
  }

  static void written(uv_write_t* request, int status) noexcept {
    std::unique_ptr<Write> write(static_cast<Write*>(request->data));
    auto* self = static_cast<Connection*>(request->handle->data);
    if (self != nullptr) self->written(std::move(write), status);
  }
};

Connection::Connection(Loop& loop, Owner& owner, const ConnectionOptions& options,
                       std::unique_ptr<Session> session)
    : loop_(loop),
      owner_(owner),
      options_(options),
      session_(std::move(session)),
      write_(std::make_unique<Write>()),
      next_(options.opening_ms != 0 ? Next::kOpening : Next::kIdle),
      since_ms_(loop.now_ms()) {
  if (session_) session_->on_wake([this] { wake(); });
}

Connection::~Connection() = default;

int Connection::open(Descriptor socket, Transport transport) {
  transport_ = transport;
  int error = 0;
  if (transport == Transport::kTcp) {
    RawHandle<uv_tcp_t> raw;
    if ((error = uv_tcp_init(loop_.raw(), raw.get())) < 0) return error;
    uv_tcp_t* tcp = raw.get();
    stream_.reset(reinterpret_cast<uv_stream_t*>(raw.own(this).release()));
    if ((error = uv_tcp_open(tcp, socket.get())) < 0) return error;
    uv_tcp_nodelay(tcp, 1);
  } else {
    RawHandle<uv_pipe_t> raw;
    if ((error = uv_pipe_init(loop_.raw(), raw.get(), 0)) < 0) return error;
    uv_pipe_t* pipe = raw.get();
    stream_.reset(reinterpret_cast<uv_stream_t*>(raw.own(this).release()));
    if ((error = uv_pipe_open(pipe, socket.get())) < 0) return error;
  }
  socket.release();
  if (session_) update_reading();
  return 0;
}

void Connection::refuse(std::string last_word) {
  out_ = std::move(last_word);
  follow(Next::kClose);
}

void Connection::receive(std::string_view bytes) {
  if (lingering_) return;
  if (bytes.size() == turn_buffer().size()) end_turn();
  const std::size_t said = out_.size();
  const Next next = session_->receive(bytes, out_);
  // An answer ends a message: what is partial after it is another one, with a deadline of its own.
  // Of a handshake that would be none: it is answered in its middle.
  const bool still_opening =
      next_ == Next::kOpening && (next == Next::kOpening || next == Next::kMore);
  const bool still_partial =
      next_ == Next::kPartial && next == Next::kPartial && out_.size() == said;
  if (!still_opening && !still_partial) since_ms_ = loop_.now_ms();
  follow(next);
}

void Connection::wake() {
  if (next_ == Next::kWait) follow(session_->resume(out_));
}

// The peer has closed, maybe over replies that it had not read. Unix sockets tell so by
// EPIPE to whoever writes, while records that it sent before still wait to be read; by
// ECONNRESET to whoever has read them all.
void Connection::lose_reader() {
  deaf_ = true;
  reach_end();
}

// A reply is not complete, and nobody reads it.
void Connection::lose_reply() {
  out_.clear();
  const Next next = session_->lose_reader();
  if (next == Next::kClose) return leave(CloseReason::kPeer);
  follow(next);
}

void Connection::reach_end() {
  at_end_ = true;
  if (lingering_) return leave(reason_);
  if (deaf_ && next_ == Next::kMore) return lose_reply();
  if (deaf_ && !between_messages()) return leave(CloseReason::kPeer);
  if (!between_messages()) return update_reading();  // the reply runs to its end first
  follow(next_);
}

// A session whose peer has ended hears so once, and then only completes its replies.
Next Connection::after_end(Next next) {
  if (!at_end_ || is_under_way(next) || next == Next::kClose) return next;
  if (!finished_) {
    finished_ = true;
    if (!draining_) reason_ = CloseReason::kPeer;
    next = session_->finish(out_);
  }
  return is_under_way(next) ? next : Next::kClose;
}

void Connection::follow(Next next) {
  next_ = after_end(next);
  if (deaf_) out_.clear();
  if (deaf_ && is_under_way(next_)) return lose_reply();
  update_reading();
  flush();  // may end in forget(): the last statement
}

// An empty kMore is written too: its callback is the way through the loop.
void Connection::flush() {
  if (!write_) return;  // in flight: written() comes back here
  if (out_.empty() && next_ == Next::kClose) return linger();
  if (out_.empty() && next_ != Next::kMore) return;
  write_->bytes.clear();
  write_->bytes.swap(out_);
  write_->request.data = write_.get();
  const uv_buf_t buffer =
      uv_buf_init(write_->bytes.data(), static_cast<unsigned>(write_->bytes.size()));
  const int error = uv_write(&write_->request, stream_.get(), &buffer, 1, Callbacks::written);
  if (error < 0) return fail(error);
  write_.release();
  progress_ms_ = loop_.now_ms();
  progress_left_bytes_ = uv_stream_get_write_queue_size(stream_.get());
}

void Connection::written(std::unique_ptr<Write> write, int status) {
  write_ = std::move(write);
  if (status < 0) {
    deaf_ = true;
    out_.clear();
    if (next_ == Next::kMore) return lose_reply();
    if (at_end_ || !between_messages()) return fail(status);
    return update_reading();
  }
  if (!out_.empty()) return flush();
  if (next_ == Next::kMore) return follow(session_->resume(out_));
  if (next_ == Next::kClose) return linger();
  if (next_ == Next::kIdle) since_ms_ = loop_.now_ms();
  if (write_->bytes.capacity() > kKeptBytes) {
    write_->bytes = {};
    out_ = {};
  }
  update_reading();
}

void Connection::linger() {
  if (at_end_) return leave(reason_);  // nothing unread is left
  ::shutdown(descriptor(), SHUT_WR);
  lingering_ = true;
  since_ms_ = loop_.now_ms();
  update_reading();
}

void Connection::leave(CloseReason reason) { owner_.forget(*this, reason); }

void Connection::fail(int error) {
  if (lingering_) return leave(reason_);  // all was said before
  const bool left = error == UV_ECONNRESET || error == UV_EPIPE || error == UV_ETIMEDOUT;
  leave(left ? CloseReason::kPeer : CloseReason::kError);
}

void Connection::update_reading() {
  const bool open = lingering_ || (between_messages() && !is_full() && !turn_over_);
  const bool wanted = open && !at_end_;
  if (wanted == reading_) return;
  reading_ = wanted;
  if (!wanted) {
    uv_read_stop(stream_.get());
    return;
  }
  // While nothing was read the peer could not complete its message.
  if (next_ == Next::kPartial) since_ms_ = loop_.now_ms();
  uv_read_start(stream_.get(), Callbacks::allocate, Callbacks::read);
}

std::span<char> Connection::turn_buffer() const {
  const auto bytes = loop_.read_buffer();
  return bytes.first(std::min(bytes.size(), options_.turn_bytes));
}

// Goes on behind this turn's poll, when all that was ready beside it has been served.
void Connection::end_turn() {
  if (!next_turn_) {
    next_turn_ = std::make_unique<NextTurn>(loop_, [this] {
      turn_over_ = false;
      update_reading();
    });
  }
  turn_over_ = true;
  next_turn_->start();
}

bool Connection::read_left_behind(Closed closed) {
  if (closed == Closed::kWholly) deaf_ = true;
  if (at_end_ || lingering_ || !between_messages()) return false;
  // The loop's buffer may hold what another connection has just received.
  std::array<char, 16 * 1024> buffer;
  const ssize_t length = ::read(descriptor(), buffer.data(), buffer.size());
  if (length == 0) return reach_end(), false;
  if (length < 0 && errno == ECONNRESET) return lose_reader(), false;
  if (length < 0) return false;
  receive({buffer.data(), static_cast<std::size_t>(length)});
  return true;
}

void Connection::check() {
  const std::uint64_t elapsed_ms = loop_.now_ms() - since_ms_;
  if (lingering_) {
    if (elapsed_ms >= kLingerMs) leave(reason_);
    return;
  }
  const std::uint64_t deadline_ms = next_ == Next::kPartial   ? options_.partial_ms
                                    : next_ == Next::kOpening ? options_.opening_ms
                                                              : 0;
  if (reading_ && deadline_ms != 0 && elapsed_ms >= deadline_ms) {
    reason_ = CloseReason::kDeadline;
    since_ms_ = loop_.now_ms();
    return follow(session_->expire(out_));
  }
  if (!write_) return check_write();
  if (next_ == Next::kIdle && options_.idle_ms != 0 && elapsed_ms >= options_.idle_ms) {
    part(CloseReason::kIdle);
  }
}

// Ends it between two messages.
void Connection::part(CloseReason reason) {
  session_->farewell(out_);
  if (out_.empty()) return leave(reason);
  reason_ = reason;
  follow(Next::kClose);
}

void Connection::cut() {
  session_->expire(out_);
  leave(CloseReason::kDeadline);
}

// libuv tells of a write only when all of it has left: what is left of it tells of progress.
void Connection::check_write() {
  const std::size_t left_bytes = uv_stream_get_write_queue_size(stream_.get());
  if (left_bytes != progress_left_bytes_) {
    progress_left_bytes_ = left_bytes;
    progress_ms_ = loop_.now_ms();
    return;
  }
  const std::uint64_t stalled_ms = loop_.now_ms() - progress_ms_;
  const bool waits = is_full() || next_ == Next::kMore;
  if (options_.full == ConnectionOptions::Full::kClose && waits && stalled_ms >= kFullMs) {
    return leave(CloseReason::kReplyOverflow);
  }
  std::uint64_t limit_ms = options_.write_stall_ms;
  if (limit_ms == 0 && next_ == Next::kClose) limit_ms = kLastWriteStallMs;
  if (limit_ms != 0 && stalled_ms >= limit_ms) leave(CloseReason::kWriteStall);
}

// A Unix socket that is shut for reading still hands out what it holds, then the end
// comes; the peer's next write fails. TCP would take more, so there what counts is that nothing
// waits.
void Connection::drain() {
  if (!draining_) {
    draining_ = true;
    reason_ = CloseReason::kShutdown;
    if (transport_ == Transport::kUnix) ::shutdown(descriptor(), SHUT_RD);
  }
  if (transport_ == Transport::kUnix || lingering_ || !write_ || !between_messages()) return;
  if (!is_readable(descriptor())) part(CloseReason::kShutdown);
}

std::size_t Connection::pending_bytes() const {
  return out_.size() + uv_stream_get_write_queue_size(stream_.get());
}

bool Connection::is_full() const { return pending_bytes() > options_.pending_bytes; }

int Connection::descriptor() const {
  uv_os_fd_t number = -1;
  if (stream_) uv_fileno(reinterpret_cast<const uv_handle_t*>(stream_.get()), &number);
  return number;
}

}  // namespace sidemeter
