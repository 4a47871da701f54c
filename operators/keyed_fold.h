#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
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
#include "millrace/operators/keyed_windows.h"

/// The node behind aggregate, count and reduce. Users need operators/aggregate.h, not this.
namespace millrace::fold_detail {

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <class T>
struct Unwindowed {
  using type = T;
};
template <class T>
struct Unwindowed<Windowed<T>> {
  using type = T;
};

struct FoldOptions {
  std::string store;
  std::shared_ptr<const WindowPlan> plan;  ///< null: not windowed
  std::int64_t lateness_ms = 0;
};

/// Of keys in the store, which also holds what its task knows of time.
inline constexpr std::string_view kKeyPrefix = "k";

/// Says that records have no key, and where the first one is.
void warn_of_missing_key(const TaskContext& context, const RecordInfo& first,
                         const std::string& store);
std::unique_ptr<KeyedWindows> make_windows(const FoldOptions& options, bool emits_final,
                                           KeyedWindows::Sink sink);
/// Event time that has been reached by what is out of `windows`.
std::int64_t level_of(const KeyedWindows& windows, std::int64_t watermark_ms);

/// The fused end of a chain that folds its values per key, or per key and window:
/// `fold(std::optional<V>&, const T&)`.
///
/// Keys and values of a batch are kept until its end; then keys that are new since the last commit
/// are looked up together. What changed is written to the store once, before the commit.
template <class In, class K, class Fold, class Emission>
class KeyedFold {
 public:
  static constexpr bool kWindowed = is_windowed<In>;
  using T = typename Unwindowed<In>::type;
  using V = typename Fold::template Value<T>;
  using Result = std::conditional_t<kWindowed, KeyedWindow<K, V>, Keyed<K, V>>;
  static constexpr std::string_view kName = "fold";

  KeyedFold(FoldOptions options, Fold fold, EdgeId<Result> edge)
      : options_(std::move(options)), fold_(std::move(fold)), edge_(edge), output_(edge) {}
  KeyedFold(const KeyedFold& other) : KeyedFold(other.options_, other.fold_, other.edge_) {}
  KeyedFold(KeyedFold&&) noexcept = default;

  void open(TaskContext& context) {
    context_ = &context;
    store_ = &context.store(options_.store);
    output_.open(context);
    if constexpr (kWindowed) {
      windows_ = make_windows(options_, Emission::kOnClose,
                              [this](const KeyedWindows::Due& due) { emit_due(due); });
      windows_->open(context);
    }
  }
  template <class Value, class Next>
  void operator()(Value&& value, const RecordInfo& info, Next&&) {
    if (info.key.data() == nullptr) [[unlikely]] {
      if (!std::exchange(warned_, true)) warn_of_missing_key(*context_, info, options_.store);
      return;
    }
    if constexpr (kWindowed) {
      const auto index = static_cast<std::uint32_t>(values_.size());
      for (const KeyedWindows::Target& target : windows_->select(*value.assignment)) {
        const std::uint32_t slot = slots_.find_or_add(target.prefix, info.key);
        if (slot >= states_.size()) states_.resize(slot + 1);
        states_[slot].window = target.window;
        steps_.push_back({index, slot});
      }
      windows_->count();
      values_.push_back(std::forward<Value>(value).value);
    } else {
      values_.push_back(std::forward<Value>(value));
    }
    infos_.push_back(info);
    if (values_.size() >= kMaxValues) fold_batch();
  }
  void end_batch() {
    fold_batch();
    output_.end_batch();
  }
  template <class Next>
  void on_watermark(std::int64_t watermark_ms, Next&& next) {
    end_batch();
    if constexpr (kWindowed)
      watermark_ms_ = watermark_ms;  // told once the results that it lets out are
    else
      output_.on_watermark(watermark_ms, next);
  }
  template <class Next>
  void before_commit(Next&& next) {
    fold_batch();
    write_back();
    if constexpr (kWindowed) {
      windows_->flush();
      send_due();
      output_.on_watermark(level_of(*windows_, watermark_ms_), next);
    }
    output_.end_batch();
  }
  void on_commit() {
    if constexpr (kWindowed) windows_->committed();
  }
  void on_abort() {
    forget_batch();
    forget_keys();
    due_ = 0;
    due_keys_.reset();
    output_.on_abort();
    if constexpr (kWindowed) windows_->aborted();
  }

 private:
  static constexpr std::size_t kMaxValues = 4096;
  static constexpr std::size_t kMaxKeys = 65'536;  ///< held between two commits
  static constexpr std::size_t kMaxKeyBytes = 8 * 1024 * 1024;
  static constexpr std::size_t kDueTogether = 512;

  struct Step {
    std::uint32_t value;
    std::uint32_t slot;
  };
  struct State {
    std::optional<V> value;
    RecordInfo last;  ///< of the last record; without its key
    bool changed = false;
    Window window;               ///< of a windowed fold
    std::uint32_t revision = 0;  ///< of a windowed fold
  };

