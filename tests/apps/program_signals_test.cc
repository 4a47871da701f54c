#include "millrace/apps/program/signals.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <future>

namespace millrace {
namespace {

// Each case runs in a process of its own: here, threads that other tests have left (RocksDB's) do
// not block the signals, and one of them would receive them and end everything.
class StopSignalDeathTest : public testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

void wait_for(const StopSignal& stop) {
  pollfd file{stop.fd(), POLLIN, 0};
  poll(&file, 1, -1);
}

[[noreturn]] void receive_a_signal() {
  StopSignal stop;
  std::promise<void> called;
  stop.on_request([&] { called.set_value(); });
  if (stop.requested()) _exit(1);
  kill(getpid(), SIGTERM);
  called.get_future().wait();
  wait_for(stop);
  _exit(stop.requested() ? 0 : 2);
}

TEST_F(StopSignalDeathTest, TurnsASignalIntoAFlagACallAndAReadableFile) {
  EXPECT_EXIT(receive_a_signal(), testing::ExitedWithCode(0), "");
}

[[noreturn]] void receive_a_signal_before_anybody_asks() {
  StopSignal stop;
  kill(getpid(), SIGINT);
  wait_for(stop);
  bool called = false;
  stop.on_request([&] { called = true; });
  _exit(called ? 0 : 1);
}

TEST_F(StopSignalDeathTest, CallsAtOnceWhenTheSignalHasComeBefore) {
  EXPECT_EXIT(receive_a_signal_before_anybody_asks(), testing::ExitedWithCode(0), "");
}

[[noreturn]] void receive_two_signals() {
  StopSignal stop;
  kill(getpid(), SIGINT);
  wait_for(stop);
  kill(getpid(), SIGINT);
  while (true) pause();
}

TEST_F(StopSignalDeathTest, TheSecondSignalEndsTheProcess) {
  EXPECT_EXIT(receive_two_signals(), testing::ExitedWithCode(130), "");
}

}  // namespace
}  // namespace millrace
