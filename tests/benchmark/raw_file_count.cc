/// Unique users per minute of a file of JSON lines, the fastest loop one would write by hand.
///
///     raw_file_count FILE
///
/// One thread reads large blocks and parses each line where it stands. See run_benchmarks.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <vector>

#include "millrace/tests/benchmark/raw_minute_users.h"

namespace millrace::benchmark {
namespace {

constexpr std::size_t kBlockBytes = 1 << 20;

int count(const char* path) {
  const int file = ::open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    std::perror(path);
    return 1;
  }
  MinuteUsers users;
  std::uint64_t frames = 0;
  // The rest of a line that the last block cut, then a block, then what the parser may look at.
  std::vector<char> buffer(2 * kBlockBytes + simdjson::SIMDJSON_PADDING);
  std::size_t rest = 0;
  while (true) {
    if (buffer.size() < rest + kBlockBytes + simdjson::SIMDJSON_PADDING) {
      buffer.resize(2 * buffer.size());
    }
    const ssize_t got = ::read(file, buffer.data() + rest, kBlockBytes);
    if (got < 0) {
      std::perror(path);
      return 1;
    }
    const char* line = buffer.data();
    const char* const end = buffer.data() + rest + got;
    const char* const readable = buffer.data() + buffer.size();
    while (line < end) {
      const auto* stop =
          static_cast<const char*>(std::memchr(line, '\n', static_cast<std::size_t>(end - line)));
      if (stop == nullptr && got > 0) break;
      if (stop == nullptr) stop = end;
      users.add(line, static_cast<std::size_t>(stop - line),
                static_cast<std::size_t>(readable - line));
      ++frames;
      line = std::min(stop + 1, end);
    }
    if (got == 0) break;
    rest = static_cast<std::size_t>(end - line);
    std::memmove(buffer.data(), line, rest);
  }
  ::close(file);
  users.print(frames);
  return 0;
}

}  // namespace
}  // namespace millrace::benchmark

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: raw_file_count FILE\n", stderr);
    return 2;
  }
  return millrace::benchmark::count(argv[1]);
}
