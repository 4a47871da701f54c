#include "millrace/apps/program/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>

namespace millrace {
namespace {

constexpr std::string_view kEraseLine = "\r\033[K";

}  // namespace

Terminal::Terminal() : interactive_{isatty(STDERR_FILENO) == 1} {}

Terminal::~Terminal() { clear_status(); }

std::size_t Terminal::columns() const {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

void Terminal::line(std::string_view text) {
  const std::lock_guard lock{mutex_};
  if (status_.empty()) {
    fmt::print(stderr, "{}\n", text);
  } else {
    fmt::print(stderr, "{}{}\n{}", kEraseLine, text, status_);
  }
}

void Terminal::show_status(std::string_view text) {
  if (!interactive_) return;
  const std::lock_guard lock{mutex_};
  status_ = text;
  fmt::print(stderr, "{}{}", kEraseLine, status_);
}

void Terminal::clear_status() {
  const std::lock_guard lock{mutex_};
  if (status_.empty()) return;
  status_.clear();
  fmt::print(stderr, "{}", kEraseLine);
}

}  // namespace millrace
