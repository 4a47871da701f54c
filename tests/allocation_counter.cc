#include "millrace/tests/allocation_counter.h"

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MILLRACE_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MILLRACE_SANITIZED 1
#endif
#endif

namespace {

std::atomic<std::uint64_t> count{0};

}  // namespace

#ifdef MILLRACE_SANITIZED

// Of sanitizer/allocator_interface.h, which GCC does not install everywhere.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void*,
                                                                  std::size_t),
                                                         void (*)(const volatile void*));

namespace {

void count_one(const volatile void*, std::size_t) { count.fetch_add(1, std::memory_order_relaxed); }
void count_none(const volatile void*) {}

[[maybe_unused]] const int hooks = __sanitizer_install_malloc_and_free_hooks(count_one, count_none);

}  // namespace

#else

// The array and nothrow forms of the standard library come down to these.
void* operator new(std::size_t size) {
  count.fetch_add(1, std::memory_order_relaxed);
  if (void* const memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc{};
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

#endif

namespace millrace {

std::uint64_t allocations() { return count.load(std::memory_order_relaxed); }

}  // namespace millrace
