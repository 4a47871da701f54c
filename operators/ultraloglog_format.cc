#include "millrace/operators/ultraloglog_format.h"

#include <fmt/format.h>

#include <cstdint>

namespace millrace {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kAlgorithmUltraLogLog = 1;
constexpr std::uint8_t kHashXxh3Low64 = 1;
constexpr std::size_t kHeaderBytes = 4;

std::uint8_t byte_at(std::string_view bytes, std::size_t i) {
  return static_cast<std::uint8_t>(bytes[i]);
}

}  // namespace

void append_sketch(const UltraLogLog& sketch, std::string& out) {
  const auto registers = sketch.registers();
  out.reserve(out.size() + kHeaderBytes + registers.size());
  for (const std::uint8_t byte : {kVersion, kAlgorithmUltraLogLog,
                                  static_cast<std::uint8_t>(sketch.precision()), kHashXxh3Low64})
    out.push_back(static_cast<char>(byte));
  out.append(reinterpret_cast<const char*>(registers.data()), registers.size());
}

Result<UltraLogLog> parse_sketch(std::string_view bytes) {
  if (bytes.empty()) return Status::invalid("sketch is empty: it needs a header of 4 bytes");
  if (byte_at(bytes, 0) != kVersion)
    return Status::invalid(
        fmt::format("sketch format version {} is not known: this program reads version {}",
                    byte_at(bytes, 0), kVersion));
  if (bytes.size() < kHeaderBytes)
    return Status::invalid(fmt::format("sketch header is cut short: {} bytes instead of {}",
                                       bytes.size(), kHeaderBytes));
  if (byte_at(bytes, 1) != kAlgorithmUltraLogLog)
    return Status::invalid(
        fmt::format("sketch algorithm {} is not known: this program reads {} (UltraLogLog)",
                    byte_at(bytes, 1), kAlgorithmUltraLogLog));
  const int precision = byte_at(bytes, 2);
  if (precision < UltraLogLog::kMinPrecision || precision > UltraLogLog::kMaxPrecision)
    return Status::invalid(fmt::format("sketch precision {} is out of range: {} to {}", precision,
                                       UltraLogLog::kMinPrecision, UltraLogLog::kMaxPrecision));
  if (byte_at(bytes, 3) != kHashXxh3Low64)
    return Status::invalid(fmt::format("sketch hash {} is not known: this program reads {} (XXH3)",
                                       byte_at(bytes, 3), kHashXxh3Low64));

  UltraLogLog sketch{precision};
  bytes.remove_prefix(kHeaderBytes);
  if (bytes.size() != sketch.registers().size())
    return Status::invalid(fmt::format("sketch of precision {} has {} registers instead of {}",
                                       precision, bytes.size(), sketch.registers().size()));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::uint8_t value = byte_at(bytes, i);
    if (!UltraLogLog::valid_register(value, precision))
      return Status::invalid(
          fmt::format("sketch register {} has the impossible value {}", i, value));
    sketch.merge_register(i, value);
  }
  return sketch;
}

}  // namespace millrace
