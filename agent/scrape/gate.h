// Who may be answered, asked before each request. The answer may take a while: it is given later.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

namespace sidemeter {

class Gate {
 public:
  enum class Verdict { kAdmit, kRefuse, kBusy };

  virtual ~Gate() = default;

  // `authorization` is the request's field. Answers at once, or, with nothing, through `later` on
  // the loop: once, or never where the gate ends before.
  virtual std::optional<Verdict> ask(std::string_view authorization,
                                     std::function<void(Verdict)> later) = 0;
};

}  // namespace sidemeter
