#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "millrace/framework/stream.h"
#include "millrace/operators/key_slots.h"
#include "millrace/operators/keyed.h"

/// The node behind aggregate, count and reduce. Users need operators/aggregate.h, not this.
namespace millrace::fold_detail {

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

/// Says once that records have no key.
void warn_of_missing_key(LogSink& log, const std::string& store);

/// The fused end of a chain that folds its values per key: `fold(std::optional<V>&, const T&)`.
///
/// Keys and values of a batch are kept until its end; then keys that are new since the last commit
/// are looked up together. What changed is written to the store once, before the commit.
template <class T, class K, class Fold, class Emission>
class KeyedFold {
 public:
  using V = typename Fold::template Value<T>;
  using Result = Keyed<K, V>;
  static constexpr std::string_view kName = "fold";

  KeyedFold(std::string store, Fold fold, EdgeId<Result> edge)
      : name_(std::move(store)), fold_(std::move(fold)), edge_(edge), output_(edge) {}
  KeyedFold(const KeyedFold& other) : KeyedFold(other.name_, other.fold_, other.edge_) {}
  KeyedFold(KeyedFold&&) noexcept = default;

  void open(TaskContext& context) {
    context_ = &context;
    store_ = &context.store(name_);
    output_.open(context);
  }
  template <class Value, class Next>
  void operator()(Value&& value, const RecordInfo& info, Next&&) {
    if (info.key.data() == nullptr) [[unlikely]] {
      if (!std::exchange(warned_, true)) warn_of_missing_key(context_->log(), name_);
      return;
    }
    values_.push_back(std::forward<Value>(value));
    infos_.push_back(info);
    slot_of_.push_back(slots_.find_or_add(kPrefix, info.key));
    if (values_.size() >= kMaxValues) fold_batch();
  }
  void end_batch() {
    fold_batch();
    output_.end_batch();
  }
  template <class Next>
  void on_watermark(std::int64_t watermark_ms, Next&& next) {
    output_.on_watermark(watermark_ms, next);
  }
  template <class Next>
  void before_commit(Next&&) {
    fold_batch();
    write_back();
    output_.end_batch();
  }
  void on_abort() {
    forget_batch();
    forget_keys();
    output_.on_abort();
  }

 private:
  /// Of keys in the store, which also holds what its task knows of time.
  static constexpr std::string_view kPrefix = "k";
  static constexpr std::size_t kMaxValues = 4096;
  static constexpr std::size_t kMaxKeys = 65'536;  ///< held between two commits
  static constexpr std::size_t kMaxKeyBytes = 8 * 1024 * 1024;

  struct State {
    std::optional<V> value;
    RecordInfo last;  ///< of the last record; without its key
    bool changed = false;
  };

  void fold_batch() {
    if (values_.empty()) return;
    states_.resize(slots_.size());
    slots_.look_up(*store_, [this](std::size_t slot, std::optional<std::string_view> bytes) {
      if (!bytes) return;
      ByteReader in(*bytes);
      states_[slot].value = Format<V>::read(in);
      MILLRACE_CHECK(in.done(), "a store holds what this program put there");
    });
    for (std::size_t i = 0; i < values_.size(); ++i) {
      State& state = states_[slot_of_[i]];
      context_->offset_under_work = infos_[i].offset;
      fold_(state.value, std::as_const(values_[i]));
      state.changed = true;
      if constexpr (Emission::kEachUpdate) {
        emit(slot_of_[i], infos_[i]);
      } else {
        state.last = infos_[i];
        state.last.key = {};
      }
      if constexpr (is_optional<V>)
        if (!*state.value) state.value.reset();
    }
    forget_batch();
    if (slots_.size() >= kMaxKeys || slots_.bytes() >= kMaxKeyBytes) write_back();
  }

  void write_back() {
    for (std::size_t slot = 0; slot < states_.size(); ++slot) {
      State& state = states_[slot];
      if (!state.changed) continue;
      if (state.value) {
        buffer_.clear();
        ByteWriter out(buffer_);
        Format<V>::write(*state.value, out);
        store_->put(slots_.store_key(slot), buffer_);
      } else {
        store_->erase(slots_.store_key(slot));
      }
      if constexpr (!Emission::kEachUpdate) {
        state.last.key = slots_.key(slot);
        emit(slot, state.last);
      }
    }
    if constexpr (!Emission::kEachUpdate) output_.end_batch();  // while their keys are there
    forget_keys();
  }

  void emit(std::size_t slot, const RecordInfo& info) {
    const std::optional<V>& value = states_[slot].value;
    if constexpr (is_optional<V>)
      output_(Result{decode_key<K>(slots_.key(slot)), value ? *value : V()}, info, nullptr);
    else
      output_(Result{decode_key<K>(slots_.key(slot)), *value}, info, nullptr);
  }

  void forget_batch() {
    values_.clear();
    infos_.clear();
    slot_of_.clear();
  }
  void forget_keys() {
    slots_.clear();
    states_.clear();
  }

  std::string name_;
  Fold fold_;
  EdgeId<Result> edge_;
  EmitTo<Result> output_;
  TaskContext* context_ = nullptr;
  KeyValueStore* store_ = nullptr;
  bool warned_ = false;

  std::vector<T> values_;
  std::vector<RecordInfo> infos_;
  std::vector<std::size_t> slot_of_;
  KeySlots slots_;
  std::vector<State> states_;  ///< by slot: since the last commit
  std::string buffer_;
};

}  // namespace millrace::fold_detail
