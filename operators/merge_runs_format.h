#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "millrace/framework/byte_order.h"
#include "millrace/framework/status.h"

namespace millrace {

/// One or more equal values of a run, with what travels with them. Views.
struct RunItem {
  std::uint64_t times = 1;
  std::string_view value;
  std::string_view key;  ///< null: none
  std::int64_t event_time_ms = 0;
};

/// Packs a sorted run of values into one record: equal neighbours once, with their number.
class RunWriter {
 public:
  /// `item.times` is 1.
  void add(const RunItem& item);
  bool empty() const { return times_ == 0; }
  std::size_t size() const { return run_.size() + last_.size(); }
  std::size_t values() const { return values_; }
  /// Appends the run to `out`, and begins a new one.
  void finish(std::string& out);
  void clear();

 private:
  void write_last();

  std::string run_;
  std::string last_;
  std::uint64_t times_ = 0;
  std::size_t values_ = 0;
  std::string next_;
};

/// Reads what RunWriter wrote. Views point into it.
class RunReader {
 public:
  explicit RunReader(std::string_view run) : in_(run) {}
  /// The next ones; none at the end, or where the run cannot be read: see status().
  std::optional<RunItem> next();
  const Status& status() const { return status_; }

 private:
  ByteReader in_;
  bool begun_ = false;
  Status status_;
};

}  // namespace millrace
