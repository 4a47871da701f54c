#include "millrace/framework/file/stream_input.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "millrace/framework/file/line_text.h"

namespace millrace {
namespace {

/// Read at once.
constexpr std::size_t kBlockBytes = std::size_t{256} << 10;

}  // namespace

/// Cuts a stream into blocks of whole lines. Belongs to the stream's thread.
class StreamInput::Filler {
 public:
  enum class Outcome { kBlock, kEnded, kLineTooLong, kBroken, kStopped };

  Filler(int stream, int stop, std::size_t max_line_bytes)
      : stream_(stream),
        stop_(stop),
        max_bytes_(max_line_bytes + kLineEndBytes),
        buffer_(std::make_unique_for_overwrite<char[]>(kBlockBytes)) {}

  /// Waits for whole lines and takes all that are there, about kBlockBytes at most.
  Outcome fill(Block& block) {
    while (over_ == Outcome::kBlock) {
      // Lines that have come are handed on before more is waited for.
      if (whole_ > 0 && (size_ == capacity_ || !wait_for_input(0))) return take(block);
      if (size_ >= max_bytes_) return Outcome::kLineTooLong;
      if (size_ == capacity_) move_to_buffer_of(std::min(2 * capacity_, max_bytes_), 0);
      if (!wait_for_input(-1)) return Outcome::kStopped;
      read_more();
    }
    return whole_ > 0 ? take(block) : over_;
  }

  int error() const { return error_; }

 private:
  /// False if there is none within the time-out, or for ever when told to stop.
  bool wait_for_input(int timeout_ms) const {
    pollfd events[] = {{stop_, POLLIN, 0}, {stream_, POLLIN, 0}};
    while (::poll(events, 2, timeout_ms) < 0) {
      if (errno != EINTR) return true;  // read() will say what is wrong
    }
    return events[0].revents == 0 && events[1].revents != 0;
  }

  void read_more() {
    const ssize_t got = ::read(stream_, buffer_.get() + size_, capacity_ - size_);
    if (got > 0) {
      const std::string_view text(buffer_.get() + size_, static_cast<std::size_t>(got));
      if (const std::size_t whole = whole_lines(text); whole > 0) whole_ = size_ + whole;
      size_ += text.size();
    } else if (got == 0) {
      over_ = Outcome::kEnded;
      whole_ = size_;  // the last line may have no end
    } else if (errno != EINTR && errno != EAGAIN) {
      over_ = Outcome::kBroken;
      error_ = errno;
    }
  }

  Outcome take(Block& block) {
    const std::size_t whole = std::exchange(whole_, 0);
    block.size = whole;
    if (whole < capacity_ / 2) {  // a trickle: a large buffer for each line would be a waste
      block.data = std::make_unique_for_overwrite<char[]>(whole);
      std::memcpy(block.data.get(), buffer_.get(), whole);
      std::memmove(buffer_.get(), buffer_.get() + whole, size_ -= whole);
    } else {
      block.data = move_to_buffer_of(std::max(kBlockBytes, size_ - whole + 1), whole);
    }
    return Outcome::kBlock;
  }

  /// Goes on in a new buffer with what the old one, which is returned, holds from `begin` on.
  std::unique_ptr<char[]> move_to_buffer_of(std::size_t bytes, std::size_t begin) {
    std::unique_ptr<char[]> old =
        std::exchange(buffer_, std::make_unique_for_overwrite<char[]>(bytes));
    size_ -= begin;
    capacity_ = bytes;
    std::memcpy(buffer_.get(), old.get() + begin, size_);
    return old;
  }

  const int stream_;
  const int stop_;
  const std::size_t max_bytes_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = kBlockBytes;
  std::size_t size_ = 0;
  std::size_t whole_ = 0;           // bytes of whole lines at the beginning
  Outcome over_ = Outcome::kBlock;  // kEnded or kBroken once nothing more can come
  int error_ = 0;
};

class StreamInput::Reader final : public LineReader {
 public:
  Reader(StreamInput& input, std::function<void()> wake) : input_(input) {
    const std::lock_guard lock(input_.mutex_);
    input_.wakes_.emplace(this, std::move(wake));
  }
  ~Reader() override {
    const std::lock_guard lock(input_.mutex_);
    input_.wakes_.erase(this);
  }

