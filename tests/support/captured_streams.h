// The streams of a command, in files that are gone afterwards: what it reads is given, what it
// writes can be read.
#pragma once

#include <cstdio>
#include <string>

#include "agent/streams.h"

namespace sidemeter::test {

class CapturedStreams {
 public:
  explicit CapturedStreams(const std::string& input = "") {
    std::fputs(input.c_str(), input_);
    std::rewind(input_);
  }
  ~CapturedStreams() {
    for (std::FILE* file : {input_, output_, errors_}) std::fclose(file);
  }
  CapturedStreams(const CapturedStreams&) = delete;
  CapturedStreams& operator=(const CapturedStreams&) = delete;

  Streams streams() const { return {fileno(input_), fileno(output_), fileno(errors_)}; }
  std::string output() const { return content(output_); }
  std::string errors() const { return content(errors_); }

 private:
  static std::string content(std::FILE* file) {
    std::rewind(file);
    std::string text;
    for (int c = 0; (c = std::fgetc(file)) != EOF;) text += static_cast<char>(c);
    return text;
  }

  std::FILE* input_ = std::tmpfile();
  std::FILE* output_ = std::tmpfile();
  std::FILE* errors_ = std::tmpfile();
};

}  // namespace sidemeter::test
