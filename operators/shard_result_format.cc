#include "millrace/operators/shard_result_format.h"

#include <fmt/format.h>

#include "millrace/framework/byte_order.h"
#include "millrace/operators/distinct_delta_format.h"

namespace millrace {
namespace {
constexpr std::uint8_t kVersion = 1;
}

void append_shard_result(const WindowPlan& plan, const ShardResult& result, std::string& out) {
  ByteWriter writer(out);
  writer.put(kVersion);
  append_window_key(plan, result.window, out);
  writer.put(result.shard)
      .put(result.users)
      .put(result.frames)
      .put(result.final)
      .put(result.exact)
      .bytes(result.sketch);
}

Result<ShardResult> decode_shard_result(const WindowPlan& plan, std::string_view payload) {
  ByteReader in(payload);
  if (const auto version = in.get<std::uint8_t>(); in.ok() && version != kVersion)
    return Status::failed(
        fmt::format("a shard's result has version {}, this program knows {}", version, kVersion));
  auto window = decode_window_key(plan, in.bytes(kWindowKeyBytes));
  if (!window.ok()) return window.status();
  ShardResult result;
  result.window = *window;
  result.shard = in.get<std::int32_t>();
  result.users = in.get<std::uint64_t>();
  result.frames = in.get<std::uint64_t>();
  result.final = in.get<bool>();
  result.exact = in.get<bool>();
  result.sketch = in.rest();
  if (!in.ok())
    return Status::failed(fmt::format("a shard's result of {} bytes is damaged", payload.size()));
  return result;
}

}  // namespace millrace
