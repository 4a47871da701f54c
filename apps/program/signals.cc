#include "millrace/apps/program/signals.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

#include "millrace/framework/check.h"

namespace millrace {
namespace {

constexpr int kExitInterrupted = 130;

sigset_t stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

void raise_event(int fd) {
  const std::uint64_t one = 1;
  MILLRACE_CHECK(write(fd, &one, sizeof one) == sizeof one, "an eventfd takes a count");
}

}  // namespace

StopSignal::StopSignal() : stop_fd_{eventfd(0, EFD_CLOEXEC)}, end_fd_{eventfd(0, EFD_CLOEXEC)} {
  const sigset_t signals = stop_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const int signals_fd = signalfd(-1, &signals, SFD_CLOEXEC);
  MILLRACE_CHECK(stop_fd_ >= 0 && end_fd_ >= 0 && signals_fd >= 0,
                 "the system has file descriptors left");
  watcher_ = std::thread{[this, signals_fd] { watch(signals_fd); }};
}

StopSignal::~StopSignal() {
  raise_event(end_fd_);
  watcher_.join();
  close(stop_fd_);
  close(end_fd_);
  const sigset_t signals = stop_signals();
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

void StopSignal::on_request(std::function<void()> wakeup) {
  const std::lock_guard lock{mutex_};
  wakeup_ = std::move(wakeup);
  if (wakeup_ && requested()) wakeup_();
}

void StopSignal::watch(int signals_fd) {
  pollfd files[] = {{signals_fd, POLLIN, 0}, {end_fd_, POLLIN, 0}};
  while (true) {
    if (poll(files, 2, -1) < 0) continue;
    if (files[1].revents != 0) break;
    signalfd_siginfo info;
    if (read(signals_fd, &info, sizeof info) != sizeof info) continue;
    if (requested()) _exit(kExitInterrupted);
    requested_.store(true, std::memory_order_release);
    raise_event(stop_fd_);
    const std::lock_guard lock{mutex_};
    if (wakeup_) wakeup_();
  }
  close(signals_fd);
}

}  // namespace millrace
