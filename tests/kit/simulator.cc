#include "millrace/tests/kit/simulator.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace millrace {
namespace {

constexpr int kMaxRounds = 20'000;
constexpr int kMaxNaps = 3;  // within each other
constexpr std::chrono::milliseconds kRound{50};
constexpr std::chrono::milliseconds kStillRound{500};
constexpr int kStillRounds = 120;  // a minute: sessions and transactions of the dead have timed out

std::string_view name_of(Faults::Point point) {
  static constexpr std::string_view kNames[] = {"serving the group",
                                                "in a fetch",
                                                "asking for committed offsets",
                                                "producing",
                                                "before sending offsets",
                                                "before the commit",
                                                "after the commit",
                                                "before an abort",
                                                "in a flush",
                                                "registering",
                                                "between the commit and the write of the state"};
  return kNames[static_cast<int>(point)];
}

}  // namespace

struct Simulator::Process {
  Process(std::string name, SimulatedDisk::Options options)
      : id(std::move(name)), disk(std::move(options)) {}

  std::string id;
  bool up = false;
  bool done = false;   ///< left at the end of its run
  bool busy = false;   ///< in a turn, perhaps asleep in it
  bool dying = false;  ///< what it produces is lost, and it must not get another turn
  std::int64_t until_ms = 0;
  SimulatedDisk disk;
};

/// What a changelog partition holds, as far as it is committed.
struct Simulator::Changelog {
  std::unique_ptr<Consumer> consumer;
  std::map<std::string, std::string, std::less<>> values;
  std::int64_t last_offset = -1;
};

/// The library's messages, as lines of the trace.
class Simulator::TraceLog final : public LogSink {
 public:
  explicit TraceLog(Simulator& simulator) : simulator_(simulator) {}
  void write(LogLevel, std::string_view text, std::initializer_list<LogField> fields) override {
    std::string line(text);
    for (const LogField& field : fields)
      line.append(" ").append(field.key).append("=").append(field.value);
    simulator_.note(line);
  }

 private:
  Simulator& simulator_;
};

Simulator::Simulator(Options options) : options_(std::move(options)), dice_(options_.seed) {
  faults_.at = [this](Faults::Point point) { return choose(point); };
  options_.driver.wrap_broker = [this](Broker& broker) {
    return std::make_unique<FaultyBroker>(broker, faults_);
  };
  options_.driver.instance_state = [this](const std::string& id) {
    if (options_.open_state) return options_.open_state(id, driver_->clock());
    const auto process = std::ranges::find(processes_, id, &Process::id);
    return process->disk.factory();
  };
  if (options_.trace) log_ = std::make_unique<TraceLog>(*this);
  options_.driver.log = log_.get();
  driver_ = std::make_unique<TopologyTestDriver>(options_.driver);
  for (int i = 0; i < options_.instances; ++i)
    processes_.emplace_back(
        fmt::format("i{}", i),
        SimulatedDisk::Options{
            .clock = driver_->clock(),
            .usable_for = options_.state_usable_for,
            .memory_bytes = options_.memory_bytes,
            .before_write =
                [this] {
                  if (choose(Faults::Point::kApply) == Faults::Fault::kKill) throw Killed{};
                },
            .written =
                [this](const std::string& store, const std::string& task,
                       const SimulatedDisk::Image& image) { check_image(store, task, image); }});
}

Simulator::~Simulator() { driver_.reset(); }

void Simulator::fail(std::string check, std::string text) {
  if (failure_) return;
  note(fmt::format("WRONG ({}): {}", check, text));
  failure_ = SimulationFailure{std::move(check), std::move(text)};
}

void Simulator::note(const std::string& what) {
  if (!options_.trace) return;
  const std::int64_t since_ms = driver_ ? now_ms() - 1'000'000 : 0;
  options_.trace(fmt::format("{:9.3f} {:4} {}", static_cast<double>(since_ms) / 1000,
                             current_ == nullptr ? "-" : current_->id, what));
}

// --- faults

Faults::Fault Simulator::choose(Faults::Point point) {
  if (settling_ || current_ == nullptr || failure_ || point == Faults::Point::kInit)
    return Faults::Fault::kNone;
  const bool often = point == Faults::Point::kServe || point == Faults::Point::kPoll ||
                     point == Faults::Point::kProduce;
  if (dice_.chance(options_.faults.nap / (often ? 20 : 1))) {
    note(fmt::format("falls asleep {}", name_of(point)));
    nap();
    note("goes on");
  }
  const Faults::Fault fault = choose_fault(point);
  if (fault != Faults::Fault::kNone && fault != Faults::Fault::kNothing)
    note(fmt::format("{} {}",
                     fault == Faults::Fault::kKill    ? "dies"
                     : fault == Faults::Fault::kRetry ? "must try again"
                     : fault == Faults::Fault::kAbort ? "must abort"
                                                      : "does not know the outcome",
                     name_of(point)));
  return fault;
}

