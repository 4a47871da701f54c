// expect: a field binds to a string, string_view, integer, double, bool
#include <cstdint>

#include "millrace/operators/codec/json.h"

struct Frame {
#ifdef MISUSE
  const char* ts = nullptr;
#else
  std::uint64_t ts = 0;
#endif
};

auto codec() { return millrace::json<Frame>(millrace::field("ts", &Frame::ts)); }
