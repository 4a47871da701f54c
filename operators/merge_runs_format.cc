#include "millrace/operators/merge_runs_format.h"

#include <fmt/format.h>

#include <utility>

namespace millrace {
namespace {

constexpr std::uint8_t kVersion = 1;

/// Times before 1970 are small numbers too.
std::uint64_t zigzag(std::int64_t value) {
  return static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63);
}
std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1 ^ (~(value & 1) + 1));
}

}  // namespace

void RunWriter::add(const RunItem& item) {
  ++values_;
  next_.clear();
  ByteWriter out(next_);
  out.varint(item.value.size()).bytes(item.value);
  out.varint(item.key.data() == nullptr ? 0 : item.key.size() + 1).bytes(item.key);
  out.varint(zigzag(item.event_time_ms));
  if (times_ > 0 && next_ == last_) {
    ++times_;
    return;
  }
  write_last();
  last_.swap(next_);
  times_ = 1;
}

void RunWriter::write_last() {
  if (times_ == 0) return;
  ByteWriter(run_).varint(times_).bytes(last_);
  times_ = 0;
}

void RunWriter::finish(std::string& out) {
  write_last();
  ByteWriter(out).put(kVersion).bytes(run_);
  clear();
}

void RunWriter::clear() {
  run_.clear();
  last_.clear();
  times_ = 0;
  values_ = 0;
}

std::optional<RunItem> RunReader::next() {
  if (!std::exchange(begun_, true)) {
    if (const auto version = in_.get<std::uint8_t>(); in_.ok() && version != kVersion) {
      status_ = Status::failed(fmt::format(
          "a run of an ordered merge has version {}, this program knows {}: drain the topic with "
          "the program that wrote it",
          version, kVersion));
      return std::nullopt;
    }
  }
  if (in_.done() || !status_.ok()) return std::nullopt;
  RunItem item;
  item.times = in_.varint();
  item.value = in_.bytes(static_cast<std::size_t>(in_.varint()));
  if (const std::uint64_t size = in_.varint(); size > 0)
    item.key = in_.bytes(static_cast<std::size_t>(size - 1));
  item.event_time_ms = unzigzag(in_.varint());
  if (in_.ok() && item.times > 0) return item;
  status_ = Status::failed("a run of an ordered merge is damaged");
  return std::nullopt;
}

}  // namespace millrace