Faults::Fault Simulator::choose_fault(Faults::Point point) {
  using Point = Faults::Point;
  using Fault = Faults::Fault;
  const double often = options_.faults.fault;
  switch (point) {
    case Point::kServe:
      return dice_.chance(.2) ? Fault::kNothing : Fault::kNone;
    case Point::kPoll:
      // Fetches take their time, most of all behind a transaction: its markers are written late.
      if (dice_.chance(.1)) return Fault::kNothing;
      if (!dice_.chance(often / 20)) return Fault::kNone;
      return dice_.pick({Fault::kRetry, Fault::kRetry, Fault::kKill});
    case Point::kProduce:
      if (dice_.chance(.1)) return Fault::kNothing;
      if (!dice_.chance(often / 20)) return Fault::kNone;
      current_->dying = true;
      return Fault::kKill;
    case Point::kCommitted:
      if (!dice_.chance(often / 20)) return Fault::kNone;
      return dice_.pick({Fault::kRetry, Fault::kKill});
    case Point::kSendOffsets:
      if (!dice_.chance(often)) return Fault::kNone;
      return dice_.pick({Fault::kRetry, Fault::kAbort, Fault::kKill});
    case Point::kBeforeCommit:
      if (!dice_.chance(often)) return Fault::kNone;
      return dice_.pick({Fault::kRetry, Fault::kAbort, Fault::kUnknown, Fault::kKill});
    case Point::kAfterCommit:
      if (!dice_.chance(often)) return Fault::kNone;
      return dice_.pick({Fault::kUnknown, Fault::kUnknown, Fault::kKill});
    case Point::kAbort:
      if (!dice_.chance(often / 4)) return Fault::kNone;
      return dice_.pick({Fault::kRetry, Fault::kKill});
    case Point::kFlush:
      if (dice_.chance(.5)) return Fault::kNothing;
      return dice_.chance(often / 4) ? Fault::kKill : Fault::kNone;
    case Point::kInit:
      return Fault::kNone;
    case Point::kApply:
      return dice_.chance(often / 4) ? Fault::kKill : Fault::kNone;
  }
  return Fault::kNone;
}

