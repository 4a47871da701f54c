#pragma once

#include <cstddef>
#include <functional>
#include <limits>
#include <mutex>
#include <utility>

namespace millrace {

/// Memory that the tasks of a process share for what their operators keep beside stores. Whoever
/// holds more than it may gives memory back, by keeping less in memory or more on disk.
/// Thread-safe; outlives its shares.
class MemoryBudget {
 public:
  /// `changed` is called with all that is held, whenever that has changed; by one thread at a time.
  explicit MemoryBudget(std::size_t bytes, std::function<void(std::size_t held)> changed = {})
      : bytes_(bytes), changed_(std::move(changed)) {}
  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;

  static constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

  /// What one operator of one task holds; given back at its end. One thread.
  class Share {
   public:
    /// Null: without a limit.
    explicit Share(MemoryBudget* budget = nullptr) : budget_(budget) {}
    ~Share() { hold(0); }
    Share(Share&& other) noexcept
        : budget_(std::exchange(other.budget_, nullptr)), held_(std::exchange(other.held_, 0)) {}
    Share& operator=(Share&& other) noexcept {
      std::swap(budget_, other.budget_);
      std::swap(held_, other.held_);
      return *this;
    }

    /// It holds so many bytes now. Returns how many it may: no limit while all together keep to the
    /// budget; else its equal part, or what the others leave if that is more.
    std::size_t hold(std::size_t bytes) {
      return budget_ == nullptr ? kNoLimit : budget_->change(std::exchange(held_, bytes), bytes);
    }

   private:
    MemoryBudget* budget_;
    std::size_t held_ = 0;
  };

 private:
  std::size_t change(std::size_t before, std::size_t now);

  const std::size_t bytes_;
  const std::function<void(std::size_t)> changed_;
  std::mutex mutex_;
  std::size_t held_ = 0;
  std::size_t holders_ = 0;
};

}  // namespace millrace