  Status poll(const PollLimit& limit, RecordBatch& batch) override {
    std::size_t records = 0;
    std::size_t bytes = 0;
    while (records < limit.records) {
      if (rest_.empty()) {
        MILLRACE_RETURN_IF_ERROR(enter_next_block());
        if (rest_.empty()) return {};
      }
      const std::string_view line = first_line_of(rest_);
      if (line_ >= wanted_) {
        const std::string_view value = without_line_end(line);
        if (value.size() > input_.limits_.line_bytes) return line_too_long();
        if (records > 0 && bytes + value.size() > limit.bytes) return {};
        batch.append({}, value, line_, RecordView::kNoTimestamp);
        ++records;
        bytes += value.size();
      }
      rest_.remove_prefix(line.size());
      ++line_;
    }
    return {};
  }

  Status seek(std::int64_t line) override {
    const std::lock_guard lock(input_.mutex_);
    if (line < input_.first_line_) return given_up(line);
    const auto& blocks = input_.blocks_;
    // Blocks know their first line up to the one that a reader has come to.
    const auto behind = std::partition_point(
        blocks.begin(), blocks.end(),
        [line](const auto& block) { return block->first_line && *block->first_line <= line; });
    const auto before = static_cast<std::uint64_t>(behind - blocks.begin());
    number_ = input_.first_block_ + (before == 0 ? 0 : before - 1);
    line_ = before == 0 ? input_.first_line_ : *blocks[before - 1]->first_line;
    wanted_ = line;
    rest_ = {};
    return {};
  }

  std::int64_t position() const override { return std::max(line_, wanted_); }

  bool ready() const override {
    if (!rest_.empty()) return true;
    const std::lock_guard lock(input_.mutex_);
    if (number_ < input_.first_block_ + input_.blocks_.size()) return true;
    return input_.state_ != State::kOpen && !input_.end_line_;
  }

 private:
  /// Leaves rest_ empty when there is nothing now, or ever.
  Status enter_next_block() {
    const std::lock_guard lock(input_.mutex_);
    if (number_ < input_.first_block_) return given_up(position());
    if (number_ - input_.first_block_ < input_.blocks_.size()) {
      enter(input_.blocks_[number_ - input_.first_block_]);
      return {};
    }
    switch (input_.state_) {
      case State::kOpen:
        return input_.check_stall();
      case State::kEnded:
        input_.end_line_ = line_;
        return line_ < wanted_ ? line_beyond_end(input_.path_, wanted_, line_) : Status{};
      case State::kLineTooLong:
        return line_too_long();
      case State::kBroken:
        break;
    }
    return Status::failed(
        fmt::format("cannot read '{}': {}", input_.path_, std::strerror(input_.error_)));
  }

  /// REQUIRES: the input's mutex is held.
  void enter(const std::shared_ptr<Block>& block) {
    if (!block->first_line) {
      block->first_line = line_;
      input_.unread_bytes_ -= block->size;
      input_.room_.notify_one();
    }
    block_ = block;
    rest_ = {block->data.get(), block->size};
    ++number_;
  }

  Status line_too_long() const {
    return millrace::line_too_long(input_.path_, line_, input_.limits_.line_bytes);
  }

  Status given_up(std::int64_t line) const {
    return Status::failed(fmt::format(
        "line {} of '{}' (offset {}) cannot be read again: a stream is kept from the last "
        "commit on only. Use a file to read it twice",
        line + 1, input_.path_, line));
  }

