#include "millrace/operators/distinct_set_format.h"

#include <fmt/format.h>

#include "millrace/framework/byte_order.h"

namespace millrace {
namespace {

constexpr std::uint8_t kVersion = 1;

}  // namespace

void append_distinct_set_head(const DistinctSetHead& head, std::string& out) {
  ByteWriter writer(out);
  writer.put(kVersion).put(head.users);
  for (const DistinctSetHead::Level& level : head.levels) writer.put(level.first).put(level.next);
}

Result<DistinctSetHead> decode_distinct_set_head(std::string_view bytes) {
  ByteReader in(bytes);
  if (const auto version = in.get<std::uint8_t>(); in.ok() && version != kVersion)
    return Status::failed(fmt::format(
        "a set of distinct_count has version {}, this program knows {}", version, kVersion));
  DistinctSetHead head;
  head.users = in.get<std::uint64_t>();
  bool ordered = true;
  for (DistinctSetHead::Level& level : head.levels) {
    level.first = in.get<std::uint32_t>();
    level.next = in.get<std::uint32_t>();
    ordered = ordered && level.first <= level.next;
  }
  if (!in.done() || !ordered)
    return Status::failed(
        fmt::format("the head of a set of distinct_count, {} bytes, is damaged", bytes.size()));
  return head;
}

}  // namespace millrace
