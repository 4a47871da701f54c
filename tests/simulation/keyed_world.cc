#include "millrace/tests/simulation/keyed_world.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <map>
#include <tuple>

#include "millrace/framework/partitioner.h"
#include "millrace/millrace.h"

namespace millrace {
namespace {

constexpr std::int64_t kLatenessMs = 5'000;
constexpr std::int64_t kStart = 1'468'244'400;

struct Sale {
  std::chrono::sys_seconds time;
  std::int64_t amount = 0;
  std::string item;
};
auto millrace_fields(const Sale*) { return fields<Sale>(&Sale::amount, &Sale::item); }

/// "<second> <amount> <item>".
class SaleCodec {
 public:
  using value_type = Sale;
  DecodeOutcome decode(const RecordView& record, Arena&, Sale& sale) const {
    const char* const end = record.value.data() + record.value.size();
    std::int64_t second = 0;
    const char* at = std::from_chars(record.value.data(), end, second).ptr;
    sale.time = std::chrono::sys_seconds(std::chrono::seconds(second));
    at = std::from_chars(at + 1, end, sale.amount).ptr;
    sale.item.assign(at + 1, end);
    return {};
  }
  std::string describe() const { return "sale"; }
};

/// "<window end> <window length> <value> <key>", zeros without a window.
template <class R>
class RowCodec {
 public:
  using value_type = R;
  void encode(const R& row, std::string& out) const {
    if constexpr (requires { row.end_ms; })
      out += fmt::format("{} {} {} {}", row.end_ms, row.end_ms - row.start_ms, row.value, row.key);
    else
      out += fmt::format("0 0 {} {}", row.value, row.key);
  }
  std::string describe() const { return "row"; }
};

}  // namespace

Topology KeyedWorld::topology() const {
  TopologyBuilder topology{"world"};
  const auto amount = [](const Sale& sale) { return sale.amount; };
  const auto add = [](std::int64_t& sum, const Sale& sale) { sum += sale.amount; };
  const auto larger = [](std::int64_t a, std::int64_t b) { return std::max(a, b); };
  std::vector<WindowDefinition> definitions;
  for (const std::int64_t duration : durations_)
    definitions.push_back(tumbling(std::chrono::seconds(duration)));
  const RowCodec<Keyed<std::string, std::int64_t>> row;
  const RowCodec<KeyedWindow<std::string, std::int64_t>> window_row;
  const auto finish = [&](auto stream) {
    const Windows cut = windows(definitions, std::chrono::milliseconds(grace_ms_));
    switch (kind_) {
      case Kind::kCount:
        std::move(stream) | count("state") | to("out", row);
        break;
      case Kind::kSumOnCommit:
        std::move(stream) | aggregate("state", std::int64_t{0}, add, on_commit()) | to("out", row);
        break;
      case Kind::kReduce:
        std::move(stream) | map(amount) | reduce("state", larger) | to("out", row);
        break;
      case Kind::kClosedCount:
        std::move(stream) | cut | count("state", on_close()) | to("out", window_row);
        break;
      case Kind::kClosedSum:
        std::move(stream) | cut | aggregate("state", std::int64_t{0}, add, on_close()) |
            to("out", window_row);
        break;
      case Kind::kOpenCount:
        std::move(stream) | cut | count("state") | to("out", window_row);
        break;
    }
  };
  auto sales =
      topology.source("in", SaleCodec()) |
      event_time(&Sale::time, lateness(std::chrono::milliseconds(kLatenessMs)), no_jump_guard());
  if (rekeyed_)
    finish(std::move(sales) | key_by(&Sale::item));
  else
    finish(std::move(sales));
  auto built = topology.build();
  MILLRACE_CHECK(built.ok(), "the world's topology is right");
  return std::move(*built);
}

std::unique_ptr<World> make_keyed_world(std::uint64_t seed, Trace trace) {
  return std::make_unique<KeyedWorld>(seed, std::move(trace));
}

KeyedWorld::KeyedWorld(std::uint64_t seed, Trace trace) : dice_(seed) {
  kind_ = dice_.pick({Kind::kCount, Kind::kSumOnCommit, Kind::kReduce, Kind::kClosedCount,
                      Kind::kClosedSum, Kind::kOpenCount});
  durations_ = dice_.pick<std::vector<std::int64_t>>({{60}, {60, 600}, {420, 600}});
  grace_ms_ = dice_.pick({0, 0, 30'000});
  rekeyed_ = dice_.chance(.7);
  partitions_ = dice_.pick({1, 2, 2, 3});
  plan_ = pick_faults(dice_);
  simulator_ = std::make_unique<Simulator>(options(seed, std::move(trace)));
  feed_ = std::make_unique<TransactionalFeed>(*simulator_);
}

Simulator::Options KeyedWorld::options(std::uint64_t seed, Trace trace) {
  ApplicationConfig config;
  config.threads = dice_.pick({1, 1, 2});
  config.until_end = true;
  config.idle_after = std::chrono::milliseconds(-1);
  config.session_timeout = std::chrono::seconds(6);
  config.static_membership = dice_.chance(.15);
  config.batch.records = static_cast<std::size_t>(dice_.pick({1, 3, 10, 100}));
  config.commit_interval = std::chrono::milliseconds(dice_.pick({10, 100, 1000}));
  config.transaction_bytes = static_cast<std::size_t>(dice_.pick({300, 1 << 26}));
  Simulator::Options options{.driver = {.topology = topology(),
                                        .config = config,
                                        .partitions = {{"in", partitions_}, {"out", partitions_}}},
                             .seed = seed + 1,
                             .instances = dice_.pick({1, 2, 3}),
                             .faults = plan_,
                             .keeps_state = dice_.chance(.7),
                             .tick = [this] { feed_->end(false); },
                             .trace = std::move(trace)};
  if (dice_.chance(.5)) shorten_compaction(options);
  if (keeps_in_rocksdb(seed)) disks_.emplace().use(options);
  return options;
}

std::string KeyedWorld::describe() const {
  static constexpr std::string_view kKinds[] = {"count",          "sum on commit", "reduce",
                                                "count on close", "sum on close",  "window count"};
  const ApplicationConfig& config = simulator_->driver().config();
  return fmt::format(
      "keyed, {}{}{}: {} partitions, {} threads each{}, batch {}, commit every {} ms; faults:{}",
      kKinds[static_cast<int>(kind_)], rekeyed_ ? " of a new key" : "",
      disks_ ? ", in RocksDB" : "", partitions_, config.threads,
      config.static_membership ? " (static)" : "", config.batch.records,
      config.commit_interval.count(), millrace::describe(plan_));
}

// --- what happens

void KeyedWorld::feed(std::int32_t partition, std::int64_t count) {
  Dice& dice = simulator_->dice();
  std::int64_t clock = kStart + dice.below(3000);
  feed_->write("in", partition, count, [&](OutgoingRecord& record, std::string& value) {
    clock += dice.pick({0, 1, 3, 10, 30});
    const std::int64_t second = clock - dice.pick({0, 0, 0, 3, 90, 700});
    static constexpr std::string_view kKeys[] = {"item 0", "item 1", "item 2", "item 3",
                                                 "item 4", "item 5", "item 6"};
    const std::string_view key = kKeys[dice.below(7)];
    value = fmt::format("{} {} {}", second, dice.below(1000), key);
    if (!rekeyed_) record.partition = partition_for_key(key, partitions_);
    if (!rekeyed_ || dice.chance(.5)) record.key = key;
  });
}

std::optional<SimulationFailure> KeyedWorld::play() {
  Dice& dice = simulator_->dice();
  for (std::int32_t i = 0; i < partitions_; ++i)
    for (std::int64_t n = dice.below(6); n > 0; --n) feed(i, 1 + dice.below(25));
  for (int n = dice.pick({100, 300, 600}); n > 0 && !simulator_->failure(); --n) {
    // Who starts when all have left begins another run: what came in between would change windows
    // that have been emitted.
    if (!windowed() && dice.chance(.02))
      feed(static_cast<std::int32_t>(dice.below(partitions_)), 1 + dice.below(7));
    simulator_->step();
  }
  feed_->end(true);
  simulator_->settle();
  if (!simulator_->failure() && windowed()) check_windows();
  if (!simulator_->failure() && !windowed()) check_keys();
  return simulator_->failure();
}

// --- what is checked

/// What the run has to read: all that is committed before its ends.
std::vector<OutputRecord> KeyedWorld::input() const {
  std::vector<OutputRecord> records = simulator_->driver().read_output("in");
  std::erase_if(records, [&](const OutputRecord& record) {
    const auto found = simulator_->committed().find({"in", record.partition});
    return found == simulator_->committed().end() ||
           record.offset >= found->second.metadata.end_offset;
  });
  return records;
}

std::vector<std::vector<KeyedWorld::Row>> KeyedWorld::output() const {
  std::vector<std::vector<Row>> result(static_cast<std::size_t>(partitions_));
  for (OutputRecord& record : simulator_->driver().read_output("out")) {
    Row& row = result[static_cast<std::size_t>(record.partition)].emplace_back();
    char* at = record.value->data();
    row.end_ms = std::strtoll(at, &at, 10);
    row.length_ms = std::strtoll(at, &at, 10);
    row.value = std::strtoll(at, &at, 10);
    row.key = at + 1;
  }
  return result;
}

void KeyedWorld::check_keys() {
  std::map<std::string, std::vector<std::int64_t>> amounts;
  for (OutputRecord& record : input()) {
    char* at = record.value->data();
    std::strtoll(at, &at, 10);
    const std::int64_t amount = std::strtoll(at, &at, 10);
    amounts[at + 1].push_back(amount);
  }
  std::map<std::string, std::vector<std::int64_t>> results;
  for (const std::vector<Row>& partition : output())
    for (const Row& row : partition) results[row.key].push_back(row.value);
  if (results.size() != amounts.size())
    return wrong(fmt::format("{} keys, not {}", results.size(), amounts.size()));
  for (const auto& [key, values] : amounts) {
    const std::vector<std::int64_t>& got = results[key];
    std::int64_t last = 0;
    for (const std::int64_t value : values) {
      if (kind_ == Kind::kCount) ++last;
      if (kind_ == Kind::kSumOnCommit) last += value;
      if (kind_ == Kind::kReduce) last = std::max(last, value);
    }
    if (got.empty() || got.back() != last)
      return wrong(
          fmt::format("'{}' ends at {}, not {}", key, got.empty() ? -1 : got.back(), last));
    if (kind_ == Kind::kSumOnCommit ? got.size() > values.size() : got.size() != values.size())
      return wrong(
          fmt::format("'{}' has {} results of {} records", key, got.size(), values.size()));
    for (std::size_t i = 0; i < got.size(); ++i) {
      if (kind_ == Kind::kCount && got[i] != static_cast<std::int64_t>(i) + 1)
        return wrong(fmt::format("result {} of '{}' is {}", i, key, got[i]));
      if (i > 0 && got[i] < got[i - 1])
        return wrong(fmt::format("result {} of '{}' falls to {}", i, key, got[i]));
    }
  }
}

/// On close: each window's keys once, in order, in the partition of the key. Else: each count once.
void KeyedWorld::check_windows() {
  std::vector<std::map<Row, std::int64_t>> want(static_cast<std::size_t>(partitions_));
  std::map<std::int32_t, std::int64_t> highest_ms;
  std::uint64_t accepted = 0;
  std::uint64_t late = 0;
  for (OutputRecord& record : input()) {
    char* at = record.value->data();
    const std::int64_t time_ms = std::strtoll(at, &at, 10) * 1000;
    const std::int64_t amount = std::strtoll(at, &at, 10);
    const std::string key = at + 1;
    const auto [highest, first] = highest_ms.try_emplace(record.partition, time_ms);
    bool counted = false;
    for (const std::int64_t duration : durations_) {
      const std::int64_t length_ms = duration * 1000;
      const std::int64_t end_ms = time_ms / length_ms * length_ms + length_ms;
      if (!first && end_ms + grace_ms_ <= highest->second - kLatenessMs) continue;
      counted = true;
      const auto home = static_cast<std::size_t>(partition_for_key(key, partitions_));
      want[home][{end_ms, length_ms, key, 0}] += kind_ == Kind::kClosedSum ? amount : 1;
    }
    ++(counted ? accepted : late);
    highest->second = std::max(highest->second, time_ms);
  }
  const RunCounters counters = simulator_->driver().counters();
  if (counters.accepted != accepted || counters.late != late)
    return wrong(fmt::format("counted {} accepted and {} late, not {} and {}", counters.accepted,
                             counters.late, accepted, late));
  const auto got = output();
  for (std::size_t partition = 0; partition < got.size(); ++partition) {
    std::vector<Row> expected;
    for (const auto& [row, value] : want[partition])
      for (std::int64_t i = kind_ == Kind::kOpenCount ? 1 : value; i <= value; ++i)
        expected.push_back({row.end_ms, row.length_ms, row.key, i});
    std::vector<Row> rows = got[partition];
    if (kind_ == Kind::kOpenCount)  // in the order of the records: that of each key is checked
      std::ranges::stable_sort(
          rows, {}, [](const Row& row) { return std::tie(row.end_ms, row.length_ms, row.key); });
    if (rows == expected) continue;
    const auto same =
        static_cast<std::size_t>(std::ranges::mismatch(rows, expected).in1 - rows.begin());
    const auto show = [&](const std::vector<Row>& list) {
      return same < list.size()
                 ? fmt::format("{} {} '{}' {}", list[same].end_ms, list[same].length_ms,
                               list[same].key, list[same].value)
                 : std::string("nothing");
    };
    return wrong(fmt::format("result {} of {} (of {} expected) in partition {} is {}, not {}", same,
                             rows.size(), expected.size(), partition, show(rows), show(expected)));
  }
}

}  // namespace millrace