  StreamInput& input_;
  std::shared_ptr<Block> block_;  // the one being read
  std::string_view rest_;         // of it
  std::uint64_t number_ = 0;      // of the next one
  std::int64_t line_ = 0;         // at the beginning of rest_
  std::int64_t wanted_ = 0;       // lines before it are skipped
};

Result<std::unique_ptr<StreamInput>> StreamInput::open(std::string path, FileDescriptor stream,
                                                       const Limits& limits, const Clock& clock) {
  FileDescriptor stop = FileDescriptor::owned(::eventfd(0, EFD_CLOEXEC));
  if (stop.get() < 0)
    return Status::failed(fmt::format("cannot read '{}': {}", path, std::strerror(errno)));
  return std::unique_ptr<StreamInput>(
      new StreamInput(std::move(path), std::move(stream), std::move(stop), limits, clock));
}

StreamInput::StreamInput(std::string path, FileDescriptor stream, FileDescriptor stop,
                         const Limits& limits, const Clock& clock)
    : path_(std::move(path)),
      stream_(std::move(stream)),
      stop_(std::move(stop)),
      limits_(limits),
      clock_(clock) {
  thread_ = std::thread([this] { read_all(); });
}

StreamInput::~StreamInput() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  room_.notify_one();
  ::eventfd_write(stop_.get(), 1);
  thread_.join();
}

Result<std::unique_ptr<LineReader>> StreamInput::read_from(std::int64_t line,
                                                           std::function<void()> wake) {
  auto reader = std::make_unique<Reader>(*this, std::move(wake));
  MILLRACE_RETURN_IF_ERROR(reader->seek(line));
  return std::unique_ptr<LineReader>(std::move(reader));
}

void StreamInput::release(std::int64_t line) {
  const std::lock_guard lock(mutex_);
  while (blocks_.size() > 1 && blocks_[1]->first_line && *blocks_[1]->first_line <= line) {
    retained_bytes_ -= blocks_.front()->size;
    blocks_.pop_front();
    ++first_block_;
    first_line_ = *blocks_.front()->first_line;
  }
  room_.notify_one();
}

std::int64_t StreamInput::first_line() const {
  const std::lock_guard lock(mutex_);
  return first_line_;
}

std::optional<std::int64_t> StreamInput::end_line() const {
  const std::lock_guard lock(mutex_);
  return end_line_;
}

void StreamInput::read_all() {
  Filler filler(stream_.get(), stop_.get(), limits_.line_bytes);
  while (wait_for_room()) {
    Block block;
    switch (filler.fill(block)) {
      case Filler::Outcome::kBlock:
        publish(std::move(block));
        break;
      case Filler::Outcome::kEnded:
        return finish(State::kEnded, 0);
      case Filler::Outcome::kLineTooLong:
        return finish(State::kLineTooLong, 0);
      case Filler::Outcome::kBroken:
        return finish(State::kBroken, filler.error());
      case Filler::Outcome::kStopped:
        return;
    }
  }
}

/// False when there will be none.
bool StreamInput::wait_for_room() {
  std::unique_lock lock(mutex_);
  room_.wait(lock, [this] { return stopping_ || has_room(); });
  return !stopping_;
}

void StreamInput::publish(Block block) {
  const std::lock_guard lock(mutex_);
  unread_bytes_ += block.size;
  retained_bytes_ += block.size;
  stalled_since_ms_.reset();
  blocks_.push_back(std::make_shared<Block>(std::move(block)));
  for (const auto& [reader, wake] : wakes_) wake();
}

void StreamInput::finish(State state, int error) {
  const std::lock_guard lock(mutex_);
  state_ = state;
  error_ = error;
  for (const auto& [reader, wake] : wakes_) wake();
}

/// REQUIRES: the mutex is held, and everything that was read ahead has been read.
Status StreamInput::check_stall() {
  if (has_room()) {
    stalled_since_ms_.reset();
    return {};
  }
  const std::int64_t now_ms = clock_.monotonic_ms();
  if (!stalled_since_ms_) stalled_since_ms_ = now_ms;
  if (now_ms - *stalled_since_ms_ < kStallLimit.count()) return {};
  return Status::failed(fmt::format(
      "'{}' waits since {} s for a commit: {} bytes were read since the last one, and no more "
      "of a stream is kept. Commit more often, or use a file",
      path_, kStallLimit.count() / 1000, retained_bytes_));
}

}  // namespace millrace
