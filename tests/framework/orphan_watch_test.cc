#include "millrace/framework/orphan_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "millrace/tests/framework/embedded_world.h"
#include "millrace/tests/line_log.h"

namespace millrace {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using namespace std::chrono_literals;

/// A static member with its watch.
struct Member {
  Member(EmbeddedWorld& world, LogSink& log, const std::string& instance_id)
      : consumer(world.member("g", instance_id)),
        watch(*world.broker, log,
              {.group_id = "g", .client_id = "client", .group_instance_id = instance_id},
              {{"lead", 4}}) {
    EXPECT_OK(consumer->subscribe({"lead"}));
    EXPECT_OK(consumer->serve());
  }
  void turn(EmbeddedWorld& world) {
    EXPECT_OK(consumer->serve());
    watch.turn(consumer->membership(), world.clock.monotonic_ms());
  }
  std::size_t owned() const { return consumer->membership().owned.size(); }

  std::unique_ptr<Consumer> consumer;
  OrphanWatch watch;
};

class OrphanWatchTest : public testing::Test {
 protected:
  OrphanWatchTest() { EXPECT_OK(world.topic("lead", 4)); }

  /// `a` owns everything, gives half of it up for `b`, and dies before it says so.
  void orphan() {
    a.emplace(world, log, "a");
    b.emplace(world, log, "b");
    EXPECT_OK(a->consumer->serve());
    EXPECT_EQ(a->owned(), 2U);
    a.reset();
    a.emplace(world, log, "a");
    EXPECT_OK(b->consumer->serve());
    EXPECT_EQ(a->owned(), 2U);
    EXPECT_EQ(b->owned(), 0U);
  }
  void pass(std::chrono::seconds time) {
    for (; time > 0s; time -= 1s) {
      world.clock.advance(1s);
      for (auto* member : {&a, &b})
        if (*member) (*member)->turn(world);
    }
  }
  GroupDescription group() { return *world.broker->admin().describe_group("g"); }

  EmbeddedWorld world;
  LineLog log;
  std::optional<Member> a, b;
};

TEST_F(OrphanWatchTest, MakesTheGroupDealAnew) {
  orphan();
  pass(19s);
  EXPECT_EQ(b->owned(), 0U);
  EXPECT_THAT(log.lines, IsEmpty()) << "what is seen once may be a rebalance";
  pass(5s);
  EXPECT_EQ(a->owned(), 2U);
  EXPECT_EQ(b->owned(), 2U);
  ASSERT_THAT(log.lines, SizeIs(1));
  EXPECT_THAT(log.lines[0], HasSubstr("nobody works on these partitions"));
  EXPECT_THAT(log.lines[0], HasSubstr("lead-2, lead-3"));
  EXPECT_THAT(group().members, SizeIs(2)) << "the bystander has left";
  pass(60s);
  EXPECT_THAT(log.lines, SizeIs(1));
}

TEST_F(OrphanWatchTest, LeavesAGroupAloneThatOwnsEverything) {
  a.emplace(world, log, "a");
  b.emplace(world, log, "b");
  pass(3s);
  const std::uint64_t version = a->consumer->membership().version;
  pass(60s);
  EXPECT_EQ(a->consumer->membership().version, version);
  EXPECT_THAT(log.lines, IsEmpty());
}

TEST_F(OrphanWatchTest, LetsTheFirstMemberAct) {
  orphan();
  const std::uint64_t version = b->consumer->membership().version;
  for (int i = 0; i < 40; ++i) {
    world.clock.advance(1s);
    EXPECT_OK(a->consumer->serve());
    b->turn(world);
  }
  EXPECT_EQ(b->consumer->membership().version, version);
  EXPECT_THAT(log.lines, IsEmpty());
}

TEST_F(OrphanWatchTest, TakesNobodyForDeadWhoseSessionLasts) {
  a.emplace(world, log, "a");
  b.emplace(world, log, "b");
  pass(3s);
  b.reset();
  pass(9s);
  EXPECT_EQ(a->owned(), 2U);
  pass(30s);
  EXPECT_EQ(a->owned(), 4U);
  EXPECT_THAT(log.lines, IsEmpty());
}

TEST_F(OrphanWatchTest, IsAloneAfterAStop) {
  orphan();
  for (int i = 0; i < 100 && log.lines.empty(); ++i) pass(1s);
  ASSERT_THAT(log.lines, SizeIs(1));
  a->watch.stop();
  EXPECT_THAT(group().members, SizeIs(2));
  pass(60s);
  EXPECT_EQ(b->owned(), 2U) << "it is seen again";
  EXPECT_THAT(log.lines, SizeIs(2));
}

}  // namespace
}  // namespace millrace
