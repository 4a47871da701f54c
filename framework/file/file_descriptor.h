#pragma once

#include <unistd.h>

#include <utility>

namespace millrace {

/// A file descriptor, closed at the end if owned. Moves, does not copy.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  static FileDescriptor owned(int fd) { return {fd, true}; }
  /// Somebody else's, such as standard input: never closed here, and must outlive this object.
  static FileDescriptor borrowed(int fd) { return {fd, false}; }
  FileDescriptor(FileDescriptor&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), owned_(std::exchange(other.owned_, false)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(owned_, other.owned_);
    return *this;
  }
  ~FileDescriptor() {
    if (owned_ && fd_ >= 0) ::close(fd_);
  }

  int get() const { return fd_; }

 private:
  FileDescriptor(int fd, bool is_owned) : fd_(fd), owned_(is_owned) {}

  int fd_ = -1;
  bool owned_ = false;
};

}  // namespace millrace
