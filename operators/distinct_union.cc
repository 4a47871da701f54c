#include "millrace/operators/distinct_union.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "millrace/framework/byte_order.h"
#include "millrace/framework/repartition_format.h"
#include "millrace/operators/shard_result_format.h"
#include "millrace/operators/ultraloglog_format.h"
#include "millrace/operators/window_reader.h"

namespace millrace {
namespace {

constexpr char kSketchPrefix = 'k';

std::uint64_t users_of(const UltraLogLog& sketch) {
  return static_cast<std::uint64_t>(std::llround(sketch.estimate()));
}

}  // namespace

void DistinctUnion::open(TaskContext& context) {
  news_.resize(plan().definitions.size() + 1);
  results_->open(context);
  sets_.open(context, options().store);
  WindowBoard::open(context);
  sets_.drop_unknown([this](std::string_view key) {
    const auto window = decode_window_key(plan(), key);
    return window.ok() && knows(*window);
  });
}

std::size_t DistinctUnion::process(std::span<const RecordView> records, Arena& arena,
                                   SourcePartition& source) {
  const std::size_t done = WindowDeltaNode::process(records, arena, source);
  sets_.make_room();
  return done;
}

void DistinctUnion::committed() {
  WindowDeltaNode::committed();
  sets_.make_room();
}

std::unique_ptr<WindowBoard::Entry> DistinctUnion::make_entry(const AssignedWindow& window) {
  std::string key;
  append_window_key(plan(), window, key);
  auto users = std::make_unique<Users>(sets_, std::move(key));
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
    mine->set.add(prints);
    if (prints.empty()) return;
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
  const std::uint64_t count = users.sketch ? users_of(*users.sketch) : users.set.users();
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
  users.set.save(store);
}

void DistinctUnion::load(Entry& entry, std::string_view key, KeyValueStore& store) {
  auto& users = static_cast<Users&>(entry);
  if (!users.sketch) return;  // the set is read when it is asked
  const auto value = store.get(prefixed(kSketchPrefix, key));
  if (!value) return;
  auto sketch = parse_sketch(*value);
  MILLRACE_CHECK(sketch.ok(), "a store holds what this program put there");
  *users.sketch = std::move(*sketch);
}

void DistinctUnion::erase(Entry& entry, std::string_view key, KeyValueStore& store) {
  auto& users = static_cast<Users&>(entry);
  if (users.sketch) store.erase(prefixed(kSketchPrefix, key));
  users.set.erase(store);
}

void DistinctUnion::append_head(const Entry& entry, std::string& out) const {
  const auto& users = static_cast<const Users&>(entry);
  if (!users.sketch) append_distinct_set_head(users.set.head(), out);
}

void DistinctUnion::read_head(Entry& entry, std::string_view rest) {
  auto& users = static_cast<Users&>(entry);
  if (users.sketch) return WindowDeltaNode::read_head(entry, rest);
  const auto head = decode_distinct_set_head(rest);
  MILLRACE_CHECK(head.ok(), "a store holds what this program put there");
  users.set.restore(*head);
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

namespace {

class UnionReader final : public WindowReader {
 public:
  UnionReader(std::shared_ptr<const WindowPlan> plan, DistinctMethod method, bool sharded)
      : WindowReader(std::move(plan), sharded), is_sketch_(method.is_sketch()) {}

 private:
  Counts count(const WindowBoard::Stored& stored, std::string_view key, std::string_view head,
               StoreSnapshot& snapshot) const override {
    Counts counts{.users = 0, .frames = stored.frames};
    if (!is_sketch_) {
      const auto set = decode_distinct_set_head(head);
      MILLRACE_CHECK(set.ok(), "a store holds what this program put there");
      counts.users = set->users;
    } else if (const auto bytes = snapshot.get(std::string(1, kSketchPrefix).append(key))) {
      const auto sketch = parse_sketch(*bytes);
      MILLRACE_CHECK(sketch.ok(), "a store holds what this program put there");
      counts.users = users_of(*sketch);
    }
    return counts;
  }

  const bool is_sketch_;
};

}  // namespace

std::shared_ptr<const StoreReader> union_reader(std::shared_ptr<const WindowPlan> plan,
                                                DistinctMethod method, bool sharded) {
  return std::make_shared<UnionReader>(std::move(plan), method, sharded);
}

std::unique_ptr<WindowResults> results_to_edge(std::shared_ptr<const WindowPlan> plan,
                                               DistinctMethod method, EdgeId<WindowStats> edge) {
  return std::make_unique<EdgeResults>(std::move(plan), method, edge);
}

std::unique_ptr<WindowResults> results_to_topic(std::shared_ptr<const WindowPlan> plan,
                                                TopicName topic) {
  return std::make_unique<TopicResults>(std::move(plan), std::move(topic));
}

}  // namespace millrace
