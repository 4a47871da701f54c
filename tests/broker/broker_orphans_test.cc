// What the death of a static member between two rounds of a rebalance leaves behind, and its heal.
#include "millrace/framework/orphan_watch.h"
#include "millrace/tests/broker/broker_fixture.h"

namespace millrace::contract {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

class OrphanContract : public BrokerContract {
 protected:
  bool kafka() const { return GetParam() == Kind::kKafka; }
};
INSTANTIATE_TEST_SUITE_P(Brokers, OrphanContract, testing::ValuesIn(kinds()), kind_name);

TEST_P(OrphanContract, PartitionsThatADeadStaticMemberGaveUpAreDealtOutAgain) {
  const std::string group = unique("group"), input = topic(4);
  const auto state = [&] {
    const auto described = admin().describe_group(group);
    return described.ok() ? described->state : described.status().message();
  };
  auto one = member(group, input, 4, "one");
  auto two = consumer(group, "two");
  EXPECT_THAT(two->subscribe({input}), IsOk());
  // On Kafka the client of "one" answers by itself that it gives two partitions up, and waits to be
  // served before it comes back for the second round; here it is told when it is served.
  ASSERT_TRUE(served_until({two.get()}, [&] { return two->membership().joined; }));
  if (!kafka()) {
    EXPECT_THAT(one->serve(), IsOk());
  }
  ASSERT_THAT(owned(*two), IsEmpty());
  one.reset();  // as kill -9

  one = consumer(group, "one");
  EXPECT_THAT(one->subscribe({input}), IsOk());
  ASSERT_TRUE(served_until({one.get(), two.get()},
                           [&] { return one->membership().joined && state() == "Stable"; }));
  EXPECT_THAT(owned(*one), SizeIs(2)) << "the assignment that the broker has stored";
  EXPECT_THAT(owned(*two), IsEmpty());

  ConsumerOptions options{.group_id = group,
                          .client_id = "contract",
                          .group_instance_id = "one",
                          .session_timeout = kafka() ? kSession : 50ms};
  OrphanWatch watch(broker(), null_log(), options, {{input, 4}});
  ASSERT_TRUE(served_until({one.get(), two.get()}, [&] {
    watch.turn(one->membership(), clock_.monotonic_ms());
    return owned(*one).size() == 2 && owned(*two).size() == 2 && state() == "Stable";
  }));
  EXPECT_THAT(admin().describe_group(group)->members, SizeIs(2)) << "the bystander is gone";
  EXPECT_THAT(one->close(), IsOk());
  EXPECT_THAT(two->close(), IsOk());
}

}  // namespace
}  // namespace millrace::contract
