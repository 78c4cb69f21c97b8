// Compresses a stream, slice by slice (RFC 1952).
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace sidemeter {

class Gzip {
 public:
  Gzip();
  ~Gzip();
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;

  enum class Input { kMoreFollows, kLast };

  // Appends what comes out; that can be nothing as long as more follows.
  void compress(std::string_view in, Input input, std::string& out);

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
};

}  // namespace sidemeter
