#include "millrace/operators/distinct_union.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "millrace/framework/byte_order.h"
#include "millrace/framework/repartition_format.h"
#include "millrace/operators/shard_result_format.h"
#include "millrace/operators/ultraloglog_format.h"

namespace millrace {
namespace {

constexpr char kPartPrefix = 'd';
constexpr char kSketchPrefix = 'k';

/// Key of a packed part: window, level, sequence.
std::string part_key(std::string_view key, std::size_t level, std::uint32_t sequence) {
  std::string part(1, kPartPrefix);
  part.append(key);
  part.push_back(static_cast<char>(level));
  for (int shift = 24; shift >= 0; shift -= 8)
    part.push_back(static_cast<char>(sequence >> shift & 0xff));
  return part;
}

}  // namespace

void DistinctUnion::open(TaskContext& context) {
  news_.resize(plan().definitions.size() + 1);
  results_->open(context);
  WindowBoard::open(context);
}

std::unique_ptr<WindowBoard::Entry> DistinctUnion::make_entry() {
  auto users = std::make_unique<Users>();
  if (options().method.is_sketch())
    users->sketch = std::make_unique<UltraLogLog>(*options().method.precision);
  return users;
}

template <class Visit>
void DistinctUnion::each_child(const AssignedWindow& window, Visit visit) const {
  for (const int child : plan().children[static_cast<std::size_t>(window.definition)])
    visit(AssignedWindow{child, plan().definitions[static_cast<std::size_t>(child)].window_of(
                                    window.window.start_ms)});
}

Status DistinctUnion::apply(std::string_view payload) {
  const auto delta = decode_distinct_delta(plan(), payload);
  if (!delta.ok()) return delta.status();
  if ((delta->kind == DistinctDeltaKind::kRegisters) != options().method.is_sketch())
    return Status::failed(
        "a delta of another counting method: it was written by another topology; reset the "
        "application");
  if (!delta->content.empty()) {
    if (options().method.is_sketch()) {
      unite_sketch(delta->window, delta->content);
    } else {
      std::vector<Fingerprint>& prints = news_.front();
      prints.clear();
      for (std::size_t i = 0; i < delta->content.size() / kFingerprintBytes; ++i)
        prints.push_back(fingerprint_at(delta->content, i));
      unite(delta->window, 0);
    }
  }
  if (delta->frames == 0) return {};
  if (Entry* const entry = find(delta->window)) {
    entry->frames += delta->frames;
    touch(*entry);
  } else {
    count_dropped(delta->frames);
  }
  return {};
}

/// Adds news_[depth] to a window; what is new there goes on to its children. An expired window lets
/// everything through.
void DistinctUnion::unite(const AssignedWindow& window, std::size_t depth) {
  Users* const mine = users(window);
  std::vector<Fingerprint>& prints = news_[depth];
  if (mine != nullptr) {
    std::erase_if(prints, [&](const Fingerprint print) { return !mine->set.insert(print); });
    if (prints.empty()) return;
    mine->fresh.insert(mine->fresh.end(), prints.begin(), prints.end());
    touch(*mine);
  }
  each_child(window, [&](const AssignedWindow& child) {
    news_[depth + 1] = prints;
    unite(child, depth + 1);
  });
}

void DistinctUnion::unite_sketch(const AssignedWindow& window, std::string_view registers) {
  if (Users* const mine = users(window)) {
    bool grown = false;
    ByteReader in(registers);
    while (!in.rest().empty()) {
      const auto index = in.get<std::uint32_t>();
      const auto value = in.get<std::uint8_t>();
      if (index >= mine->sketch->registers().size() ||
          !UltraLogLog::valid_register(value, mine->sketch->precision()))
        continue;
      grown = mine->sketch->merge_register(index, value) || grown;
    }
    if (grown) {
      mine->sketch_grown = true;
      touch(*mine);
    }
  }
  each_child(window, [&](const AssignedWindow& child) { unite_sketch(child, registers); });
}

std::size_t DistinctUnion::emit(const Entry& entry, bool final, bool is_exact) {
  const auto& users = static_cast<const Users&>(entry);
  const std::uint64_t count =
      users.sketch ? static_cast<std::uint64_t>(std::llround(users.sketch->estimate()))
                   : users.set.size();
  results_->write(entry.window, {.users = count,
                                 .frames = entry.frames,
                                 .revision = entry.revision,
                                 .final = final,
                                 .exact = is_exact,
                                 .sketch = users.sketch.get()});
  return 1;
}

// --- state

void DistinctUnion::save(Entry& entry, std::string_view key, KeyValueStore& store) {
  auto& users = static_cast<Users&>(entry);
  if (users.sketch) {
    if (!std::exchange(users.sketch_grown, false)) return;
    std::string value;
    append_sketch(*users.sketch, value);
    store.put(prefixed(kSketchPrefix, key), value);
    return;
  }
  if (users.fresh.empty()) return;
  std::string part;
  for (const Fingerprint print : users.fresh) append_fingerprint(print, part);
  users.fresh.clear();
  store_part(users, 0, key, part, store);
  for (std::size_t level = 0; level + 1 < kLevels; ++level)
    if (users.levels[level].next - users.levels[level].first >= kFanIn)
      merge_level(users, level, key, store);
}

void DistinctUnion::store_part(Users& users, std::size_t level, std::string_view key,
                               std::string_view part, KeyValueStore& store) {
  for (; !part.empty(); part.remove_prefix(std::min(part.size(), kMaxPartBytes)))
    store.put(part_key(key, level, users.levels[level].next++), part.substr(0, kMaxPartBytes));
}

void DistinctUnion::merge_level(Users& users, std::size_t level, std::string_view key,
                                KeyValueStore& store) {
  std::string merged;
  Level& parts = users.levels[level];
  for (std::uint32_t sequence = parts.first; sequence < parts.next; ++sequence) {
    const std::string name = part_key(key, level, sequence);
    if (const auto part = store.get(name)) merged.append(*part);
    store.erase(name);
  }
  parts.first = parts.next;
  store_part(users, level + 1, key, merged, store);
}

void DistinctUnion::load(Entry& entry, std::string_view key, KeyValueStore& store) {
  auto& users = static_cast<Users&>(entry);
  if (users.sketch) {
    const auto value = store.get(prefixed(kSketchPrefix, key));
    if (!value) return;
    auto sketch = parse_sketch(*value);
    MILLRACE_CHECK(sketch.ok(), "a store holds what this program put there");
    *users.sketch = std::move(*sketch);
    return;
  }
  std::array<bool, kLevels> seen{};
  store.scan(prefixed(kPartPrefix, key), [&](std::string_view name, std::string_view part) {
    const std::string_view tail = name.substr(1 + kWindowKeyBytes);
    const auto level = static_cast<std::size_t>(static_cast<unsigned char>(tail[0]));
    std::uint32_t sequence = 0;
    for (std::size_t i = 1; i < 5; ++i)
      sequence = sequence << 8 | static_cast<unsigned char>(tail[i]);
    if (!seen[level]) users.levels[level].first = sequence;
    seen[level] = true;
    users.levels[level].next = sequence + 1;
    for (std::size_t i = 0; i < part.size() / kFingerprintBytes; ++i)
      users.set.insert(fingerprint_at(part, i));
  });
}

void DistinctUnion::erase(Entry& entry, std::string_view key, KeyValueStore& store) {
  const auto& users = static_cast<const Users&>(entry);
  if (users.sketch) store.erase(prefixed(kSketchPrefix, key));
  for (std::size_t level = 0; level < kLevels; ++level)
    for (std::uint32_t sequence = users.levels[level].first; sequence < users.levels[level].next;
         ++sequence)
      store.erase(part_key(key, level, sequence));
}

// --- where results go

namespace {

class EdgeResults final : public WindowResults {
 public:
  EdgeResults(std::shared_ptr<const WindowPlan> plan, DistinctMethod method,
              EdgeId<WindowStats> edge)
      : plan_(std::move(plan)), method_(method), edge_(edge) {}

