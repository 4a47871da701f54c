#pragma once

#include <cstdint>

namespace millrace {

/// Heap allocations of this process so far, of all its threads: by the operator new that every test
/// binary replaces, or, in builds with a sanitizer, which must keep its own, by the hook of its
/// allocator.
std::uint64_t allocations();

}  // namespace millrace
