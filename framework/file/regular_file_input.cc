#include "millrace/framework/file/regular_file_input.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "millrace/framework/file/line_text.h"

namespace millrace {
namespace {

/// Read at once: one chunk of the batch's arena, small enough for the second-level cache.
constexpr std::size_t kBlockBytes = Arena::kChunkBytes - kRecordPadding;
constexpr std::size_t kLeastBlockBytes = 16 * 1024;

}  // namespace

/// Reads straight into the batch: the system's copy out of its page cache is the only one. What a
/// block holds beyond the limit, or of its last line, is read once more; so blocks are made to fit
/// what poll() may take.
class RegularFileInput::Reader final : public LineReader {
 public:
  explicit Reader(RegularFileInput& input) : input_(input) {}

  Status poll(const PollLimit& limit, RecordBatch& batch) override {
    std::size_t records = 0;
    std::size_t bytes = 0;
    while (records < limit.records && (records == 0 || bytes + mean_line_bytes() <= limit.bytes)) {
      Result<std::string_view> block = read_block(
          batch.arena(),
          block_size(limit.records - records, limit.bytes - std::min(limit.bytes, bytes)));
      if (!block.ok()) return block.status();
      if (block->empty()) return {};
      for (std::string_view rest = *block; !rest.empty();) {
        const std::string_view line = first_line_of(rest);
        if (line_ >= wanted_) {
          const std::string_view value = without_line_end(line);
          if (value.size() > input_.max_line_bytes_) return line_too_long();
          if (records == limit.records || (records > 0 && bytes + value.size() > limit.bytes))
            return {};
          batch.append_stored({.value = value, .offset = line_});
          ++records;
          bytes += value.size();
        }
        rest.remove_prefix(line.size());
        byte_ += line.size();
        ++line_;
      }
    }
    return {};
  }

  Status seek(std::int64_t line) override {
    const Place place = input_.nearest_before(line);
    byte_ = place.byte;
    line_ = place.line;
    wanted_ = line;
    return {};
  }

  std::int64_t position() const override { return std::max(line_, wanted_); }

  bool ready() const override {
    const std::optional<std::int64_t> end = input_.end_line();
    return !end || position() < *end;
  }

 private:
  /// Whole lines from here on, about `size` bytes; none at the end.
  Result<std::string_view> read_block(Arena& arena, std::size_t size) {
    input_.remember({line_, byte_});
    while (true) {
      char* const buffer = arena.allocate(size);
      Result<std::size_t> got = input_.read(buffer, size, byte_);
      if (!got.ok()) return got.status();
      if (*got == 0) return at_end();
      const std::string_view text(buffer, *got);
      if (const std::size_t whole = whole_lines(text); whole > 0) return text.substr(0, whole);
      if (*got < size) return text;  // the last line has no end
      if (size >= input_.max_line_bytes_ + kLineEndBytes) return line_too_long();
      size = std::min(2 * size, input_.max_line_bytes_ + kLineEndBytes);
    }
  }

  Result<std::string_view> at_end() {
    input_.remember_end({line_, byte_});
    if (line_ < wanted_) return line_beyond_end(input_.path_, wanted_, line_);
    return std::string_view{};
  }

  Status line_too_long() const {
    return millrace::line_too_long(input_.path_, line_, input_.max_line_bytes_);
  }

  std::size_t block_size(std::size_t records, std::size_t bytes) const {
    const std::size_t lines =
        std::min(records, kBlockBytes) + 1;  // and something for the last one to be cut
    const std::size_t wanted = std::min(bytes + mean_line_bytes(), lines * mean_line_bytes());
    return std::clamp(line_ == 0 ? kBlockBytes : wanted, kLeastBlockBytes, kBlockBytes);
  }

  std::size_t mean_line_bytes() const {
    return line_ == 0 ? 1 : byte_ / static_cast<std::uint64_t>(line_) + 1;
  }

  RegularFileInput& input_;
  std::uint64_t byte_ = 0;   // where the next line begins
  std::int64_t line_ = 0;    // its number
  std::int64_t wanted_ = 0;  // lines before it are skipped
};

RegularFileInput::RegularFileInput(std::string path, FileDescriptor file,
                                   std::size_t max_line_bytes)
    : path_(std::move(path)), file_(std::move(file)), max_line_bytes_(max_line_bytes) {
  const off_t begin = ::lseek(file_.get(), 0, SEEK_CUR);
  index_.push_back({0, begin > 0 ? static_cast<std::uint64_t>(begin) : 0});
}

Result<std::unique_ptr<LineReader>> RegularFileInput::read_from(std::int64_t line,
                                                                std::function<void()>) {
  auto reader = std::make_unique<Reader>(*this);
  MILLRACE_RETURN_IF_ERROR(reader->seek(line));
  return std::unique_ptr<LineReader>(std::move(reader));
}

std::optional<std::int64_t> RegularFileInput::end_line() const {
  const std::lock_guard lock(mutex_);
  return end_ ? std::optional(end_->line) : std::nullopt;
}

/// Fills the buffer unless the end comes first, where 0 is read.
Result<std::size_t> RegularFileInput::read(char* buffer, std::size_t size,
                                           std::uint64_t byte) const {
  const std::uint64_t room = end_byte() - byte;
  const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(size, room));
  std::size_t got = 0;
  while (got < wanted) {
    const ssize_t more =
        ::pread(file_.get(), buffer + got, wanted - got, static_cast<off_t>(byte + got));
    if (more == 0) break;
    if (more > 0) {
      got += static_cast<std::size_t>(more);
    } else if (errno != EINTR) {
      return Status::failed(fmt::format("cannot read '{}': {}", path_, std::strerror(errno)));
    }
  }
  return got;
}

std::uint64_t RegularFileInput::end_byte() const {
  const std::lock_guard lock(mutex_);
  return end_ ? end_->byte : std::numeric_limits<std::uint64_t>::max();
}

RegularFileInput::Place RegularFileInput::nearest_before(std::int64_t line) const {
  const std::lock_guard lock(mutex_);
  const auto behind =
      std::upper_bound(index_.begin(), index_.end(), line,
                       [](std::int64_t wanted, const Place& place) { return wanted < place.line; });
  return *std::prev(behind);
}

void RegularFileInput::remember(const Place& place) {
  const std::lock_guard lock(mutex_);
  if (place.byte >= index_.back().byte + kIndexBytes) index_.push_back(place);
}

void RegularFileInput::remember_end(const Place& place) {
  const std::lock_guard lock(mutex_);
  if (!end_) end_ = place;
}

}  // namespace millrace