  void open(TaskContext& context) override {
    context_ = &context;
    to_ = &context.edge(edge_);
  }
  void write(const AssignedWindow& window, const Counts& counts) override {
    WindowStats& stats = stats_.emplace_back();
    stats.definition = plan_->definitions[static_cast<std::size_t>(window.definition)];
    stats.window = window.window;
    stats.users = counts.users;
    stats.frames = counts.frames;
    stats.final = counts.final;
    stats.revision = counts.revision;
    if (counts.final && !counts.exact) ++context_->counters().early_closes;
    if (method_.emit_sketch && counts.sketch != nullptr)
      append_sketch(*counts.sketch, stats.sketch);
    RecordInfo& info = infos_.emplace_back();
    info.event_time_ms = window.window.start_ms;
    info.key = context_->scratch().copy(window_key(stats.definition, window.window));
  }
  void end() override {
    if (stats_.empty()) return;
    to_->push(stats_, infos_);
    stats_.clear();
    infos_.clear();
  }

 private:
  std::shared_ptr<const WindowPlan> plan_;
  DistinctMethod method_;
  EdgeId<WindowStats> edge_;
  TaskContext* context_ = nullptr;
  Edge<WindowStats>* to_ = nullptr;
  std::vector<WindowStats> stats_;
  std::vector<RecordInfo> infos_;
};

class TopicResults final : public WindowResults {
 public:
  TopicResults(std::shared_ptr<const WindowPlan> plan, TopicName topic)
      : plan_(std::move(plan)), topic_(std::move(topic)) {}

  void open(TaskContext& context) override {
    context_ = &context;
    name_ = context.resolve(topic_);
  }
  void write(const AssignedWindow& window, const Counts& counts) override {
    buffer_.clear();
    begin_repartition_data(window.window.start_ms, kNoTime, buffer_);
    ShardResult result{.window = window,
                       .shard = context_->partition(),
                       .users = counts.users,
                       .frames = counts.frames,
                       .final = counts.final,
                       .exact = counts.exact,
                       .sketch = {}};
    std::string sketch;
    if (counts.sketch != nullptr) append_sketch(*counts.sketch, sketch);
    result.sketch = sketch;
    append_shard_result(*plan_, result, buffer_);
    context_->collector().send({.topic = name_, .partition = 0, .value = buffer_});
  }
  void end() override {}

 private:
  std::shared_ptr<const WindowPlan> plan_;
  TopicName topic_;
  std::string name_;
  TaskContext* context_ = nullptr;
  std::string buffer_;
};

}  // namespace

std::unique_ptr<WindowResults> results_to_edge(std::shared_ptr<const WindowPlan> plan,
                                               DistinctMethod method, EdgeId<WindowStats> edge) {
  return std::make_unique<EdgeResults>(std::move(plan), method, edge);
}

std::unique_ptr<WindowResults> results_to_topic(std::shared_ptr<const WindowPlan> plan,
                                                TopicName topic) {
  return std::make_unique<TopicResults>(std::move(plan), std::move(topic));
}

}  // namespace millrace
