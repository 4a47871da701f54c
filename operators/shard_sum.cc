#include "millrace/operators/shard_sum.h"

#include <cmath>
#include <optional>

#include "millrace/framework/byte_order.h"
#include "millrace/operators/shard_result_format.h"
#include "millrace/operators/ultraloglog_format.h"

namespace millrace {
namespace {

constexpr char kPartPrefix = 'p';

std::string part_key(std::string_view key, std::int32_t shard) {
  std::string part(1, kPartPrefix);
  part.append(key);
  ByteWriter(part).put(shard);
  return part;
}

}  // namespace

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
  WindowResults::Counts counts{.revision = entry.revision, .final = final, .exact = is_exact};
  std::optional<UltraLogLog> merged;
  for (const auto& [shard, bytes] : static_cast<const Parts&>(entry).by_shard) {
    const auto part = decode_shard_result(plan(), bytes);
    MILLRACE_CHECK(part.ok(), "a store holds what this program put there");
    counts.users += part->users;
    counts.frames += part->frames;
    counts.exact = counts.exact && part->exact;
    if (part->sketch.empty()) continue;
    auto sketch = parse_sketch(part->sketch);
    MILLRACE_CHECK(sketch.ok(), "a shard sends what it has encoded");
    if (merged)
      merged->merge(*sketch);
    else
      merged = std::move(*sketch);
  }
  if (merged) {
    counts.users = static_cast<std::uint64_t>(std::llround(merged->estimate()));
    counts.sketch = &*merged;
  }
  results_->write(entry.window, counts);
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
