#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <limits>
#include <mutex>
#include <utility>

namespace millrace {

/// What becomes of memory that is given back.
enum class MemoryUse {
  kKept,     ///< what was there has to be written to the disk, and is slower to ask
  kRepeated  ///< what was there is forgotten, which costs some work twice
};

/// Memory that the tasks of a process share for what their operators keep beside stores. Whoever
/// holds more than it may gives memory back; what can be repeated goes long before what is kept.
/// Thread-safe; outlives its shares.
class MemoryBudget {
 public:
  /// `changed` is called with all that is held, whenever that has changed; by one thread at a time.
  explicit MemoryBudget(std::size_t bytes, std::function<void(std::size_t held)> changed = {})
      : bytes_(bytes), changed_(std::move(changed)) {}
  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;

  /// What is held for this use now.
  std::size_t held(MemoryUse use) {
    const std::lock_guard lock(mutex_);
    return total(use).held;
  }

  static constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

  /// What one operator of one task holds; given back at its end. One thread.
  class Share {
   public:
    /// Without a limit.
    Share() = default;
    /// `budget` may be null: without a limit.
    Share(MemoryBudget* budget, MemoryUse use) : budget_(budget), use_(use) {}
    ~Share() { hold(0); }
    Share(Share&& other) noexcept { *this = std::move(other); }
    Share& operator=(Share&& other) noexcept {
      std::swap(budget_, other.budget_);
      std::swap(use_, other.use_);
      std::swap(held_, other.held_);
      return *this;
    }

    /// It holds so many bytes now. Returns how many it may: no limit while all of its use keep to
    /// what there is for them; else its equal part, or what the others leave if that is more.
    std::size_t hold(std::size_t bytes) {
      return budget_ == nullptr ? kNoLimit
                                : budget_->change(use_, std::exchange(held_, bytes), bytes);
    }

   private:
    MemoryBudget* budget_ = nullptr;
    MemoryUse use_ = MemoryUse::kKept;
    std::size_t held_ = 0;
  };

 private:
  struct Total {
    std::size_t held = 0;
    std::size_t holders = 0;
  };
  Total& total(MemoryUse use) { return totals_[static_cast<std::size_t>(use)]; }
  std::size_t change(MemoryUse use, std::size_t before, std::size_t now);
  std::size_t limit(MemoryUse use);

  const std::size_t bytes_;
  const std::function<void(std::size_t)> changed_;
  std::mutex mutex_;
  std::array<Total, 2> totals_;
};

}  // namespace millrace
