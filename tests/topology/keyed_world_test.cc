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

struct Sale {
  std::int64_t amount = 0;
  std::string item;
};
auto millrace_fields(const Sale*) { return fields<Sale>(&Sale::amount, &Sale::item); }

/// "<amount> <item>".
class SaleCodec {
 public:
  using value_type = Sale;
  DecodeOutcome decode(const RecordView& record, Arena&, Sale& sale) const {
    const char* const end = record.value.data() + record.value.size();
    const char* at = std::from_chars(record.value.data(), end, sale.amount).ptr;
    sale.item.assign(at + 1, end);
    return {};
  }
  std::string describe() const { return "sale"; }
};

/// "<key> <value>".
class RowCodec {
 public:
  using value_type = Keyed<std::string, std::int64_t>;
  void encode(const value_type& row, std::string& out) const {
    out += fmt::format("{} {}", row.key, row.value);
  }
  std::string describe() const { return "row"; }
};

}  // namespace

Topology KeyedWorld::topology() const {
  TopologyBuilder topology{"world"};
  const auto amount = [](const Sale& sale) { return sale.amount; };
  const auto add = [](std::int64_t& sum, const Sale& sale) { sum += sale.amount; };
  const auto larger = [](std::int64_t a, std::int64_t b) { return std::max(a, b); };
  const auto finish = [&](auto stream) {
    switch (kind_) {
      case Kind::kCount:
        std::move(stream) | count("state") | to("out", RowCodec());
        break;
      case Kind::kSumOnCommit:
        std::move(stream) | aggregate("state", std::int64_t{0}, add, on_commit()) |
            to("out", RowCodec());
        break;
      case Kind::kReduce:
        std::move(stream) | map(amount) | reduce("state", larger) | to("out", RowCodec());
        break;
    }
  };
  if (rekeyed_)
    finish(topology.source("in", SaleCodec()) | key_by(&Sale::item));
  else
    finish(topology.source("in", SaleCodec()));
  auto built = topology.build();
  MILLRACE_CHECK(built.ok(), "the world's topology is right");
  return std::move(*built);
}

KeyedWorld::KeyedWorld(std::uint64_t seed) : seed_(seed), generator_(seed) {
  kind_ = pick({Kind::kCount, Kind::kSumOnCommit, Kind::kReduce});
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
  static constexpr std::string_view kKinds[] = {"count", "sum on commit", "reduce"};
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
  for (std::int64_t i = 0; i < count && status.ok(); ++i) {
    const std::string key = fmt::format("item {}", below(7));
    const std::string value = fmt::format("{} {}", below(1000), key);
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
  if (!wrong_) check();
  return wrong_;
}

// --- what is checked

std::vector<std::vector<KeyedWorld::Row>> KeyedWorld::output() const {
  std::vector<std::vector<Row>> result(static_cast<std::size_t>(partitions_));
  for (const OutputRecord& record : driver_->read_output("out")) {
    Row& row = result[static_cast<std::size_t>(record.partition)].emplace_back();
    const std::size_t space = record.value->rfind(' ');
    row.key = record.value->substr(0, space);
    row.value = std::strtoll(record.value->c_str() + space, nullptr, 10);
  }
  return result;
}

void KeyedWorld::check() {
  std::map<std::string, std::vector<std::int64_t>> amounts;
  for (const OutputRecord& record : driver_->read_output("in")) {
    const std::size_t space = record.value->find(' ');
    amounts[record.value->substr(space + 1)].push_back(
        std::strtoll(record.value->c_str(), nullptr, 10));
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
