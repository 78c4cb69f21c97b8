// Work on libuv's pool of threads, for what would hold the loop too long. The work shares nothing
// with the loop: it owns what it reads and what it makes.
#pragma once

#include <cstddef>
#include <functional>
#include <unordered_set>

namespace sidemeter {

class Loop;

class Background {
 public:
  // `loop` must outlive this.
  explicit Background(Loop& loop) : loop_(loop) {}
  ~Background();  // what is under way goes on, and its end is told to nobody
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  // `work` runs on another thread, then `done` on the loop.
  void run(std::function<void()> work, std::function<void()> done);

  std::size_t under_way() const { return jobs_.size(); }

 private:
  struct Job;

  Loop& loop_;
  std::unordered_set<Job*> jobs_;  // libuv's until they are done
};

}  // namespace sidemeter
