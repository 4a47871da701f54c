#include "millrace/operators/codec/csv_writer.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

namespace millrace {

CsvWriter& CsvWriter::column() {
  if (!first_) out_ += separator_;
  first_ = false;
  return *this;
}

CsvWriter& CsvWriter::string(std::string_view text) {
  bool special = text.empty();
  for (const char c : text) special |= c == separator_ || c == '"' || c == '\r' || c == '\n';
  if (!special) {
    out_ += text;
    return *this;
  }
  out_ += '"';
  while (true) {
    const std::size_t quote = text.find('"');
    if (quote == std::string_view::npos) break;
    out_ += text.substr(0, quote);
    out_ += "\"\"";
    text.remove_prefix(quote + 1);
  }
  out_ += text;
  out_ += '"';
  return *this;
}

CsvWriter& CsvWriter::signed_integer(std::int64_t value) {
  const fmt::format_int digits{value};
  out_.append(digits.data(), digits.size());
  return *this;
}

CsvWriter& CsvWriter::unsigned_integer(std::uint64_t value) {
  const fmt::format_int digits{value};
  out_.append(digits.data(), digits.size());
  return *this;
}

CsvWriter& CsvWriter::number(double value) {
  if (std::isfinite(value)) fmt::format_to(std::back_inserter(out_), "{}", value);
  return *this;
}

}  // namespace millrace
