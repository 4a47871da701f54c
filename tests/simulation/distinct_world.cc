#include "millrace/tests/simulation/distinct_world.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <memory>

#include "millrace/framework/byte_order.h"
#include "millrace/millrace.h"

namespace millrace {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;

struct Frame {
  std::chrono::sys_seconds time;
  std::string_view user;
};

/// "1468244385 u7"; anything else is broken.
class FrameCodec {
 public:
  using value_type = Frame;
  DecodeOutcome decode(const RecordView& record, Arena&, Frame& frame) const {
    std::int64_t seconds = 0;
    const char* const end = record.value.data() + record.value.size();
    const auto [rest, error] = std::from_chars(record.value.data(), end, seconds);
    if (error != std::errc() || rest == end || *rest != ' ') return {RecordError::kMalformed, {}};
    frame.time = std::chrono::sys_seconds(std::chrono::seconds(seconds));
    frame.user = {rest + 1, end};
    return {};
  }
  std::string describe() const { return "frame"; }
};

/// "<end> <length> <users> <frames> <revision>", times in ms.
class ResultCodec {
 public:
  using value_type = WindowStats;
  void encode(const WindowStats& stats, std::string& out) const {
    out += fmt::format("{} {} {} {} {}", stats.window.end_ms,
                       stats.window.end_ms - stats.window.start_ms, stats.users, stats.frames,
                       stats.revision);
  }
  std::string describe() const { return "result"; }
};

Topology count_users(const DistinctRules& rules, std::int32_t shards) {
  std::vector<WindowDefinition> definitions;
  for (const std::int64_t duration : rules.durations_s)
    definitions.push_back(tumbling(std::chrono::seconds(duration)));
  const DistinctOptions options{
      .method = rules.precision ? sketch(*rules.precision, shards > 1) : exact(), .shards = shards};
  TopologyBuilder topology{"world"};
  topology.source("in", FrameCodec()) |
      event_time(&Frame::time, lateness(std::chrono::milliseconds(DistinctRules::kLatenessMs)),
                 rules.guard ? jump_guard(std::chrono::milliseconds(DistinctRules::kGuardMs))
                             : no_jump_guard()) |
      windows(definitions, std::chrono::milliseconds(rules.grace_ms)) |
      distinct_count("users", &Frame::user, options) | to("out", ResultCodec());
  auto built = topology.build();
  MILLRACE_CHECK(built.ok(), "the world's topology is right");
  return std::move(*built);
}

std::vector<std::int64_t> numbers(const std::string& text) {
  std::vector<std::int64_t> result;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    at = std::from_chars(at, end, result.emplace_back()).ptr;
    ++at;
  }
  return result;
}

}  // namespace

std::unique_ptr<World> make_distinct_world(std::uint64_t seed, Trace trace, Guarantee guarantee) {
  return std::make_unique<DistinctWorld>(seed, std::move(trace), guarantee);
}

