// A client's end of the ingest socket, blocking: `sidemeter push` and `sidemeter health`
// speak through it.
//
// While it waits for room to write it reads the replies, so that a peer that waits for
// its replies to be read and this client never wait for each other.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proto/result.h"

namespace sidemeter {

// One line: the socket's path and what went wrong.
struct ClientError {
  std::string message;
};

class IngestClient {
 public:
  // `timeout_ms` bounds each wait for the agent: to be accepted, for room to write, for a reply.
  static Result<std::unique_ptr<IngestClient>, ClientError> connect(const std::string& path,
                                                                    std::uint64_t timeout_ms);
  // Takes over a connected stream socket; `path` is its name in errors.
  IngestClient(int socket, std::string path, std::uint64_t timeout_ms);
  ~IngestClient();
  IngestClient(const IngestClient&) = delete;
  IngestClient& operator=(const IngestClient&) = delete;

  // Writes all of `bytes`. When the agent has closed, what it still said is received first.
  Result<Done, ClientError> send(std::string_view bytes);

  // The next reply already received, without its LF.
  std::optional<std::string> next_reply();

  // Waits until something more has been received.
  Result<Done, ClientError> receive();

  // Waits, without end, until `input` can be read or something more has been received.
  enum class Ready { kInput, kReplies };
  Result<Ready, ClientError> wait_for_input(int input);

 private:
  ClientError error(std::string_view what) const;
  ClientError closed();
  Result<Done, ClientError> wait(short events);
  bool read_some();

  const int socket_;
  const std::string path_;
  const std::uint64_t timeout_ms_;
  std::string received_;
  std::size_t taken_ = 0;  // of received_, by next_reply()
};

// A token for `sync` that no other record carries by chance: 128 random bits.
std::string random_token();

}  // namespace sidemeter
