#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/framework/record_batch.h"
#include "millrace/operators/codec/field_value.h"

namespace millrace {

/// How the columns of a CSV record are laid out.
struct CsvOptions {
  /// The names of the columns, as the first line of a file has them: "id,ts,page,uid". Fields are
  /// found by it. Empty: the columns are the fields bound, in the order of binding.
  std::string header{};
  /// Not a letter, a digit, a quote, a line end, or one of `.+-`.
  char separator = ',';
};

/// The names in the header; none if there is no header, or one that does not close its quotes.
std::vector<std::string> csv_column_names(const CsvOptions& options);

/// A column as it stands in a record.
struct CsvColumn {
  std::string_view raw;  ///< between the quotes, if there are any; quotes in it are double
  bool quoted = false;
  bool doubled = false;  ///< it has such quotes
};

/// Reads the column that begins at `cursor`, and moves `cursor` to the separator behind it, or to
/// `end`. False if a quote is not closed, or something follows the closing one.
bool scan_csv_column(const char*& cursor, const char* end, char separator, CsvColumn& column);

/// Finds bound fields in the columns of a CSV record (RFC 4180; one record a message, no header,
/// and perhaps a line end), and stops at the last of them.
///
/// A record is good iff every field that is not optional is found in it, with its type, before any
/// error; what follows is not judged, and of the columns before it only the quotes of those that
/// begin with one. An empty column is null, "" an empty text. Thread-safe; allocates nothing.
class CsvReader {
 public:
  static constexpr int kUnbound = -1;

  /// REQUIRES: at most 64 bindings, all with different names, which the header holds; the first of
  /// equal names in the header counts.
  CsvReader(std::vector<FieldBinding> bindings, const CsvOptions& options,
            Strictness strictness = Strictness::kBoundFields);

  /// Fills `values`, one for each binding. Texts in it are views into `record`, or into `arena` if
  /// they had doubled quotes.
  DecodeOutcome read(const RecordView& record, Arena& arena, std::span<FieldValue> values) const;

  std::span<const FieldBinding> bindings() const { return bindings_; }
  /// Which binding each column holds, or kUnbound.
  std::span<const int> columns() const { return columns_; }
  char separator() const { return separator_; }
  Strictness strictness() const { return strictness_; }

 private:
  DecodeOutcome scan(std::string_view text, Arena& arena, std::span<FieldValue> values) const;

  std::vector<FieldBinding> bindings_;
  std::vector<int> columns_;
  char separator_;
  Strictness strictness_;
  std::uint64_t all_;  ///< a bit for each binding
};

}  // namespace millrace
