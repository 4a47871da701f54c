#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace millrace {

/// Appends the columns of one CSV record to a string: column() before each, and behind it a value,
/// or none for null. Writes no line end. Not thread-safe.
class CsvWriter {
 public:
  /// Appends to `out`, which must outlive the writer.
  CsvWriter(std::string& out, char separator) : out_(out), separator_(separator) {}

  CsvWriter& column();
  /// Puts quotes around what needs them, and around an empty text, which would be null. Bytes that
  /// are not UTF-8 stay what they are.
  CsvWriter& string(std::string_view text);
  template <std::integral I>
  requires(!std::same_as<I, bool>) CsvWriter& integer(I value) {
    if constexpr (std::signed_integral<I>) {
      return signed_integer(value);
    } else {
      return unsigned_integer(value);
    }
  }
  /// The shortest text that reads back as `value`; null if it is not finite.
  CsvWriter& number(double value);
  CsvWriter& boolean(std::same_as<bool> auto value) {
    out_ += value ? "true" : "false";
    return *this;
  }

 private:
  CsvWriter& signed_integer(std::int64_t value);
  CsvWriter& unsigned_integer(std::uint64_t value);

  std::string& out_;
  const char separator_;
  bool first_ = true;
};

}  // namespace millrace
