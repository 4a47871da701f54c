#include "millrace/tests/topology/distinct_world.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "millrace/framework/byte_order.h"
#include "millrace/millrace.h"

namespace millrace {
namespace {

constexpr std::int64_t kLatenessMs = 5'000;
constexpr std::int64_t kGuardMs = 3'600'000;
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

Topology count_users(const std::vector<std::int64_t>& durations, std::int64_t grace_ms, bool guard,
                     std::int32_t shards) {
  std::vector<WindowDefinition> definitions;
  for (const std::int64_t duration : durations)
    definitions.push_back(tumbling(std::chrono::seconds(duration)));
  TopologyBuilder topology{"world"};
  topology.source("in", FrameCodec()) |
      event_time(&Frame::time, lateness(std::chrono::milliseconds(kLatenessMs)),
                 guard ? jump_guard(std::chrono::milliseconds(kGuardMs)) : no_jump_guard()) |
      windows(definitions, std::chrono::milliseconds(grace_ms)) |
      distinct_count("users", &Frame::user, DistinctOptions{.shards = shards}) |
      to("out", ResultCodec());
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

DistinctWorld::DistinctWorld(std::uint64_t seed) : seed_(seed), dice_(seed) {
  partitions_ = dice_.pick({1, 2, 2, 3});
  shards_ = dice_.pick({1, 1, 2});
  durations_ = dice_.pick<std::vector<std::int64_t>>(
      {{60}, {60, 600, 86400}, {420, 600}, {420, 600, 4200}, {60, 600}});
  grace_ms_ = dice_.pick({0, 0, 30'000});
  mode_ = dice_.pick({Mode::kBounded, Mode::kBounded, Mode::kTwoRuns, Mode::kContinuous,
                      Mode::kIdle, Mode::kIdle, Mode::kLateIdle});
  guard_ = dice_.chance(.6);
  live_ = mode_ != Mode::kContinuous && dice_.chance(.4);
  threads_ = dice_.pick({1, 1, 2});
  plan_ = dice_.pick<Plan>({{},
                            {.crash = .01},
                            {.leave = .01},
                            {.disturb = .02},
                            {.sleep = .02},
                            {.crash = .005, .leave = .005, .disturb = .01, .sleep = .01},
                            {.fault = .05},
                            {.crash = .005, .disturb = .01, .fault = .2}});

  ApplicationConfig config;
  config.threads = threads_;
  config.until_end = bounded();
  config.idle_after = std::chrono::milliseconds(idles() ? 5'000 : -1);
  config.session_timeout = std::chrono::seconds(6);
  config.max_drift = std::chrono::seconds(dice_.pick({3600, 3600, 600, -1}));
  config.on_bad_record = BadRecordPolicy::kDeadLetter;
  config.dead_letter_topic = "dead";
  config.batch.records = static_cast<std::size_t>(dice_.pick({1, 3, 10, 100}));
  config.commit_interval = std::chrono::milliseconds(dice_.pick({10, 100, 1000}));
  config.transaction_bytes = static_cast<std::size_t>(dice_.pick({300, 1 << 26, 1 << 26}));
  driver_ = std::make_unique<TopologyTestDriver>(
      TopologyTestDriver::Options{.topology = count_users(durations_, grace_ms_, guard_, shards_),
                                  .config = config,
                                  .partitions = {{"in", partitions_}},
                                  .start_wall_ms = 1'500'000'000'000,
                                  .wrap_broker = [this](Broker& broker) {
                                    return std::make_unique<FaultyBroker>(broker, faults_);
                                  }});
  for (int i = 0, count = dice_.pick({1, 2, 3}); i < count; ++i)
    processes_.push_back({.id = fmt::format("i{}", i)});
  for (std::int32_t i = 0; i < partitions_; ++i)
    clock_s_.push_back(now() / 1000 - (live_ ? 0 : 10 * 86'400) + dice_.below(2000));
}

std::string DistinctWorld::describe() const {
  static constexpr std::string_view kModes[] = {"bounded", "two runs", "continuous", "idle",
                                                "late idle"};
  std::string windows;
  for (const std::int64_t duration : durations_) windows += fmt::format(" {}", duration);
  return fmt::format(
      "seed {}: {}, {} partitions, {} shards, windows{}, grace {} ms, {} instances of {} threads, "
      "batch {}, commit every {} ms, guard {}, live {}; crash {}, leave {}, disturb {}, sleep {}, "
      "fault {}",
      seed_, kModes[static_cast<int>(mode_)], partitions_, shards_, windows, grace_ms_,
      processes_.size(), threads_, driver_->config().batch.records,
      driver_->config().commit_interval.count(), guard_, live_, plan_.crash, plan_.leave,
      plan_.disturb, plan_.sleep, plan_.fault);
}

// --- the input

/// A batch from a producer: plain, or a transaction that is committed or aborted some time later.
void DistinctWorld::feed(std::int32_t partition, std::int64_t count) {
  ProducerOptions options;
  const bool transaction = dice_.chance(.4);
  if (transaction) options.transactional_id = fmt::format("feed-{}", feed_count_++);
  auto producer = std::move(*driver_->broker().producer(options));
  Status status;
  if (transaction) {
    status = producer->init_transactions();
    if (status.ok()) status = producer->begin();
  }
  std::int64_t& clock = clock_s_[static_cast<std::size_t>(partition)];
  for (std::int64_t i = 0; i < count && status.ok(); ++i) {
    if (live_) clock = std::max(clock, now() / 1000 - dice_.below(4));
    clock += dice_.pick({0, 1, 3, 10, 30});
    const std::int64_t kind = dice_.below(100);
    if (kind < 1) clock += 8000;  // a real gap
    std::optional<std::int64_t> time = clock;
    if (kind >= 1 && kind < 3 && guard_)
      *time += dice_.pick({1 << 25, 1 << 13});  // a flipped bit
    else if (kind >= 3 && kind < 5)
      *time -= dice_.pick({90, 700, 90'000, 1 << 26});
    else if (kind >= 5 && kind < 25)
      *time -= 1 + dice_.below(5);
    else if (kind >= 25 && kind < 28)
      time.reset();  // broken
    const std::string value =
        time ? fmt::format("{} u{}", *time, dice_.below(12)) : std::string("broken");
    status = producer->produce({.topic = "in",
                                .partition = partition,
                                .value = value,
                                .timestamp_ms = dice_.chance(.3) ? clock * 1000 : std::int64_t{1}});
  }
  if (status.ok()) status = producer->flush(std::chrono::seconds(1));
  if (!status.ok()) return wrong("the input: " + status.message());
  if (transaction)
    feeds_.push_back({std::move(producer), now() + dice_.pick({0, 0, 2000, 6000}),
                      dice_.pick({true, true, false})});
}

void DistinctWorld::end_feeds(bool all) {
  for (Feed& feed : feeds_) {
    if (!all && now() < feed.until_ms) continue;
    // One that took too long was aborted by the broker.
    const Status ended = feed.commit ? feed.producer->commit() : feed.producer->abort();
    if (!ended.ok() && feed.commit) static_cast<void>(feed.producer->abort());
    feed.producer.reset();
  }
  std::erase_if(feeds_, [](const Feed& feed) { return feed.producer == nullptr; });
}

// --- steps

void DistinctWorld::faults() {
  faults_.at = [this](Faults::Point point) {
    using Point = Faults::Point;
    using Fault = Faults::Fault;
    const bool commit = point == Point::kSendOffsets || point == Point::kBeforeCommit ||
                        point == Point::kAfterCommit;
    if (!dice_.chance(commit ? plan_.fault : plan_.fault / 20)) return Fault::kNone;
    switch (point) {
      case Point::kPoll:
        return dice_.pick({Fault::kRetry, Fault::kRetry, Fault::kKill});
      case Point::kCommitted:
        return dice_.pick({Fault::kRetry, Fault::kKill});
      case Point::kSendOffsets:
        return dice_.pick({Fault::kRetry, Fault::kAbort, Fault::kKill});
      case Point::kBeforeCommit:
        return dice_.pick({Fault::kRetry, Fault::kAbort, Fault::kUnknown, Fault::kKill});
      case Point::kAfterCommit:
        return dice_.pick({Fault::kUnknown, Fault::kUnknown, Fault::kKill});
    }
    return Fault::kNone;
  };
}

void DistinctWorld::start(Process& process) {
  process.up = driver_->add_instance(process.id);
  if (process.up) return;
  process.until_ms = now() + 500;  // a predecessor's transaction is pending
}

void DistinctWorld::turn(Process& process) {
  try {
    driver_->turn(process.id, static_cast<int>(dice_.below(threads_)));
  } catch (const Killed&) {
    driver_->crash_instance(process.id);
    process.up = false;
    process.until_ms = now() + dice_.pick({0, 3000, 15'000});
  }
  note_commits();
  if (!driver_->status().ok()) return wrong(driver_->status().message());
  const auto running = driver_->instances();
  if (process.up && std::ranges::find(running, process.id) == running.end()) {
    process.up = false;
    process.done = true;
  }
}

void DistinctWorld::step() {
  driver_->advance(std::chrono::milliseconds(dice_.chance(.97) ? dice_.pick({10, 50, 200})
                                                               : dice_.pick({1000, 3000, 7000})));
  if (idles() && dice_.chance(.004))
    driver_->advance(std::chrono::seconds(dice_.pick({8, 20, 70, 300})));
  end_feeds(false);
  Process& process = processes_[static_cast<std::size_t>(
      dice_.below(static_cast<std::int64_t>(processes_.size())))];
  if (process.done || now() < process.until_ms) return;
  if (!process.up) start(process);
  if (!process.up) return;
  turn(process);
  if (!process.up) return;
  if (dice_.chance(plan_.crash)) {
    driver_->crash_instance(process.id);
    process.up = false;
    process.until_ms = now() + dice_.pick({0, 3000, 15'000});
  } else if (dice_.chance(plan_.leave)) {
    try {
      driver_->stop_instance(process.id);
    } catch (const Killed&) {
      driver_->crash_instance(process.id);
    }
    note_commits();
    process.up = false;
    process.until_ms = now() + dice_.pick({0, 1000});
  } else if (dice_.chance(plan_.sleep)) {
    process.until_ms = now() + dice_.pick({1000, 4000, 9000, 12'000, 30'000, 100'000});
  }
  if (dice_.chance(plan_.disturb)) driver_->disturb();
}

/// Faults are over: everybody comes back, and all that can happen does.
void DistinctWorld::settle() {
  faults_.at = [](Faults::Point) { return Faults::Fault::kNone; };
  end_feeds(true);
  std::int64_t last_s = 0;
  for (const std::int64_t clock : clock_s_) last_s = std::max(last_s, clock);
  int quiet = 0;
  for (int round = 0; round < 20'000 && !wrong_; ++round) {
    bool all_done = true;
    for (Process& process : processes_) {
      all_done = all_done && process.done;
      if (process.done) continue;
      if (!process.up) start(process);
      if (process.up)
        for (int i = 0; i < 2 * threads_ && process.up && !wrong_; ++i) turn(process);
    }
    driver_->advance(std::chrono::milliseconds(50));
    if (all_done) return;
    if (bounded() || round % 400 != 399) continue;
    // Sessions and transactions of the dead have timed out by now.
    if (++quiet == 4) return;
    if (idles()) driver_->clock().set_wall(std::max(now(), last_s * 1000 + 90'000'000));
  }
  wrong("does not come to an end");
}

std::optional<std::string> DistinctWorld::play() {
  const int parts = mode_ == Mode::kTwoRuns ? 2 : 1;
  for (int part = 0; part < parts && !wrong_; ++part) {
    for (Process& process : processes_) process.done = false;
    if (bounded())
      for (std::int32_t i = 0; i < partitions_; ++i)
        for (std::int64_t n = dice_.below(4); n > 0; --n) feed(i, 1 + dice_.below(11));
    if (part > 0 && dice_.chance(.5))
      driver_->advance(
          std::chrono::milliseconds(dice_.pick({std::int64_t{100'000}, kDayMs + 50'000})));
    faults();
    for (int n = dice_.pick({100, 400, 900}); n > 0 && !wrong_; --n) {
      if (dice_.chance(.04) && (!bounded() || dice_.chance(.3)))
        feed(static_cast<std::int32_t>(dice_.below(partitions_)), 1 + dice_.below(7));
      if (mode_ == Mode::kLateIdle && dice_.chance(.002))
        driver_->advance(std::chrono::milliseconds(kDayMs + 10'000));
      step();
    }
    settle();
  }
  if (!wrong_) check();
  return wrong_;
}

// --- what is checked

/// Offsets and watermarks must not fall over committed history.
void DistinctWorld::note_commits() {
  const auto offsets = driver_->broker().admin().group_offsets("world");
  if (!offsets.ok()) return;
  for (const PartitionOffset& offset : *offsets) {
    std::string& text = last_text_[offset.partition];
    if (text == offset.metadata) continue;
    text = offset.metadata;
    const auto metadata = decode_offset_metadata(text);
    if (!metadata.ok()) return wrong(metadata.status().message());
    Committed& last = last_[offset.partition];
    if (offset.offset < last.offset || metadata->highest_ms < last.metadata.highest_ms ||
        metadata->run < last.metadata.run)
      wrong(fmt::format("offset, watermark or run of {} {} fell over committed history",
                        offset.partition.topic, offset.partition.partition));
    last = {offset.offset, *metadata};
    if (offset.partition.topic != "in") continue;
    runs_.insert(metadata->run);
    std::vector<std::int64_t>& ends = ends_[offset.partition.partition];
    if (std::ranges::find(ends, metadata->end_offset) == ends.end())
      ends.push_back(metadata->end_offset);
  }
}

std::vector<DistinctWorld::Row> DistinctWorld::rows(std::int32_t partition) const {
  std::vector<Row> result;
  for (const OutputRecord& record : driver_->read_output("in")) {
    if (record.partition != partition) continue;
    Row& row =
        result.emplace_back(Row{record.offset, std::nullopt, std::string(), record.timestamp_ms});
    const std::size_t space = record.value->find(' ');
    if (space == std::string::npos) continue;
    row.event_ms = std::strtoll(record.value->c_str(), nullptr, 10) * 1000;
    row.user = record.value->substr(space + 1);
  }
  return result;
}

/// The naive count of one partition, run by run.
void DistinctWorld::count(std::int32_t partition, Oracle& oracle) const {
  const std::vector<Row> all = rows(partition);
  std::vector<std::int64_t> cuts{kEndOfTime};
  if (bounded()) {
    const auto found = ends_.find(partition);
    cuts = found == ends_.end() ? std::vector<std::int64_t>() : found->second;
  }
  std::optional<std::int64_t> high;
  std::int64_t low = 0;
  for (const std::int64_t cut : cuts) {
    std::vector<Row> run;
    for (const Row& row : all)
      if (row.offset >= low && row.offset < cut) run.push_back(row);
    low = std::max(low, cut);
    for (std::size_t i = 0; i < run.size(); ++i) {
      if (!run[i].event_ms) {
        oracle.dead.emplace_back(partition, run[i].offset);
        continue;
      }
      const std::int64_t time = *run[i].event_ms;
      if (guard_ && (!high || time > *high + kGuardMs) &&
          std::abs(time - run[i].timestamp_ms) > kGuardMs) {
        int seen = 0;
        int fell = 0;
        for (std::size_t k = i + 1; k < run.size() && seen < 7; ++k) {
          if (!run[k].event_ms) continue;
          ++seen;
          fell += *run[k].event_ms < time - kGuardMs;
        }
        if (seen < 7 && fell < 2 && cut == kEndOfTime) break;  // waits for ever
        if (fell >= 2 || (seen < 7 && (seen < 2 || fell > 0))) {
          oracle.dead.emplace_back(partition, run[i].offset);
          continue;
        }
      }
      bool counted = false;
      for (const std::int64_t duration : durations_) {
        const std::int64_t length = duration * 1000;
        const std::int64_t end = time / length * length + length;
        if (high && end + grace_ms_ <= *high - kLatenessMs) continue;
        Counted& window = oracle.windows[{end, length}];
        window.users.insert(run[i].user);
        ++window.frames;
        counted = true;
      }
      ++(counted ? oracle.accepted : oracle.late);
      high = std::max(high.value_or(time), time);
    }
  }
  const std::int64_t mark = high ? *high - kLatenessMs : kNoTime;
  oracle.lowest_mark = std::min(oracle.lowest_mark, mark);
  oracle.highest_mark = std::max(oracle.highest_mark, mark);
}

/// The highest close time whose state any shard has let expire, as its changelog tells.
std::int64_t DistinctWorld::highest_expired_ms() const {
  std::int64_t highest = kNoTime;
  for (const OutputRecord& record : driver_->read_output("world-users-changelog")) {
    if (record.key != "g" || !record.value) continue;
    ByteReader in(std::string_view(*record.value).substr(1));
    highest = std::max(highest, in.get<std::int64_t>());
  }
  return highest;
}

void DistinctWorld::check() {
  Oracle want;
  for (std::int32_t i = 0; i < partitions_; ++i) count(i, want);
  if (mode_ == Mode::kContinuous)
    std::erase_if(want.windows, [&](const auto& window) {
      return window.first.first + grace_ms_ > want.lowest_mark;
    });

  std::vector<std::pair<std::int32_t, std::int64_t>> dead;
  for (const OutputRecord& record : driver_->read_output("dead")) {
    const std::map<std::string, std::string> headers(record.headers.begin(), record.headers.end());
    dead.emplace_back(std::stoi(headers.at("millrace.partition")),
                      std::stoll(headers.at("millrace.offset")));
  }
  std::ranges::sort(dead);
  std::ranges::sort(want.dead);
  if (dead != want.dead)
    return wrong(fmt::format("{} dead letters, not {}", dead.size(), want.dead.size()));

  RunCounters counters;
  for (const auto& [partition, committed] : last_) counters.add(committed.metadata.counters);
  if (counters.accepted != static_cast<std::uint64_t>(want.accepted) ||
      counters.late != static_cast<std::uint64_t>(want.late) ||
      counters.dead_lettered != want.dead.size())
    return wrong(fmt::format("counted {} accepted, {} late, {} dead, not {}, {}, {}",
                             counters.accepted, counters.late, counters.dead_lettered,
                             want.accepted, want.late, want.dead.size()));

  std::vector<std::vector<std::int64_t>> out;
  for (const std::string& value : driver_->values("out")) out.push_back(numbers(value));
  std::map<Key, std::int64_t> revisions;
  std::map<Key, std::pair<std::int64_t, std::int64_t>> final;
  for (const auto& row : out) {
    const Key window{row[0], row[1]};
    if (row[4] != revisions[window]++)
      return wrong(fmt::format("window {}/{} has revision {} where {} was due", row[0], row[1],
                               row[4], revisions[window] - 1));
    final[window] = {row[2], row[3]};
  }

  if (runs_.size() <= 1 && counters.early_closes == 0) {  // exact, once, in order
    std::vector<std::vector<std::int64_t>> expected;
    for (const auto& [window, counted] : want.windows)  // grace is one: end, then length
      expected.push_back({window.first, window.second,
                          static_cast<std::int64_t>(counted.users.size()), counted.frames, 0});
    if (out == expected) return;
    const std::size_t same =
        static_cast<std::size_t>(std::ranges::mismatch(out, expected).in1 - out.begin());
    const auto show = [&](const auto& list) {
      return same < list.size()
                 ? fmt::format("{} {}: {} users, {} frames, revision {}", list[same][0],
                               list[same][1], list[same][2], list[same][3], list[same][4])
                 : std::string("nothing");
    };
    return wrong(fmt::format("result {} of {} (of {} expected) is {}, not {}", same, out.size(),
                             expected.size(), show(out), show(expected)));
  }

  const std::int64_t expired_ms = highest_expired_ms();
  if (expired_ms > want.highest_mark)
    return wrong(fmt::format("state expired up to {} although watermarks only passed {}",
                             expired_ms, want.highest_mark));
  std::int64_t missing = 0;
  for (const auto& [window, counted] : want.windows) final.try_emplace(window, 0, 0);
  for (const auto& [window, got] : final) {
    const auto [users, frames] = got;
    const Counted& counted = want.windows[window];
    const auto text =
        fmt::format("window {}/{}: {} users, {} frames, not {}, {}", window.first, window.second,
                    users, frames, counted.users.size(), counted.frames);
    if (frames > counted.frames) return wrong(text);
    const std::int64_t close_ms = window.first + grace_ms_;
    missing += counted.frames - frames;
    if (frames < counted.frames && close_ms > expired_ms)
      return wrong(text + ": but its state has not expired");
    const auto wanted = static_cast<std::int64_t>(counted.users.size());
    if (users > wanted || (users < wanted && close_ms > expired_ms)) return wrong(text);
  }
  if (missing != static_cast<std::int64_t>(counters.dropped_after_close))
    wrong(fmt::format("{} frames are missing, {} were counted as dropped", missing,
                      counters.dropped_after_close));
}

namespace {

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/// One world again: MILLRACE_FIRST_SEED=417 MILLRACE_SEEDS=1. Many: MILLRACE_SEEDS=10000.
TEST(DistinctWorld, CommitsWhatANaiveCountOfTheInputGives) {
  const std::uint64_t first = number_from_environment("MILLRACE_FIRST_SEED", 0);
  const std::uint64_t seeds = number_from_environment("MILLRACE_SEEDS", 300);
  int wrong = 0;
  for (std::uint64_t seed = first; seed < first + seeds && wrong < 10; ++seed) {
    DistinctWorld world(seed);
    if (const auto problem = world.play()) {
      ++wrong;
      ADD_FAILURE() << world.describe() << "\n  " << *problem;
    }
  }
}

}  // namespace
}  // namespace millrace
