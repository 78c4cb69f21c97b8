#include "agent/net/background.h"

#include <uv.h>

#include <memory>
#include <utility>

#include "agent/net/loop.h"

namespace sidemeter {

struct Background::Job {
  uv_work_t request{};
  Background* owner;
  std::function<void()> work;
  std::function<void()> done;
};

Background::~Background() {
  for (Job* job : jobs_) job->owner = nullptr;
}

void Background::run(std::function<void()> work, std::function<void()> done) {
  auto job = std::make_unique<Job>();
  job->request.data = job.get();
  job->owner = this;
  job->work = std::move(work);
  job->done = std::move(done);
  const int error = uv_queue_work(
      loop_.raw(), &job->request,
      [](uv_work_t* request) noexcept { static_cast<Job*>(request->data)->work(); },
      [](uv_work_t* request, int) noexcept {
        const std::unique_ptr<Job> ended(static_cast<Job*>(request->data));
        if (ended->owner == nullptr) return;
        ended->owner->jobs_.erase(ended.get());
        ended->done();
      });
  if (error == 0) jobs_.insert(job.release());
}

}  // namespace sidemeter
