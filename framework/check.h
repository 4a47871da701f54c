#pragma once

namespace millrace {

/// Writes `file:line: check failed: text` through the last-resort handler and aborts. Never
/// returns.
[[noreturn]] void check_failed(const char* file, int line, const char* text) noexcept;

}  // namespace millrace

/// Always-on assertion for programmer's errors; `text` says what was expected.
#define MILLRACE_CHECK(condition, text)                                       \
  do {                                                                        \
    if (!(condition)) [[unlikely]]                                            \
      ::millrace::check_failed(__FILE__, __LINE__, text " (" #condition ")"); \
  } while (false)
