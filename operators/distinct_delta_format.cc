#include "millrace/operators/distinct_delta_format.h"

#include <fmt/format.h>

#include "millrace/framework/byte_order.h"

namespace millrace {
namespace {

constexpr std::uint8_t kVersion = 1;

std::uint32_t length_s(const WindowDefinition& definition) {
  return definition.is_calendar() ? 0 : static_cast<std::uint32_t>(definition.nominal_ms() / 1000);
}

/// Big-endian, so that keys sort as numbers do.
template <class T>
void put_big_endian(T value, std::string& out) {
  for (int shift = 8 * (static_cast<int>(sizeof(T)) - 1); shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(value >> shift & 0xff));
}
template <class T>
T get_big_endian(std::string_view bytes) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    value = static_cast<T>(value << 8 | static_cast<unsigned char>(bytes[i]));
  return value;
}

}  // namespace

void append_window_key(const WindowPlan& plan, const AssignedWindow& window, std::string& out) {
  const WindowDefinition& definition =
      plan.definitions[static_cast<std::size_t>(window.definition)];
  out.push_back(static_cast<char>(definition.kind()));
  put_big_endian(length_s(definition), out);
  put_big_endian(static_cast<std::uint64_t>(window.window.start_ms) ^ std::uint64_t{1} << 63, out);
}

Result<AssignedWindow> decode_window_key(const WindowPlan& plan, std::string_view key) {
  if (key.size() != kWindowKeyBytes)
    return Status::failed(
        fmt::format("a window key has {} bytes, not {}", key.size(), kWindowKeyBytes));
  const auto kind = static_cast<WindowKind>(key[0]);
  const auto length = get_big_endian<std::uint32_t>(key.substr(1));
  const auto start_ms = static_cast<std::int64_t>(get_big_endian<std::uint64_t>(key.substr(5)) ^
                                                  std::uint64_t{1} << 63);
  for (int i = 0; i < static_cast<int>(plan.definitions.size()); ++i) {
    const WindowDefinition& definition = plan.definitions[static_cast<std::size_t>(i)];
    if (definition.kind() == kind && length_s(definition) == length)
      return AssignedWindow{i, definition.window_of(start_ms)};
  }
  return Status::failed(
      fmt::format("a window of kind {} and {} s is not in this topology ({}): it was written by "
                  "another one; reset the application",
                  static_cast<int>(kind), length, plan.describe()));
}

void begin_distinct_delta(const WindowPlan& plan, const AssignedWindow& window,
                          std::uint64_t frames, DistinctDeltaKind kind, std::string& out) {
  ByteWriter writer(out);
  writer.put(kVersion);
  append_window_key(plan, window, out);
  writer.put(frames).put(static_cast<std::uint8_t>(kind));
}

void append_fingerprint(Fingerprint fingerprint, std::string& out) {
  ByteWriter(out).put(fingerprint.low).put(fingerprint.high);
}

void append_register(std::uint32_t index, std::uint8_t value, std::string& out) {
  ByteWriter(out).put(index).put(value);
}

Fingerprint fingerprint_at(std::string_view content, std::size_t index) {
  ByteReader in(content.substr(index * kFingerprintBytes, kFingerprintBytes));
  const auto low = in.get<std::uint64_t>();
  return {low, in.get<std::uint64_t>()};
}

Result<DistinctDelta> decode_distinct_delta(const WindowPlan& plan, std::string_view payload) {
  ByteReader in(payload);
  if (const auto version = in.get<std::uint8_t>(); in.ok() && version != kVersion)
    return Status::failed(fmt::format(
        "a distinct-count delta has version {}, this program knows {}", version, kVersion));
  auto window = decode_window_key(plan, in.bytes(kWindowKeyBytes));
  if (!window.ok()) return window.status();
  DistinctDelta delta;
  delta.window = *window;
  delta.frames = in.get<std::uint64_t>();
  const auto kind = in.get<std::uint8_t>();
  delta.kind = static_cast<DistinctDeltaKind>(kind);
  delta.content = in.rest();
  const std::size_t unit = kind == 0 ? kFingerprintBytes : kRegisterBytes;
  if (!in.ok() || kind > 1 || delta.content.size() % unit != 0)
    return Status::failed(
        fmt::format("a distinct-count delta of {} bytes is damaged", payload.size()));
  return delta;
}

}  // namespace millrace
