#include "millrace/framework/file/line_output.h"

#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>

#include <cerrno>
#include <cstring>

namespace millrace {
namespace {

/// Keeps a write to a closed pipe from raising SIGPIPE in this thread, whatever the process does
/// with that signal.
class SigpipeBlocker {
 public:
  SigpipeBlocker() {
    sigemptyset(&sigpipe_);
    sigaddset(&sigpipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &sigpipe_, &before_);
  }
  SigpipeBlocker(const SigpipeBlocker&) = delete;
  SigpipeBlocker& operator=(const SigpipeBlocker&) = delete;
  ~SigpipeBlocker() {
    const int error = errno;
    if (!was_pending_) {
      const timespec now{};
      while (sigtimedwait(&sigpipe_, nullptr, &now) < 0 && errno == EINTR) {
      }
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = error;
  }

 private:
  sigset_t sigpipe_;
  sigset_t before_;
  bool was_pending_ = false;
};

/// 0, or the error. Waits where the descriptor is set not to.
int write_all(int fd, std::string_view bytes) {
  const SigpipeBlocker blocker;
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd event{fd, POLLOUT, 0};
      ::poll(&event, 1, -1);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

}  // namespace

Status LineOutput::write(std::string_view lines) {
  const std::lock_guard lock(mutex_);
  if (!failure_.ok()) return failure_;
  if (const int error = write_all(file_.get(), lines); error != 0)
    failure_ = Status::failed(fmt::format("cannot write to '{}': {}", path_, std::strerror(error)));
  return failure_;
}

}  // namespace millrace
