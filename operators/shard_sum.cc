#include "millrace/operators/shard_sum.h"

#include <cmath>
#include <optional>

#include "millrace/framework/byte_order.h"
#include "millrace/operators/shard_result_format.h"
#include "millrace/operators/ultraloglog_format.h"
#include "millrace/operators/window_reader.h"

namespace millrace {
namespace {

constexpr char kPartPrefix = 'p';

std::string part_key(std::string_view key, std::int32_t shard) {
  std::string part(1, kPartPrefix);
  part.append(key);
  ByteWriter(part).put(shard);
  return part;
}

/// Adds what the shards say of one window.
class Sum {
 public:
  void add(const WindowPlan& plan, std::string_view bytes) {
    const auto part = decode_shard_result(plan, bytes);
    MILLRACE_CHECK(part.ok(), "a store holds what this program put there");
    users_ += part->users;
    frames_ += part->frames;
    exact_ = exact_ && part->exact;
    if (part->sketch.empty()) return;
    auto sketch = parse_sketch(part->sketch);
    MILLRACE_CHECK(sketch.ok(), "a shard sends what it has encoded");
    if (merged_)
      merged_->merge(*sketch);
    else
      merged_ = std::move(*sketch);
  }
  std::uint64_t users() const {
    return merged_ ? static_cast<std::uint64_t>(std::llround(merged_->estimate())) : users_;
  }
  std::uint64_t frames() const { return frames_; }
  bool exact() const { return exact_; }
  const UltraLogLog* sketch() const { return merged_ ? &*merged_ : nullptr; }

 private:
  std::uint64_t users_ = 0;
  std::uint64_t frames_ = 0;
  bool exact_ = true;
  std::optional<UltraLogLog> merged_;
};

class SumReader final : public WindowReader {
 public:
  explicit SumReader(std::shared_ptr<const WindowPlan> plan)
      : WindowReader(std::move(plan), false) {}

 private:
  Counts count(const WindowBoard::Stored&, std::string_view key, std::string_view,
               StoreSnapshot& snapshot) const override {
    Sum sum;
    const std::string from = std::string(1, kPartPrefix).append(key);
    snapshot.scan(from, end_of_prefix(from), StoreSnapshot::Order::kAscending,
                  [&](std::string_view, std::string_view bytes) {
                    sum.add(plan(), bytes);
                    return true;
                  });
    return {sum.users(), sum.frames()};
  }
};

}  // namespace

std::shared_ptr<const StoreReader> sum_reader(std::shared_ptr<const WindowPlan> plan) {
  return std::make_shared<SumReader>(std::move(plan));
}

void ShardSum::open(TaskContext& context) {
  results_->open(context);
  WindowBoard::open(context);
}

Status ShardSum::apply(std::string_view payload) {
  const auto result = decode_shard_result(plan(), payload);
  if (!result.ok()) return result.status();
  auto* const parts = static_cast<Parts*>(find(result->window));
  if (parts == nullptr) return {};  // a shard never sends a window that it has settled
  parts->by_shard[result->shard] = payload;
  parts->unsaved.insert(result->shard);
  touch(*parts, result->final);
  return {};
}

std::size_t ShardSum::emit(const Entry& entry, bool final, bool is_exact) {
  Sum sum;
  for (const auto& [shard, bytes] : static_cast<const Parts&>(entry).by_shard)
    sum.add(plan(), bytes);
  results_->write(entry.window, {.users = sum.users(),
                                 .frames = sum.frames(),
                                 .revision = entry.revision,
                                 .final = final,
                                 .exact = is_exact && sum.exact(),
                                 .sketch = sum.sketch()});
  return 1;
}

void ShardSum::save(Entry& entry, std::string_view key, KeyValueStore& store) {
  auto& parts = static_cast<Parts&>(entry);
  for (const std::int32_t shard : parts.unsaved)
    store.put(part_key(key, shard), parts.by_shard.at(shard));
  parts.unsaved.clear();
}

void ShardSum::load(Entry& entry, std::string_view key, KeyValueStore& store) {
  auto& parts = static_cast<Parts&>(entry);
  store.scan(prefixed(kPartPrefix, key), [&](std::string_view, std::string_view bytes) {
    const auto part = decode_shard_result(plan(), bytes);
    MILLRACE_CHECK(part.ok(), "a store holds what this program put there");
    parts.by_shard[part->shard] = bytes;
  });
}

void ShardSum::erase(Entry& entry, std::string_view key, KeyValueStore& store) {
  for (const auto& [shard, bytes] : static_cast<const Parts&>(entry).by_shard)
    store.erase(part_key(key, shard));
}

}  // namespace millrace