DistinctWorld::DistinctWorld(std::uint64_t seed, Trace trace, Guarantee guarantee)
    : seed_(seed), guarantee_(guarantee), dice_(seed) {
  partitions_ = dice_.pick({1, 2, 2, 3});
  shards_ = dice_.pick({1, 1, 2});
  rules_.durations_s = dice_.pick<std::vector<std::int64_t>>(
      {{60}, {60, 600, 86400}, {420, 600}, {420, 600, 4200}, {60, 600}});
  rules_.grace_ms = dice_.pick({0, 0, 30'000});
  if (dice_.chance(.15)) rules_.precision = dice_.pick({4, 6});
  mode_ = dice_.pick({Mode::kBounded, Mode::kBounded, Mode::kTwoRuns, Mode::kContinuous,
                      Mode::kIdle, Mode::kIdle, Mode::kLateIdle});
  rules_.guard = dice_.chance(.6);
  live_ = mode_ != Mode::kContinuous && dice_.chance(.4);
  plan_ = pick_faults(dice_);
  // Who stands still in the middle of a commit writes over what others have done since: only a
  // transaction prevents that.
  if (guarantee_ == Guarantee::kAtLeastOnce) plan_.nap = 0;
  // Dice of its own: what the others choose for a seed is as it was before.
  memory_bytes_ = Dice(~seed).pick<std::int64_t>({-1, -1, 0, 3000, 20'000});
  if (idles()) plan_.leap = .004;
  if (mode_ == Mode::kLateIdle) plan_.wall = dice_.pick({0., .002});
  simulator_ = std::make_unique<Simulator>(options(seed, std::move(trace)));
  feed_ = std::make_unique<TransactionalFeed>(*simulator_);
  for (std::int32_t i = 0; i < partitions_; ++i)
    clock_s_.push_back(wall_s() - (live_ ? 0 : 10 * 86'400) + dice_.below(2000));
}

Simulator::Options DistinctWorld::options(std::uint64_t seed, Trace trace) {
  ApplicationConfig config;
  config.threads = dice_.pick({1, 1, 2});
  config.guarantee = guarantee_;
  config.until_end = bounded();
  config.idle_after = std::chrono::milliseconds(idles() ? 5'000 : -1);
  config.session_timeout = std::chrono::seconds(6);
  config.static_membership = dice_.chance(.15);
  config.max_drift = std::chrono::seconds(dice_.pick({3600, 3600, 600, -1}));
  config.on_bad_record = BadRecordPolicy::kDeadLetter;
  config.dead_letter_topic = "dead";
  config.batch.records = static_cast<std::size_t>(dice_.pick({1, 3, 10, 100}));
  config.commit_interval = std::chrono::milliseconds(dice_.pick({10, 100, 1000}));
  config.transaction_bytes = static_cast<std::size_t>(dice_.pick({300, 1 << 26, 1 << 26}));

  Simulator::Options options{.driver = {.topology = count_users(rules_, shards_),
                                        .config = config,
                                        .partitions = {{"in", partitions_}},
                                        .start_wall_ms = 1'500'000'000'000},
                             .seed = seed + 1,
                             .instances = dice_.pick({1, 2, 3}),
                             .faults = plan_,
                             .keeps_state = dice_.chance(.7),
                             .memory_bytes = memory_bytes_,
                             .tick = [this] { feed_->end(false); },
                             .trace = std::move(trace)};
  if (dice_.chance(.5)) shorten_compaction(options);
  if (keeps_in_rocksdb(seed)) disks_.emplace().use(options);
  return options;
}

std::string DistinctWorld::describe() const {
  static constexpr std::string_view kModes[] = {"bounded", "two runs", "continuous", "idle",
                                                "late idle"};
  const ApplicationConfig& config = simulator_->driver().config();
  return fmt::format(
      "distinct {}, {}{}: {} partitions, {} shards, windows {}, {}, grace {} ms, {} threads "
      "each{}, batch {}, commit every {} ms, guard {}, live {}, memory for sets {}; faults:{}",
      millrace::describe(guarantee_), kModes[static_cast<int>(mode_)], disks_ ? ", in RocksDB" : "",
      partitions_, shards_, fmt::join(rules_.durations_s, " "),
      rules_.precision ? "sketch" : "exact", rules_.grace_ms, config.threads,
      config.static_membership ? " (static)" : "", config.batch.records,
      config.commit_interval.count(), rules_.guard, live_, memory_bytes_,
      millrace::describe(plan_));
}

// --- what happens

void DistinctWorld::feed(std::int32_t partition, std::int64_t count) {
  Dice& dice = simulator_->dice();
  std::int64_t& clock = clock_s_[static_cast<std::size_t>(partition)];
  feed_->write("in", partition, count, [&](OutgoingRecord& record, std::string& value) {
    if (live_) clock = std::max(clock, wall_s() - dice.below(4));
    clock += dice.pick({0, 1, 3, 10, 30});
    const std::int64_t kind = dice.below(100);
    if (kind < 1) clock += 8000;  // a real gap
    std::optional<std::int64_t> time = clock;
    if (kind >= 1 && kind < 3 && rules_.guard)
      *time += dice.pick({1 << 25, 1 << 13});  // a flipped bit
    else if (kind >= 3 && kind < 5)
      *time -= dice.pick({90, 700, 90'000, 1 << 26});
    else if (kind >= 5 && kind < 25)
      *time -= 1 + dice.below(5);
    else if (kind >= 25 && kind < 28)
      time.reset();  // broken
    value = time ? fmt::format("{} u{}", *time, dice.below(12)) : std::string("broken");
    record.timestamp_ms = dice.chance(.3) ? clock * 1000 : std::int64_t{1};
  });
}

std::optional<SimulationFailure> DistinctWorld::play() {
  const int runs = mode_ == Mode::kTwoRuns ? 2 : 1;
  for (int run = 0; run < runs && !simulator_->failure(); ++run) {
    if (run > 0) simulator_->next_run();
    if (bounded())
      for (std::int32_t i = 0; i < partitions_; ++i)
        for (std::int64_t n = simulator_->dice().below(4); n > 0; --n)
          feed(i, 1 + simulator_->dice().below(11));
    if (run > 0 && simulator_->dice().chance(.5))
      simulator_->driver().advance(std::chrono::milliseconds(
          simulator_->dice().pick({std::int64_t{100'000}, kDayMs + 50'000})));
    play_run();
    settle();
  }
  if (!simulator_->failure()) check();
  return simulator_->failure();
}

void DistinctWorld::play_run() {
  Dice& dice = simulator_->dice();
  for (int n = dice.pick({100, 400, 900}); n > 0 && !simulator_->failure(); --n) {
    if (dice.chance(.04) && (!bounded() || dice.chance(.3)))
      feed(static_cast<std::int32_t>(dice.below(partitions_)), 1 + dice.below(7));
    if (mode_ == Mode::kLateIdle && dice.chance(.002))  // everybody stood still for a day
      simulator_->driver().advance(std::chrono::milliseconds(kDayMs + 10'000));
    simulator_->step();
  }
}

void DistinctWorld::settle() {
  feed_->end(true);
  simulator_->settle();
  if (!idles()) return;
  // All windows can close by the clock: twice, for what the first emissions set off.
  const std::int64_t last_s = *std::ranges::max_element(clock_s_);
  ManualClock& clock = simulator_->driver().clock();
  clock.set_wall(std::max(clock.wall_ms(), last_s * 1000 + 90'000'000));
  simulator_->settle();
}

// --- what is checked

DistinctOracle DistinctWorld::oracle() const {
  DistinctOracle oracle(rules_);
  const std::vector<OutputRecord> records = simulator_->driver().read_output("in");
  for (std::int32_t i = 0; i < partitions_; ++i) {
    std::vector<std::int64_t> cuts{kEndOfTime};
    if (bounded()) {
      const auto found = simulator_->committed().find({"in", i});
      cuts =
          found == simulator_->committed().end() ? std::vector<std::int64_t>() : found->second.ends;
    }
    oracle.count(i, records, cuts);
  }
  return oracle;
}

/// The highest close time whose state any shard has let expire, as its changelog tells.
std::int64_t DistinctWorld::highest_expired_ms() const {
  std::int64_t highest = kNoTime;
  for (const OutputRecord& record : simulator_->driver().read_output("world-users-changelog")) {
    if (record.key != "g" || !record.value) continue;
    ByteReader in(std::string_view(*record.value).substr(1));
    highest = std::max(highest, in.get<std::int64_t>());
  }
  return highest;
}

void DistinctWorld::check() {
  DistinctOracle want = oracle();
  if (mode_ == Mode::kContinuous)
    std::erase_if(want.windows, [&](const auto& window) {
      return window.first.first + rules_.grace_ms > want.lowest_mark;
    });
  RunCounters counters;
  std::set<std::uint32_t> runs;
  for (const auto& [partition, committed] : simulator_->committed()) {
    counters.add(committed.metadata.counters);
    if (partition.topic == "in") runs.insert(committed.runs.begin(), committed.runs.end());
  }
  if (!check_dead(want) || !check_counters(want, counters)) return;

  for (const std::string& value : simulator_->driver().values("out"))
    out_.push_back(numbers(value));
  std::map<DistinctOracle::Key, std::int64_t> revisions;
  std::map<DistinctOracle::Key, Final> final;
  for (const auto& row : out_) {
    const DistinctOracle::Key window{row[0], row[1]};
    if (!repeats() && row[4] != revisions[window]++)
      return wrong("revisions", fmt::format("window {}/{} has revision {} where {} was due", row[0],
                                            row[1], row[4], revisions[window] - 1));
    final[window] = {row[2], row[3]};
  }
  if (repeats()) return check_at_least(want, counters, std::move(final));
  if (runs.size() <= 1 && counters.early_closes == 0) return check_exact(want);
  check_final(want, counters, std::move(final));
}

bool DistinctWorld::check_dead(DistinctOracle& want) {
  std::vector<std::pair<std::int32_t, std::int64_t>> dead;
  for (const OutputRecord& record : simulator_->driver().read_output("dead")) {
    const std::map<std::string, std::string> headers(record.headers.begin(), record.headers.end());
    dead.emplace_back(std::stoi(headers.at("millrace.partition")),
                      std::stoll(headers.at("millrace.offset")));
  }
  std::ranges::sort(dead);
  if (repeats()) dead.erase(std::ranges::unique(dead).begin(), dead.end());
  std::ranges::sort(want.dead);
  if (dead == want.dead) return true;
  wrong("dead letters", fmt::format("{} (partition, offset), not {}", dead, want.dead));
  return false;
}

bool DistinctWorld::check_counters(const DistinctOracle& want, const RunCounters& got) {
  if (got.accepted == static_cast<std::uint64_t>(want.accepted) &&
      got.late == static_cast<std::uint64_t>(want.late) && got.dead_lettered == want.dead.size())
    return true;
  wrong("counters",
        fmt::format("{} accepted, {} late, {} dead, not {}, {}, {}", got.accepted, got.late,
                    got.dead_lettered, want.accepted, want.late, want.dead.size()));
  return false;
}

/// One run without an early close: each window once, in order.
void DistinctWorld::check_exact(const DistinctOracle& want) {
  std::vector<std::vector<std::int64_t>> expected;
  for (const auto& [window, counted] : want.windows)  // grace is one: end, then length
    expected.push_back({window.first, window.second, want.users(counted), counted.frames, 0});
  if (out_ == expected) return;
  const auto same =
      static_cast<std::size_t>(std::ranges::mismatch(out_, expected).in1 - out_.begin());
  const auto show = [&](const auto& list) {
    return same < list.size()
               ? fmt::format("{} {}: {} users, {} frames, revision {}", list[same][0],
                             list[same][1], list[same][2], list[same][3], list[same][4])
               : std::string("nothing");
  };
  wrong("results", fmt::format("number {} of {} ({} expected) is {}, not {}", same, out_.size(),
                               expected.size(), show(out_), show(expected)));
}

/// Records may have been counted again: that makes frames too many, never users.
void DistinctWorld::check_at_least(const DistinctOracle& want, const RunCounters& counters,
                                   std::map<DistinctOracle::Key, Final> final) {
  const std::int64_t expired_ms = highest_expired_ms();
  std::int64_t missing = 0;
  for (const auto& [window, counted] : want.windows) final.try_emplace(window);
  for (const auto& [window, got] : final) {
    const auto found = want.windows.find(window);
    const DistinctOracle::Counted counted =
        found == want.windows.end() ? DistinctOracle::Counted() : found->second;
    const std::int64_t users = want.users(counted);
    const auto text =
        fmt::format("window {}/{}: {} users, {} frames, not {}, at least {}", window.first,
                    window.second, got.users, got.frames, users, counted.frames);
    // Every window that was dropped is noted as expired; frames for it may only be missing where
    // one can be dropped before it has all of its input.
    const bool expired =
        (idles() || mode_ == Mode::kTwoRuns) && window.first + rules_.grace_ms <= expired_ms;
    if (got.users > users) return wrong("results", text);
    if (!expired && (got.frames < counted.frames || got.users < users))
      return wrong("results", text + ": but its state has not expired");
    missing += std::max<std::int64_t>(counted.frames - got.frames, 0);
  }
  if (missing > static_cast<std::int64_t>(counters.dropped_after_close))
    wrong("dropped", fmt::format("{} frames are missing, {} were counted as dropped", missing,
                                 counters.dropped_after_close));
}

/// The last revision of each window is right, unless its state had expired.
void DistinctWorld::check_final(const DistinctOracle& want, const RunCounters& counters,
                                std::map<DistinctOracle::Key, Final> final) {
  const std::int64_t expired_ms = highest_expired_ms();
  if (expired_ms > want.highest_mark)
    return wrong("expiry", fmt::format("state up to {} although watermarks only passed {}",
                                       expired_ms, want.highest_mark));
  std::int64_t missing = 0;
  for (const auto& [window, counted] : want.windows) final.try_emplace(window);
  for (const auto& [window, got] : final) {
    const auto found = want.windows.find(window);
    const DistinctOracle::Counted counted =
        found == want.windows.end() ? DistinctOracle::Counted() : found->second;
    const std::int64_t users = want.users(counted);
    const auto text = fmt::format("window {}/{}: {} users, {} frames, not {}, {}", window.first,
                                  window.second, got.users, got.frames, users, counted.frames);
    const bool expired = window.first + rules_.grace_ms <= expired_ms;
    if (got.frames > counted.frames || got.users > users) return wrong("results", text);
    if (!expired && (got.frames < counted.frames || got.users < users))
      return wrong("results", text + ": but its state has not expired");
    missing += counted.frames - got.frames;
  }
  if (missing != static_cast<std::int64_t>(counters.dropped_after_close))
    wrong("dropped", fmt::format("{} frames are missing, {} were counted as dropped", missing,
                                 counters.dropped_after_close));
}

}  // namespace millrace
