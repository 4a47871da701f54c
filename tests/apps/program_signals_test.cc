#include "millrace/apps/program/signals.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <future>

namespace millrace {
namespace {

TEST(StopSignalTest, TurnsASignalIntoAFlagACallAndAReadableFile) {
  StopSignal stop;
  std::promise<void> called;
  stop.on_request([&] { called.set_value(); });
  EXPECT_FALSE(stop.requested());
  kill(getpid(), SIGTERM);
  called.get_future().wait();
  EXPECT_TRUE(stop.requested());
  pollfd file{stop.fd(), POLLIN, 0};
  EXPECT_EQ(poll(&file, 1, 0), 1);
}

TEST(StopSignalTest, CallsAtOnceWhenTheSignalHasComeBefore) {
  StopSignal stop;
  kill(getpid(), SIGINT);
  pollfd file{stop.fd(), POLLIN, 0};
  ASSERT_EQ(poll(&file, 1, -1), 1);
  bool called = false;
  stop.on_request([&] { called = true; });
  EXPECT_TRUE(called);
}

// Never returns: the second signal ends the process.
void receive_two_signals() {
  StopSignal stop;
  kill(getpid(), SIGINT);
  pollfd file{stop.fd(), POLLIN, 0};
  poll(&file, 1, -1);
  kill(getpid(), SIGINT);
  while (true) pause();
}

TEST(StopSignalDeathTest, TheSecondSignalEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(receive_two_signals(), testing::ExitedWithCode(130), "");
}

}  // namespace
}  // namespace millrace
