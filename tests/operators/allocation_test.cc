#include <fmt/format.h>
#include <gtest/gtest.h>

#include <optional>

#include "millrace/framework/deployment.h"
#include "millrace/millrace.h"
#include "millrace/state/memory_task_state.h"
#include "millrace/tests/allocation_counter.h"
#include "millrace/tests/framework/null_producer.h"
#include "millrace/tests/kit/manual_clock.h"

namespace millrace {
namespace {

using namespace std::chrono_literals;

struct Frame {
  std::chrono::sys_seconds time;
  std::string_view user;
  std::int64_t size;
};

/// JSON → filter → map → event_time → windows → distinct_count, up to its edge: all that a record
/// goes through in its source's task.
Topology chain() {
  TopologyBuilder topology{"chain"};
  topology.source("in", json<Frame>(field("ts", &Frame::time), field("uid", &Frame::user),
                                    field("size", &Frame::size))) |
      filter([](const Frame& frame) { return frame.size > 0; }) | map([](Frame frame) {
        frame.size *= 2;
        return frame;
      }) |
      event_time(&Frame::time, lateness(5s), jump_guard(1h)) |
      windows({tumbling(60s), tumbling(600s), calendar_day()}) |
      distinct_count("users", &Frame::user) | to("out", window_stats_json());
  return *topology.build();
}

class AllocationTest : public testing::Test {
 protected:
  void SetUp() override {
    collector_.use(producer_, Guarantee::kExactlyOnce);
    deployment_.partitions = {{"in", 1}, {"chain-users-repartition", 1}};
    context_ = std::make_unique<TaskContext>(TaskContext::Parts{
        clock_, null_log(), collector_, id_, deployment_, 0, topology_.edge_count()});
    context_->source_partitions.push_back(
        std::make_unique<SourcePartition>(TopicPartition{"in", 0}, dead_, context_->counters()));
    source_ = context_->source_partitions.front().get();
    node_ = topology_.nodes().front().source_recipe(*context_);
    node_->open(*context_);
    source_->start({}, clock_.monotonic_ms());
  }
  /// One batch of records with repeating users, over some minutes.
  void fill(int records, int minutes) {
    batch_.reset();
    for (int i = 0; i < records; ++i)
      batch_.append("key",
                    fmt::format(R"({{"ts":{},"x":"{}","uid":"user \u00e9 {}","size":{}}})",
                                1'468'244'400 + i * 60 * minutes / records, std::string(200, 'x'),
                                i % 97, i % 5),
                    next_++, -1);
  }
  std::uint64_t allocations_of_processing() {
    const std::uint64_t before = allocations();
    EXPECT_TRUE(source_->process(batch_.records(), batch_.arena(), *node_).ok());
    return allocations() - before;
  }
  std::uint64_t allocations_of_flushing() {
    const std::uint64_t before = allocations();
    node_->flush();
    node_->committed();
    return allocations() - before;
  }

