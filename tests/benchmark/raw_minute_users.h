#pragma once

#include <simdjson.h>
#include <xxhash.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

/// The counting part of both baselines: what a careful programmer writes by hand for this one
/// question. No late frames, no state, no recovery, one hash of 64 bits per user.
namespace millrace::benchmark {

/// Open addressing, linear probing, at most half full; 0 marks an empty slot.
class FlatHashSet {
 public:
  std::size_t size() const { return size_ + (zero_ ? 1 : 0); }

  void insert(std::uint64_t hash) {
    if (hash == 0) {
      zero_ = true;
      return;
    }
    std::size_t at = hash & mask_;
    while (slots_[at] != 0) {
      if (slots_[at] == hash) return;
      at = (at + 1) & mask_;
    }
    slots_[at] = hash;
    if (++size_ * 2 > slots_.size()) grow();
  }

 private:
  static constexpr std::size_t kFirstSlots = 1 << 12;

  void grow() {
    std::vector<std::uint64_t> old(slots_.size() * 2);
    old.swap(slots_);
    mask_ = slots_.size() - 1;
    for (const std::uint64_t hash : old) {
      if (hash == 0) continue;
      std::size_t at = hash & mask_;
      while (slots_[at] != 0) at = (at + 1) & mask_;
      slots_[at] = hash;
    }
  }

  std::vector<std::uint64_t> slots_ = std::vector<std::uint64_t>(kFirstSlots);
  std::size_t size_ = 0;
  std::size_t mask_ = kFirstSlots - 1;
  bool zero_ = false;
};

/// Counts the users of frames per minute.
class MinuteUsers {
 public:
  /// REQUIRES: `capacity` bytes are readable at `data`, at least SIMDJSON_PADDING more than `size`.
  void add(const char* data, std::size_t size, std::size_t capacity) {
    std::uint64_t ts = 0;
    std::string_view uid;
    if (!read(data, size, capacity, ts, uid)) {
      ++bad_;
      return;
    }
    const std::uint64_t minute = ts / 60;
    if (minute != last_minute_) {
      last_ = &minutes_[minute];
      last_minute_ = minute;
    }
    last_->insert(XXH3_64bits(uid.data(), uid.size()));
  }

  /// Writes a line of JSON per minute to standard output, and a summary to standard error.
  void print(std::uint64_t frames) const {
    for (const auto& [minute, users] : minutes_) {
      std::printf("{\"ts\":%llu,\"duration_s\":60,\"unique_users\":%zu}\n",
                  static_cast<unsigned long long>(minute * 60), users.size());
    }
    std::fprintf(stderr, "{\"frames\":%llu,\"bad\":%llu,\"simdjson\":\"%s\"}\n",
                 static_cast<unsigned long long>(frames), static_cast<unsigned long long>(bad_),
                 simdjson::get_active_implementation()->name().c_str());
  }

 private:
  bool read(const char* data, std::size_t size, std::size_t capacity, std::uint64_t& ts,
            std::string_view& uid) {
    simdjson::ondemand::document document;
    if (parser_.iterate(data, size, capacity).get(document)) return false;
    simdjson::ondemand::object root;
    if (document.get_object().get(root)) return false;
    bool has_ts = false, has_uid = false;
    for (auto each : root) {
      simdjson::ondemand::field field;
      if (std::move(each).get(field)) return false;
      const auto key = field.key();
      if (!has_ts && key == "ts") {
        simdjson::ondemand::value value = field.value();
        has_ts = !value.get_uint64().get(ts) || !value.get_uint64_in_string().get(ts);
        if (!has_ts) return false;
      } else if (!has_uid && key == "uid") {
        if (field.value().get_string().get(uid)) return false;
        has_uid = true;
      }
      if (has_ts && has_uid) return true;  // early exit: the rest is never looked at
    }
    return false;
  }

  simdjson::ondemand::parser parser_;
  std::map<std::uint64_t, FlatHashSet> minutes_;
  std::uint64_t last_minute_ = std::numeric_limits<std::uint64_t>::max();
  FlatHashSet* last_ = nullptr;
  std::uint64_t bad_ = 0;
};

}  // namespace millrace::benchmark