/// The process stands still within a call, and the others go on without it.
void Simulator::nap() {
  if (naps_ == kMaxNaps) return;
  ++naps_;
  Process* const sleeper = std::exchange(current_, nullptr);
  const std::int64_t until_ms = now_ms() + dice_.pick({500, 2000, 7000, 12'000, 30'000, 60'000});
  while (now_ms() < until_ms && !failure_) step();
  current_ = sleeper;
  --naps_;
}

void Simulator::crash(Process& process) {
  note(fmt::format("{} is dead", process.id));
  driver_->crash_instance(process.id);
  process.up = process.dying = false;
  process.until_ms = now_ms() + dice_.pick({0, 3000, 15'000});
  if (!options_.keeps_state || dice_.chance(options_.faults.lost)) {
    note("its disk is lost");
    process.disk.lose();
    if (options_.lose_state) options_.lose_state(process.id);
  } else if (dice_.chance(options_.faults.old_copy)) {
    note("its disk is an old copy");
    process.disk.put_copy_back();
  }
}

/// True if the process is killed in what it does here, or was meanwhile.
template <class Action>
bool Simulator::dies_in(Process& process, Action action) {
  Process* const outer = std::exchange(current_, &process);
  process.busy = true;
  bool killed = false;
  try {
    action();
  } catch (const Killed&) {
    killed = true;
  }
  process.busy = false;
  current_ = outer;
  note_commits();
  return killed || process.dying;
}

void Simulator::leave(Process& process) {
  note(fmt::format("{} leaves", process.id));
  if (dies_in(process, [&] { driver_->stop_instance(process.id); })) {
    if (std::ranges::count(driver_->instances(), process.id) > 0) return crash(process);
    process.dying = false;
  }
  process.up = false;
  process.until_ms = now_ms() + dice_.pick({0, 1000});
}

/// What happens to a process between two turns.
void Simulator::afflict(Process& process) {
  const FaultPlan& plan = options_.faults;
  if (dice_.chance(plan.crash)) return crash(process);
  if (dice_.chance(plan.leave)) return leave(process);
  if (dice_.chance(plan.sleep)) {
    const std::int64_t time_ms = dice_.pick({1000, 4000, 9000, 12'000, 30'000, 100'000});
    note(fmt::format("{} sleeps for {} ms", process.id, time_ms));
    process.until_ms = now_ms() + time_ms;
  }
  if (plan.old_copy > 0 && dice_.chance(.01)) process.disk.keep_copy();
}

// --- turns

bool Simulator::awake(const Process& process) {
  return !process.done && !process.busy && now_ms() >= process.until_ms;
}

bool Simulator::start(Process& process) {
  Process* const outer = std::exchange(current_, &process);
  if (least_ends_.empty()) note_ends();
  process.up = driver_->add_instance(process.id);
  note(process.up ? "starts" : "cannot start yet");
  current_ = outer;
  if (!driver_->status().ok()) fail("error", driver_->status().message());
  if (!process.up) process.until_ms = now_ms() + 500;  // a predecessor's transaction is pending
  return process.up;
}

bool Simulator::turn(Process& process, int thread) {
  bool worked = false;
  if (dies_in(process, [&] { worked = driver_->turn(process.id, thread); })) {
    crash(process);
    return true;
  }
  if (!driver_->status().ok()) fail("error", driver_->status().message());
  const auto running = driver_->instances();
  if (std::ranges::find(running, process.id) == running.end()) {
    note(fmt::format("{} has left at the end of its run", process.id));
    process.up = false;
    process.done = true;
  }
  return worked;
}

/// Everybody who is awake gets a turn.
void Simulator::live_on() {
  for (Process& process : processes_)
    for (int i = 0; i < driver_->config().threads; ++i)
      if (process.up && awake(process) && !failure_) turn(process, i);
}

void Simulator::pass(std::chrono::milliseconds time) {
  const auto slice = std::max(driver_->config().session_timeout / 3, std::chrono::milliseconds(1));
  for (; time > slice && !failure_; time -= slice) {
    driver_->advance(slice);
    live_on();
  }
  driver_->advance(time);
  if (options_.tick) options_.tick();
}

void Simulator::step() {
  if (failure_) return;
  const FaultPlan& plan = options_.faults;
  pass(std::chrono::milliseconds(dice_.chance(.97) ? dice_.pick({10, 50, 200})
                                                   : dice_.pick({1000, 3000, 7000})));
  if (dice_.chance(plan.leap)) {
    const std::chrono::seconds time(dice_.pick({8, 20, 70, 300}));
    note(fmt::format("{} s pass", time.count()));
    pass(time);
  }
  if (dice_.chance(plan.wall)) {
    const std::int64_t hours = dice_.pick({1, 7, 13, 25});
    note(fmt::format("the wall clock is set on by {} h", hours));
    driver_->clock().set_wall(driver_->clock().wall_ms() + hours * 3'600'000);
  }
  Process& process = processes_[static_cast<std::size_t>(
      dice_.below(static_cast<std::int64_t>(processes_.size())))];
  if (!failure_ && awake(process) && (process.up || start(process))) {
    turn(process, static_cast<int>(dice_.below(driver_->config().threads)));
    if (process.up && !failure_) afflict(process);
  }
  if (dice_.chance(plan.disturb) && !failure_) {
    note("somebody joins the group and leaves again");
    driver_->disturb();
  }
}

void Simulator::settle() {
  note("no faults any more");
  settling_ = true;
  for (int round = 0, still = 0; !failure_; ++round) {
    if (round == kMaxRounds) return fail("end", "does not come to an end");
    bool all_done = true;
    bool worked = false;
    if (options_.tick) options_.tick();
    for (Process& process : processes_) {
      if (process.done) continue;
      all_done = false;
      if (!process.up) worked = start(process) || worked;
      for (int i = 0; i < 2 * driver_->config().threads && process.up && !failure_; ++i)
        worked = turn(process, i % driver_->config().threads) || worked;
    }
    if (all_done) return check_ends();
    driver_->advance(worked ? kRound : kStillRound);
    still = worked ? 0 : still + 1;
    if (!driver_->config().until_end && still == kStillRounds) return;
  }
}

void Simulator::next_run() {
  settling_ = false;
  least_ends_.clear();
  for (Process& process : processes_) {
    process.done = false;
    process.until_ms = 0;
  }
}

// --- checks

/// Offsets, watermarks and runs must not fall over committed history.
void Simulator::note_commits() {
  if (std::exchange(seen_commits_, faults_.commits) == faults_.commits) return;
  const auto offsets = driver_->broker().admin().group_offsets(driver_->config().application_id);
  if (!offsets.ok()) return fail("error", offsets.status().message());
  for (const PartitionOffset& offset : *offsets) {
    std::string& text = last_text_[offset.partition];
    if (text == offset.metadata) continue;
    text = offset.metadata;
    auto metadata = decode_offset_metadata(text);
    if (!metadata.ok()) return fail("error", metadata.status().message());
    const auto [found, first] = committed_.try_emplace(offset.partition);
    Committed& last = found->second;
    if (!first && (offset.offset < last.offset || metadata->highest_ms < last.metadata.highest_ms ||
                   metadata->run < last.metadata.run))
      fail("history", fmt::format("offset, watermark or run of {} {} fell over committed history: "
                                  "from {}, {}, {} to {}, {}, {}",
                                  offset.partition.topic, offset.partition.partition, last.offset,
                                  last.metadata.highest_ms, last.metadata.run, offset.offset,
                                  metadata->highest_ms, metadata->run));
    last.offset = offset.offset;
    last.metadata = std::move(*metadata);
    last.runs.insert(last.metadata.run);
    last.end_of_run[last.metadata.run] = last.metadata.end_offset;
    if (std::ranges::find(last.ends, last.metadata.end_offset) == last.ends.end())
      last.ends.push_back(last.metadata.end_offset);
  }
}

/// The first process of a run starts.
void Simulator::note_ends() {
  for (const auto& [topic, partitions] : options_.driver.partitions)
    for (std::int32_t i = 0; i < partitions; ++i) {
      const TopicPartition partition{topic, i};
      const auto end = driver_->broker().admin().list_offsets({&partition, 1}, OffsetSpec::kLatest);
      if (end.ok()) least_ends_[partition] = end->front();
    }
}

/// All processes have left at the end of a bounded run.
void Simulator::check_ends() {
  for (const auto& [partition, committed] : committed_) {
    const auto least = least_ends_.find(partition);
    const std::int64_t end = committed.metadata.end_offset;
    if (least == least_ends_.end() || (end >= least->second && committed.offset == end)) continue;
    fail("end",
         fmt::format("the run over {} {} ended at {}, with {} committed; there was input up "
                     "to {} when it began",
                     partition.topic, partition.partition, end, committed.offset, least->second));
  }
}

/// What is written must be what the changelog holds up to the same position.
void Simulator::check_image(const std::string& store, const std::string& task,
                            const SimulatedDisk::Image& image) {
  const std::size_t digits = task.rfind('_') + 1;
  TopicPartition partition{fmt::format("{}-{}-changelog", driver_->config().application_id, store),
                           0};
  std::from_chars(task.data() + digits, task.data() + task.size(), partition.partition);
  Changelog& log = changelogs_[partition];
  if (!log.consumer) {
    auto consumer = driver_->broker().consumer({});
    if (!consumer.ok()) return fail("error", consumer.status().message());
    log.consumer = std::move(*consumer);
    const PartitionOffset from{partition, 0, {}};
    if (const Status status = log.consumer->assign({&from, 1}); !status.ok())
      return fail("error", status.message());
  }
  RecordBatch batch;
  do {
    batch.reset();
    if (const Status status = log.consumer->poll(partition, {}, batch); !status.ok())
      return fail("error", status.message());
    for (const RecordView& record : batch.records()) {
      if (record.value.data() != nullptr)
        log.values.insert_or_assign(std::string(record.key), std::string(record.value));
      else if (const auto found = log.values.find(record.key); found != log.values.end())
        log.values.erase(found);
      log.last_offset = record.offset;
    }
  } while (!batch.empty());
  const auto end = log.consumer->high_watermark(partition);
  if (end && image.position > *end)
    return fail("state", fmt::format("the disk's position in {} {} is {}, behind its end {}",
                                     partition.topic, partition.partition, image.position, *end));
  // A zombie may write what it has committed when others have committed more, and the transaction
  // that it has left open hides what they have.
  if (log.last_offset >= image.position || log.consumer->position(partition) < image.position)
    return;
  if (log.values == image.values) return;
  const auto differ = std::ranges::mismatch(log.values, image.values);
  fail("state", fmt::format("the state of task {} at changelog position {} differs from what is "
                            "committed: {} keys, not {}; the first that differs is number {}",
                            task, image.position, image.values.size(), log.values.size(),
                            std::distance(log.values.begin(), differ.in1)));
}

}  // namespace millrace