  const std::string id_ = "chain";
  Topology topology_ = chain();
  ManualClock clock_;
  NullProducer producer_;
  Collector collector_{clock_};
  DeadLetters dead_{{BadRecordPolicy::kStop, "", 1}, collector_};
  Deployment deployment_;
  std::unique_ptr<TaskContext> context_;
  SourcePartition* source_ = nullptr;
  std::unique_ptr<SourceNode> node_;
  RecordBatch batch_;
  std::int64_t next_ = 0;
};

TEST_F(AllocationTest, AWarmChainAllocatesNothingPerRecord) {
  for (int warm = 0; warm < 3; ++warm) {
    fill(5000, 3);
    allocations_of_processing();
  }
  fill(5000, 3);
  EXPECT_EQ(allocations_of_processing(), 0u);
}

/// What a commit forgets (the assignments of the stretches of time it saw) is made anew: a number
/// that follows the windows in the batch, here 10 minutes, and not its records.
TEST_F(AllocationTest, ACommitCostsABoundedNumberWhateverTheRecords) {
  constexpr std::uint64_t kPerStretch = 12;
  constexpr std::uint64_t kStretches = 10 + 2;
  for (const int records : {500, 5000}) {
    for (int warm = 0; warm < 3; ++warm) {
      fill(records, 10);
      allocations_of_processing();
      allocations_of_flushing();
    }
    fill(records, 10);
    EXPECT_LE(allocations_of_processing() + allocations_of_flushing(), kPerStretch * kStretches)
        << records;
  }
}

/// All nodes of a topology that is one task, over stores in memory.
class KeyedAllocationTest : public testing::Test {
 protected:
  void start(TopologyBuilder builder) {
    auto built = builder.build();
    ASSERT_TRUE(built.ok()) << built.status().message();
    topology_.emplace(std::move(*built));
    collector_.use(producer_, Guarantee::kExactlyOnce);
    deployment_.partitions = {{"in", 1}, {"out", 1}};
    context_ = std::make_unique<TaskContext>(TaskContext::Parts{
        clock_, null_log(), collector_, id_, deployment_, 0, topology_->edge_count()});
    context_->source_partitions.push_back(
        std::make_unique<SourcePartition>(TopicPartition{"in", 0}, dead_, context_->counters()));
    auto state = memory_task_state({id_, "0_0", "", topology_->sub_topologies().front().stores});
    ASSERT_TRUE(state.ok());
    context_->state = std::move(*state);
    for (const NodeSpec& spec : topology_->nodes()) {
      if (spec.source)
        nodes_.push_back(spec.source_recipe(*context_));
      else
        nodes_.push_back(spec.recipe(*context_));
    }
    for (auto node = nodes_.rbegin(); node != nodes_.rend(); ++node) (*node)->open(*context_);
    context_->source_partitions.front()->start({}, clock_.monotonic_ms());
  }
  /// One batch of records over 97 keys and three minutes.
  void fill(int records, const std::string& key) {
    batch_.reset();
    for (int i = 0; i < records; ++i)
      batch_.append(
          key + std::to_string(i % 97),
          fmt::format(R"({{"ts":{},"uid":"u","size":1}})", 1'468'244'400 + i * 180 / records),
          next_++, -1);
  }
  std::uint64_t allocations_of_processing() {
    const std::uint64_t before = allocations();
    EXPECT_TRUE(
        context_->source_partitions.front()
            ->process(batch_.records(), batch_.arena(), static_cast<SourceNode&>(*nodes_.front()))
            .ok());
    return allocations() - before;
  }
  std::uint64_t allocations_of_flushing() {
    const std::uint64_t before = allocations();
    for (const auto& node : nodes_) node->flush();
    EXPECT_TRUE(context_->state->apply(std::vector<std::int64_t>(1)).ok());
    for (const auto& node : nodes_) node->committed();
    return allocations() - before;
  }
  /// Of a batch when several have been processed and committed, its commit not included.
  std::uint64_t allocations_of_a_warm_batch(int records, const std::string& key) {
    for (int warm = 0; warm < 3; ++warm) {
      fill(records, key);
      allocations_of_processing();
      allocations_of_flushing();
    }
    fill(records, key);
    allocations_of_processing();  // the stretches of time of this commit
    fill(records, key);
    return allocations_of_processing();
  }

  const std::string id_ = "keyed";
  std::optional<Topology> topology_;
  ManualClock clock_;
  NullProducer producer_;
  Collector collector_{clock_};
  DeadLetters dead_{{BadRecordPolicy::kStop, "", 1}, collector_};
  Deployment deployment_;
  std::unique_ptr<TaskContext> context_;
  std::vector<std::unique_ptr<Node>> nodes_;
  RecordBatch batch_;
  std::int64_t next_ = 0;
};

auto sized() {
  return json<Frame>(field("ts", &Frame::time), field("uid", &Frame::user),
                     field("size", &Frame::size));
}
const auto add_size = [](std::int64_t& sum, const Frame& frame) { sum += frame.size; };
template <class R>
auto to_sums() {
  return to("out", json<R>(field("key", &R::key), field("sum", &R::value)));
}
using Sum = Keyed<std::string, std::int64_t>;
using WindowSum = KeyedWindow<std::string, std::int64_t>;

TEST_F(KeyedAllocationTest, AWarmFoldAllocatesNothingPerRecord) {
  TopologyBuilder topology{"keyed"};
  topology.source("in", sized()) | aggregate("sums", std::int64_t{0}, add_size) | to_sums<Sum>();
  start(std::move(topology));
  EXPECT_EQ(allocations_of_a_warm_batch(5000, "k"), 0u);
}

/// Results carry their key as a std::string: long keys are free only until the commit.
TEST_F(KeyedAllocationTest, AWarmFoldOnCommitAllocatesNothingPerRecordHoweverLongTheKeys) {
  TopologyBuilder topology{"keyed"};
  topology.source("in", sized()) | aggregate("sums", std::int64_t{0}, add_size, on_commit()) |
      to_sums<Sum>();
  start(std::move(topology));
  EXPECT_EQ(allocations_of_a_warm_batch(5000, std::string(50, 'k')), 0u);
}

TEST_F(KeyedAllocationTest, AWarmFoldPerWindowAllocatesNothingPerRecord) {
  TopologyBuilder topology{"keyed"};
  topology.source("in", sized()) | event_time(&Frame::time, lateness(1h), no_jump_guard()) |
      windows({tumbling(60s), tumbling(600s)}) |
      aggregate("sums", std::int64_t{0}, add_size, on_close()) | to_sums<WindowSum>();
  start(std::move(topology));
  EXPECT_EQ(allocations_of_a_warm_batch(5000, std::string(50, 'k')), 0u);
}

/// What a commit costs follows the keys that changed, not the records.
TEST_F(KeyedAllocationTest, ACommitCostsABoundedNumberWhateverTheRecords) {
  TopologyBuilder topology{"keyed"};
  topology.source("in", sized()) | aggregate("sums", std::int64_t{0}, add_size, on_commit()) |
      to_sums<Sum>();
  start(std::move(topology));
  for (const int records : {500, 5000}) {
    allocations_of_a_warm_batch(records, "k");
    EXPECT_LE(allocations_of_flushing(), 2u * 97u) << records;
  }
}

}  // namespace
}  // namespace millrace
