#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>

#include "millrace/framework/broker.h"
#include "millrace/framework/clock.h"
#include "millrace/framework/log.h"
#include "millrace/framework/status.h"

namespace millrace {

/// Which topics are files, and how much memory they may take.
struct FileOptions {
  const Clock& clock;
  LogSink& log = null_log();
  /// Topic to path; "-" is standard input.
  std::map<std::string, std::string> inputs{};
  /// Topic to path, which is overwritten; "-" is standard output.
  std::map<std::string, std::string> outputs{};
  int standard_input = 0;  ///< descriptor that "-" means; borrowed
  int standard_output = 1;
  /// A longer line is an error: it is no text.
  std::size_t max_line_bytes = std::size_t{64} << 20;
  /// Kept of a stream from one commit to the next, about.
  std::size_t stream_keep_bytes = std::size_t{256} << 20;
};

/// Puts files and streams behind the broker interface. All that is no file (other topics, groups,
/// committed offsets, transactions) is the inner broker's, where each file has a one-partition
/// topic of its name, made here.
///
/// Input topics: one partition, one line a record: the value without LF or CR LF, no key, no
/// headers, no timestamp. The offset is the line's number from 0; a last line without an end
/// counts.
/// - The end: nobody knows the number of lines before they are read. So, for files and streams
///   alike, Admin::list_offsets(kLatest) answers Admin::kEndUnknown and Consumer::high_watermark()
///   none until a consumer has come to the end, by the poll() that finds nothing more; from then
///   on both answer the number of lines, which stays. A bounded run ends when position() reaches
///   the high watermark, and the input is read once.
/// - Regular files can be read again from anywhere. Of a stream (pipe, terminal) only what was not
///   yet committed can: a commit of its offsets, by any group, gives up the lines before them. The
///   stream waits when too much is uncommitted.
/// - A line that is too long, or an error of the system, is kFailed from poll() and names the line
///   or the path.
///
/// Output topics: one partition, one record a line: value and LF; key, headers and timestamp are
/// dropped, null is an empty line, a value with a line feed is refused. Lines are kept in memory
/// and written by commit(), once the inner transaction is committed (without transactions: by
/// flush()); abort() drops them. kFailed from there names the path. They cannot be consumed.
///
/// With an inner broker in memory a restart begins at the first line again: at least once across
/// restarts.
///
/// kInvalid: a file that cannot be opened, is used twice, or is a directory.
Result<std::unique_ptr<Broker>> open_file_broker(const FileOptions& options,
                                                 std::unique_ptr<Broker> inner);

}  // namespace millrace
