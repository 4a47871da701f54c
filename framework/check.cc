#include "millrace/framework/check.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace millrace {

void check_failed(const char* file, int line, const char* text) noexcept {
  char message[512];
  const int length =
      std::snprintf(message, sizeof message, "%s:%d: check failed: %s\n", file, line, text);
  // The process is lost; its last words go straight to the descriptor, past every buffer.
  if (length > 0) {
    [[maybe_unused]] const auto written =
        ::write(2, message,
                static_cast<std::size_t>(length) < sizeof message ? static_cast<std::size_t>(length)
                                                                  : sizeof message - 1);
  }
  std::abort();
}

}  // namespace millrace
