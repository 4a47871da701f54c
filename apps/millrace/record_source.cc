#include "millrace/apps/millrace/record_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "millrace/framework/record_batch.h"
#include "millrace/operators/codec/msgpack_value.h"

namespace millrace::tool {

Result<std::unique_ptr<RecordSource>> RecordSource::open(const std::string& path, Framing framing,
                                                         int stop_fd) {
  const int file = path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return Status::invalid(fmt::format("cannot read '{}': {}", path, std::strerror(errno)));
  struct stat info {};
  std::optional<std::int64_t> size;
  if (fstat(file, &info) == 0 && S_ISREG(info.st_mode)) size = info.st_size;
  return std::unique_ptr<RecordSource>{new RecordSource{path, framing, file, stop_fd, size}};
}

RecordSource::RecordSource(std::string path, Framing framing, int file, int stop_fd,
                           std::optional<std::int64_t> size)
    : path_{std::move(path)},
      framing_{framing},
      file_{file},
      stop_fd_{stop_fd},
      size_{size},
      buffer_{std::make_unique<char[]>(kBlockBytes + kRecordPadding)} {}

RecordSource::~RecordSource() {
  if (file_ != STDIN_FILENO) close(file_);
}

bool RecordSource::wait_for_input() {
  pollfd files[] = {{file_, POLLIN, 0}, {stop_fd_, POLLIN, 0}};
  while (poll(files, 2, -1) < 0) {
  }
  return files[1].revents == 0;
}

void RecordSource::make_room() {
  if (begin_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    searched_ -= begin_;
    begin_ = 0;
  }
  if (end_ < capacity_) return;
  auto larger = std::make_unique<char[]>(2 * capacity_ + kRecordPadding);
  std::memcpy(larger.get(), buffer_.get(), end_);
  buffer_ = std::move(larger);
  capacity_ *= 2;
}

Result<RecordSource::More> RecordSource::fill() {
  if (malformed_)
    return Status::failed(
        fmt::format("'{}' holds something that is no MessagePack record, at byte {}: is it text?",
                    path_, offset_));
  if (ended_ && begin_ < end_)
    return Status::failed(fmt::format(
        "'{}' ends inside a MessagePack value, which begins at byte {}", path_, offset_));
  if (ended_) return More::kEnd;
  if (end_ - begin_ >= kMaxRecordBytes) {
    return Status::failed(
        fmt::format("'{}' has a {} of more than {} MiB, at byte {}: it does not look like {}",
                    path_, framing_ == Framing::kLines ? "line" : "value", kMaxRecordBytes >> 20,
                    offset_, framing_ == Framing::kLines ? "text" : "MessagePack"));
  }
  make_room();
  while (true) {
    if (!wait_for_input()) return More::kStopped;
    const ssize_t got = read(file_, buffer_.get() + end_, capacity_ - end_);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0)
      return Status::failed(fmt::format("cannot read '{}': {}", path_, std::strerror(errno)));
    ended_ = got == 0;
    end_ += static_cast<std::size_t>(got);
    return ended_ && begin_ == end_ ? More::kEnd : More::kRecords;
  }
}

bool RecordSource::next(std::string_view& record) {
  return framing_ == Framing::kLines ? next_line(record) : next_value(record);
}

void RecordSource::advance(std::size_t next_begin) {
  record_offset_ = offset_;
  offset_ += static_cast<std::int64_t>(next_begin - begin_);
  begin_ = searched_ = next_begin;
}

bool RecordSource::next_value(std::string_view& value) {
  const char* const begin = buffer_.get() + begin_;
  const char* cursor = begin;
  if (begin_ == end_ || malformed_) return false;
  const MsgpackEnd result = skip_msgpack(cursor, buffer_.get() + end_);
  // The characters of a text would be as many small numbers, which nobody means by records.
  malformed_ = result == MsgpackEnd::kMalformed || (*begin & 0x80) == 0;
  if (malformed_) return false;
  if (result != MsgpackEnd::kComplete) return false;
  value = {begin, static_cast<std::size_t>(cursor - begin)};
  advance(begin_ + value.size());
  return true;
}

bool RecordSource::next_line(std::string_view& line) {
  const char* const data = buffer_.get();
  const void* const found = std::memchr(data + searched_, '\n', end_ - searched_);
  if (found == nullptr) searched_ = end_;
  if (found == nullptr && (!ended_ || begin_ == end_)) return false;
  const std::size_t stop =
      found == nullptr ? end_ : static_cast<std::size_t>(static_cast<const char*>(found) - data);
  const std::size_t next_begin = found == nullptr ? end_ : stop + 1;
  line = {data + begin_, stop - begin_};
  if (found != nullptr && line.ends_with('\r')) line.remove_suffix(1);
  advance(next_begin);
  return true;
}

}  // namespace millrace::tool