  void fold_batch() {
    if (values_.empty()) return;
    if constexpr (!kWindowed) find_slots();
    states_.resize(slots_.size());
    slots_.look_up(*store_, [this](std::size_t slot, std::optional<std::string_view> bytes) {
      if (bytes) read(states_[slot], *bytes);
    });
    for (const Step& step : steps_) {
      State& state = states_[step.slot];
      const RecordInfo& info = infos_[step.value];
      context_->offset_under_work = info.offset;
      fold_(state.value, std::as_const(values_[step.value]));
      state.changed = true;
      if constexpr (Emission::kEachUpdate) {
        emit(step.slot, info);
      } else if constexpr (!Emission::kOnClose) {
        state.last = info;
        state.last.key = {};
      }
      if constexpr (is_optional<V>)
        if (!*state.value) state.value.reset();
    }
    forget_batch();
    if (slots_.size() >= kMaxKeys || slots_.bytes() >= kMaxKeyBytes) write_back();
  }

  void find_slots() {
    constexpr std::size_t kAhead = 16;  // about what a processor fetches from memory at once
    for (std::uint32_t i = 0; i < infos_.size(); ++i) {
      if (i + kAhead < infos_.size()) slots_.expect(kKeyPrefix, infos_[i + kAhead].key);
      steps_.push_back({i, slots_.find_or_add(kKeyPrefix, infos_[i].key)});
    }
  }

  void read(State& state, std::string_view bytes) {
    ByteReader in(bytes);
    if constexpr (kWindowed) state.revision = KeyedWindows::read_head(in).revision;
    state.value = Format<V>::read(in);
    MILLRACE_CHECK(in.done(), "a store holds what this program put there");
  }

  void write_back() {
    constexpr bool kEmits = !Emission::kEachUpdate && !Emission::kOnClose;
    for (std::size_t slot = 0; slot < states_.size(); ++slot) {
      State& state = states_[slot];
      if (!state.changed) continue;
      if (state.value) {
        std::string& bytes = puts_.add(slots_.store_key(slot));
        if constexpr (kWindowed)
          KeyedWindows::append_head({Emission::kOnClose, state.revision}, bytes);
        ByteWriter out(bytes);
        Format<V>::write(*state.value, out);
        if (puts_.full()) puts_.write(*store_);
      } else {
        store_->erase(slots_.store_key(slot));
      }
      if constexpr (kEmits) {
        state.last.key = slots_.key(slot);
        emit(slot, state.last);
      }
    }
    puts_.write(*store_);
    if constexpr (kEmits) output_.end_batch();  // while their keys are there
    forget_keys();
  }

  void emit(std::size_t slot, RecordInfo info) {
    const State& state = states_[slot];
    Result result{};
    result.key = decode_key<K>(slots_.key(slot));
    if (!is_optional<V> || state.value) result.value = *state.value;
    if constexpr (kWindowed) {
      result.start_ms = state.window.start_ms;
      result.end_ms = state.window.end_ms;
      info.watermark_ms = kNoTime;
    }
    output_(std::move(result), info, nullptr);
  }

  // --- on close

  void emit_due(const KeyedWindows::Due& due) {
    ByteReader in(due.value);
    Result result{};
    result.key = decode_key<K>(due.key);
    result.value = Format<V>::read(in);
    if constexpr (kWindowed) {
      result.start_ms = due.window.start_ms;
      result.end_ms = due.window.end_ms;
      result.final = true;
      result.revision = due.revision;
    }
    RecordInfo info;
    info.event_time_ms = due.window.start_ms;
    info.key = due_keys_.copy(due.key);
    output_(std::move(result), info, nullptr);
    if (++due_ == kDueTogether) send_due();
  }
  void send_due() {
    output_.end_batch();
    due_ = 0;
    due_keys_.reset();
  }

  void forget_batch() {
    values_.clear();
    infos_.clear();
    steps_.clear();
  }
  void forget_keys() {
    puts_.clear();
    slots_.clear();
    states_.clear();
  }

  FoldOptions options_;
  Fold fold_;
  EdgeId<Result> edge_;
  EmitTo<Result> output_;
  TaskContext* context_ = nullptr;
  KeyValueStore* store_ = nullptr;
  bool warned_ = false;

  std::vector<T> values_;
  std::vector<RecordInfo> infos_;
  std::vector<Step> steps_;
  KeySlots slots_;
  std::vector<State> states_;  ///< by slot: since the last commit
  PutBatch puts_;

  std::unique_ptr<KeyedWindows> windows_;
  std::int64_t watermark_ms_ = kNoTime;
  std::size_t due_ = 0;
  Arena due_keys_;
};

}  // namespace millrace::fold_detail
