#include "millrace/tests/topology/keyed_world.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

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

KeyedWorld::KeyedWorld(std::uint64_t seed) : seed_(seed), generator_(seed) {
  kind_ = pick({Kind::kCount, Kind::kSumOnCommit, Kind::kReduce, Kind::kClosedCount,
                Kind::kClosedSum, Kind::kOpenCount});
  durations_ = pick<std::vector<std::int64_t>>({{60}, {60, 600}, {420, 600}});
  grace_ms_ = pick({0, 0, 30'000});
  rekeyed_ = chance(.7);
  partitions_ = pick({1, 2, 2, 3});
  threads_ = pick({1, 1, 2});
  plan_ = pick<Plan>({{},
                      {.crash = .01},
                      {.leave = .01},
                      {.disturb = .02},
                      {.crash = .005, .leave = .005, .disturb = .01},
                      {.fault = .05},
                      {.crash = .005, .disturb = .01, .fault = .2}});
  ApplicationConfig config;
  config.threads = threads_;
  config.until_end = true;
  config.idle_after = std::chrono::milliseconds(-1);
  config.session_timeout = std::chrono::seconds(6);
  config.batch.records = static_cast<std::size_t>(pick({1, 3, 10, 100}));
  config.commit_interval = std::chrono::milliseconds(pick({10, 100, 1000}));
  config.transaction_bytes = static_cast<std::size_t>(pick({300, 1 << 26}));
  driver_ = std::make_unique<TopologyTestDriver>(
      TopologyTestDriver::Options{.topology = topology(),
                                  .config = config,
                                  .partitions = {{"in", partitions_}, {"out", partitions_}},
                                  .wrap_broker = [this](Broker& broker) {
                                    return std::make_unique<FaultyBroker>(broker, faults_);
                                  }});
  for (int i = 0, count = pick({1, 2, 3}); i < count; ++i)
    processes_.push_back({.id = fmt::format("i{}", i)});
}

std::string KeyedWorld::describe() const {
  static constexpr std::string_view kKinds[] = {"count",          "sum on commit", "reduce",
                                                "count on close", "sum on close",  "window count"};
  return fmt::format(
      "seed {}: {}{}, {} partitions, {} instances of {} threads, batch {}, commit every {} ms, "
      "crash {}, leave {}, disturb {}, fault {}",
      seed_, kKinds[static_cast<int>(kind_)], rekeyed_ ? " of a new key" : "", partitions_,
      processes_.size(), threads_, driver_->config().batch.records,
      driver_->config().commit_interval.count(), plan_.crash, plan_.leave, plan_.disturb,
      plan_.fault);
}

// --- the input

/// A batch of records, now and then in a transaction that is aborted.
void KeyedWorld::feed(std::int32_t partition, std::int64_t count) {
  ProducerOptions options;
  const bool transaction = chance(.3);
  if (transaction) options.transactional_id = "feed";
  auto producer = std::move(*driver_->broker().producer(options));
  Status status;
  if (transaction) status = producer->init_transactions();
  if (transaction && status.ok()) status = producer->begin();
  std::int64_t clock = kStart + below(3000);
  for (std::int64_t i = 0; i < count && status.ok(); ++i) {
    clock += pick({0, 1, 3, 10, 30});
    const std::int64_t second = clock - pick({0, 0, 0, 3, 90, 700});
    const std::string key = fmt::format("item {}", below(7));
    const std::string value = fmt::format("{} {} {}", second, below(1000), key);
    const std::int32_t home = rekeyed_ ? partition : partition_for_key(key, partitions_);
    status = producer->produce({.topic = "in",
                                .partition = home,
                                .key = rekeyed_ && chance(.5) ? std::string_view() : key,
                                .value = value});
  }
  if (status.ok()) status = producer->flush(std::chrono::seconds(1));
  if (status.ok() && transaction) status = chance(.5) ? producer->commit() : producer->abort();
  if (!status.ok()) wrong("the input: " + status.message());
}

// --- steps

void KeyedWorld::allow_faults(bool allowed) {
  faults_.at = [this, allowed](Faults::Point point) {
    using Point = Faults::Point;
    using Fault = Faults::Fault;
    if (!allowed) return Fault::kNone;
    const bool commit = point == Point::kSendOffsets || point == Point::kBeforeCommit ||
                        point == Point::kAfterCommit;
    if (!chance(commit ? plan_.fault : plan_.fault / 20)) return Fault::kNone;
    switch (point) {
      case Point::kPoll:
      case Point::kCommitted:
        return pick({Fault::kRetry, Fault::kRetry, Fault::kKill});
      case Point::kSendOffsets:
        return pick({Fault::kRetry, Fault::kAbort, Fault::kKill});
      case Point::kBeforeCommit:
        return pick({Fault::kRetry, Fault::kAbort, Fault::kUnknown, Fault::kKill});
      case Point::kAfterCommit:
        return pick({Fault::kUnknown, Fault::kUnknown, Fault::kKill});
    }
    return Fault::kNone;
  };
}

void KeyedWorld::start(Process& process) {
  process.up = driver_->add_instance(process.id);
  if (!process.up) process.until_ms = driver_->clock().wall_ms() + 500;
}

void KeyedWorld::turn(Process& process) {
  try {
    driver_->turn(process.id, static_cast<int>(below(threads_)));
  } catch (const Killed&) {
    driver_->crash_instance(process.id);
    process.up = false;
    process.until_ms = driver_->clock().wall_ms() + pick({0, 3000, 15'000});
  }
  if (!driver_->status().ok()) return wrong(driver_->status().message());
  const auto running = driver_->instances();
  if (process.up && std::ranges::find(running, process.id) == running.end()) {
    process.up = false;
    process.done = true;
  }
}

void KeyedWorld::step() {
  driver_->advance(
      std::chrono::milliseconds(chance(.97) ? pick({10, 50, 200}) : pick({1000, 3000, 7000})));
  Process& process =
      processes_[static_cast<std::size_t>(below(static_cast<std::int64_t>(processes_.size())))];
  const std::int64_t now_ms = driver_->clock().wall_ms();
  if (process.done || now_ms < process.until_ms) return;
  if (!process.up) start(process);
  if (process.up) turn(process);
  if (!process.up) return;
  if (chance(plan_.crash)) {
    driver_->crash_instance(process.id);
    process.up = false;
    process.until_ms = now_ms + pick({0, 3000, 15'000});
  } else if (chance(plan_.leave)) {
    try {
      driver_->stop_instance(process.id);
    } catch (const Killed&) {
      driver_->crash_instance(process.id);
    }
    process.up = false;
    process.until_ms = now_ms + pick({0, 1000});
  }
  if (chance(plan_.disturb)) driver_->disturb();
}

/// Faults are over: everybody comes back and runs to the end.
void KeyedWorld::settle() {
  allow_faults(false);
  for (int round = 0; round < 20'000 && !wrong_; ++round) {
    bool all_done = true;
    for (Process& process : processes_) {
      all_done = all_done && process.done;
      if (process.done) continue;
      if (!process.up) start(process);
      for (int i = 0; i < 2 * threads_ && process.up && !wrong_; ++i) turn(process);
    }
    if (all_done) return;
    driver_->advance(std::chrono::milliseconds(50));
  }
  wrong("does not come to an end");
}

std::optional<std::string> KeyedWorld::play() {
  for (std::int32_t i = 0; i < partitions_; ++i)
    for (std::int64_t n = below(6); n > 0; --n) feed(i, 1 + below(25));
  allow_faults(true);
  for (int n = pick({100, 300, 600}); n > 0 && !wrong_; --n) step();
  settle();
  if (!wrong_ && windowed()) check_windows();
  if (!wrong_ && !windowed()) check_keys();
  return wrong_;
}

// --- what is checked

std::vector<std::vector<KeyedWorld::Row>> KeyedWorld::output() const {
  std::vector<std::vector<Row>> result(static_cast<std::size_t>(partitions_));
  for (OutputRecord& record : driver_->read_output("out")) {
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
  for (OutputRecord& record : driver_->read_output("in")) {
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
  for (OutputRecord& record : driver_->read_output("in")) {
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
  const RunCounters counters = driver_->counters();
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

namespace {

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/// One world again: MILLRACE_FIRST_SEED=417 MILLRACE_SEEDS=1. Many: MILLRACE_SEEDS=10000.
TEST(KeyedWorld, CommitsWhatANaiveFoldOfTheInputGives) {
  const std::uint64_t first = number_from_environment("MILLRACE_FIRST_SEED", 0);
  const std::uint64_t seeds = number_from_environment("MILLRACE_SEEDS", 500);
  int wrong = 0;
  for (std::uint64_t seed = first; seed < first + seeds && wrong < 10; ++seed) {
    KeyedWorld world(seed);
    if (const auto problem = world.play()) {
      ++wrong;
      ADD_FAILURE() << world.describe() << "\n  " << *problem;
    }
  }
}

}  // namespace
}  // namespace millrace
