#include "millrace/operators/merge_position_format.h"

#include <fmt/format.h>

#include "millrace/framework/byte_order.h"

namespace millrace {
namespace {

constexpr std::uint8_t kVersion = 1;

}  // namespace

void append_merge_position(const MergePosition& position, std::string& out) {
  ByteWriter writer(out);
  writer.put(kVersion).put(static_cast<std::uint8_t>(position.place)).put(position.done);
  if (position.place == MergePosition::Place::kHere) writer.text(position.key);
}

Result<MergePosition> parse_merge_position(std::string_view bytes) {
  MergePosition position;
  if (bytes.empty()) return position;
  ByteReader in(bytes);
  if (const auto version = in.get<std::uint8_t>(); version != kVersion)
    return Status::failed(
        fmt::format("the position of an ordered merge has version {}, this program knows {}: use "
                    "the program that wrote it, or reset the application",
                    version, kVersion));
  const auto place = in.get<std::uint8_t>();
  position.place = static_cast<MergePosition::Place>(place);
  position.done = in.get<std::uint32_t>();
  if (position.place == MergePosition::Place::kHere) position.key = in.text();
  if (!in.done() || place > static_cast<std::uint8_t>(MergePosition::Place::kStore))
    return Status::failed(
        "the position of an ordered merge is damaged: reset the application (millrace reset)");
  return position;
}

}  // namespace millrace
