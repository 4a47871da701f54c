#include "millrace/apps/millrace/line_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "millrace/framework/record_batch.h"

namespace millrace::tool {

Result<std::unique_ptr<LineSource>> LineSource::open(const std::string& path, int stop_fd) {
  const int file = path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return Status::invalid(fmt::format("cannot read '{}': {}", path, std::strerror(errno)));
  struct stat info {};
  std::optional<std::int64_t> size;
  if (fstat(file, &info) == 0 && S_ISREG(info.st_mode)) size = info.st_size;
  return std::unique_ptr<LineSource>{new LineSource{path, file, stop_fd, size}};
}

LineSource::LineSource(std::string path, int file, int stop_fd, std::optional<std::int64_t> size)
    : path_{std::move(path)},
      file_{file},
      stop_fd_{stop_fd},
      size_{size},
      buffer_{std::make_unique<char[]>(kBlockBytes + kRecordPadding)} {}

LineSource::~LineSource() {
  if (file_ != STDIN_FILENO) close(file_);
}

bool LineSource::wait_for_input() {
  pollfd files[] = {{file_, POLLIN, 0}, {stop_fd_, POLLIN, 0}};
  while (poll(files, 2, -1) < 0) {
  }
  return files[1].revents == 0;
}

void LineSource::make_room() {
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

Result<LineSource::More> LineSource::fill() {
  if (ended_) return More::kEnd;
  if (end_ - begin_ >= kMaxLineBytes) {
    return Status::failed(
        fmt::format("'{}' has a line of more than {} MiB, at byte {}: it does not look like text",
                    path_, kMaxLineBytes >> 20, offset_));
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
    return ended_ && begin_ == end_ ? More::kEnd : More::kLines;
  }
}

bool LineSource::next(std::string_view& line) {
  const char* const data = buffer_.get();
  const void* const found = std::memchr(data + searched_, '\n', end_ - searched_);
  if (found == nullptr) searched_ = end_;
  if (found == nullptr && (!ended_ || begin_ == end_)) return false;
  const std::size_t stop =
      found == nullptr ? end_ : static_cast<std::size_t>(static_cast<const char*>(found) - data);
  const std::size_t next_begin = found == nullptr ? end_ : stop + 1;
  line = {data + begin_, stop - begin_};
  if (found != nullptr && line.ends_with('\r')) line.remove_suffix(1);
  line_offset_ = offset_;
  offset_ += static_cast<std::int64_t>(next_begin - begin_);
  begin_ = searched_ = next_begin;
  return true;
}

}  // namespace millrace::tool
