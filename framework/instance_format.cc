#include "millrace/framework/instance_format.h"

#include <fmt/format.h>

#include "millrace/framework/byte_order.h"

namespace millrace {
namespace {

constexpr std::uint8_t kVersion = 1;

}  // namespace

std::string encode_instance_record(const InstanceRecord& record) {
  std::string bytes;
  ByteWriter out(bytes);
  out.put(kVersion).text(record.address).put(static_cast<std::uint32_t>(record.tasks.size()));
  for (const TaskId& task : record.tasks)
    out.put(static_cast<std::int32_t>(task.sub_topology)).put(task.partition);
  return bytes;
}

Result<InstanceRecord> decode_instance_record(std::string_view bytes) {
  ByteReader in(bytes);
  if (const auto version = in.get<std::uint8_t>(); in.ok() && version != kVersion)
    return Status::failed(fmt::format("an instance's record has version {}, this program knows {}",
                                      version, kVersion));
  InstanceRecord record;
  record.address = in.text();
  for (auto left = in.get<std::uint32_t>(); left > 0 && in.ok(); --left) {
    const auto sub_topology = in.get<std::int32_t>();
    record.tasks.push_back({sub_topology, in.get<std::int32_t>()});
  }
  if (!in.done())
    return Status::failed(fmt::format("an instance's record of {} bytes is damaged", bytes.size()));
  return record;
}

}  // namespace millrace
