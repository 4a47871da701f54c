#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "millrace/framework/application.h"
#include "millrace/operators/keyed_reader.h"
#include "millrace/operators/window_stats.h"

namespace millrace {
namespace query_detail {

/// What can be asked for stores: an Application, or a TopologyTestDriver.
template <class Source>
concept HasStores = requires(const Source& source, std::string_view name) {
  { source.store(name) } -> std::same_as<Result<StoreView>>;
  { source.owners() } -> std::same_as<std::map<TaskId, TaskOwner>>;
};

/// The part that does not depend on types. Thread-safe.
class Lookup {
 public:
  struct Source {
    std::function<Result<StoreView>(std::string_view name)> store;
    std::function<std::map<TaskId, TaskOwner>()> owners;
  };
  Lookup(std::string store, Source source) : store_(std::move(store)), source_(std::move(source)) {}

  Result<StoreView> view() const { return source_.store(store_); }
  /// Calls `look` for the tasks of this instance that may have the key (null data: all), until it
  /// returns true. Then OK; else kElsewhere, kRetry where the key may be in a task that is not
  /// readable now, or OK.
  Status each_task(const StoreView& view, std::string_view record_key,
                   const std::function<bool(StoreSnapshot& snapshot)>& look) const;
  Result<TaskOwner> owner(std::string_view record_key) const;
  Result<std::vector<WindowStats>> windows(std::size_t limit) const;
  Status wrong_type() const;
  Status wrong_windows(bool windowed) const;
  Status damaged() const;

 private:
  Status elsewhere(const std::vector<TaskId>& tasks) const;

  std::string store_;
  Source source_;
};

}  // namespace query_detail

/// Looks into a store of a running application: what aggregate(), count(), reduce() or process()
/// keep per key. Made by query(). Copy freely; thread-safe; refers to the application.
///
/// Each call sees what one commit has left, never what is not committed, and never a part of a
/// commit. Two calls may see two commits. They cost the stream threads nothing, but for a store in
/// memory the time of a look-up at a commit.
///
/// Errors: kNotFound, there is no such store, the text names those that are; kInvalid, it keeps
/// other types, or has windows or not; kRetry, the key's task is being restored, or on its way to
/// another instance: ask again; kElsewhere, another instance has it, the text says which and where.
template <class K, class V>
class StoreQuery {
 public:
  using Key = std::conditional_t<std::same_as<K, std::string>, std::string_view, const K&>;

  explicit StoreQuery(query_detail::Lookup lookup) : lookup_(std::move(lookup)) {}

  /// The key's value; none: it has none. REQUIRES: a store without windows, else kInvalid.
  Result<std::optional<V>> get(Key key) const { return find(key, std::nullopt); }
  /// The key's value in this window. REQUIRES: a store with windows, else kInvalid.
  Result<std::optional<V>> get(Key key, const Window& window) const { return find(key, window); }

  /// Calls `visit(const K& key, const Window& window, const V& value)` for at most `limit` entries
  /// of this instance, per task in the order of the keys' bytes, of windows the latest first; none
  /// have a window of no length. `visit` must return soon and not query. kElsewhere never; kRetry:
  /// not all could be seen.
  template <class Visit>
  Status each(std::size_t limit, Visit visit) const {
    const auto view = lookup_.view();
    if (!view.ok()) return view.status();
    const Reader* const reader = reader_of(*view);
    if (reader == nullptr) return lookup_.wrong_type();
    Status damage;
    std::size_t left = limit;
    const Status read = lookup_.each_task(*view, {}, [&](StoreSnapshot& snapshot) {
      if (left > 0)
        reader->each(snapshot, std::nullopt, [&](const KeyedReader::Found& found) {
          const auto key = read_key(found.key);
          const auto value = Reader::template read<V>(found.value);
          if (key && value)
            visit(*key, found.window.window, *value);
          else
            damage = lookup_.damaged();
          return --left > 0;
        });
      return left == 0;
    });
    return damage.ok() ? read : damage;
  }

  /// Who has the key, of those that say so: empty texts are not known.
  Result<TaskOwner> owner(Key key) const {
    std::string bytes;
    encode_key(key, bytes);
    return lookup_.owner(bytes);
  }

 private:
  using Reader = KeyedReaderOf<K, V>;

  static const Reader* reader_of(const StoreView& view) {
    return dynamic_cast<const Reader*>(view.reader.get());
  }
  static std::optional<K> read_key(std::string_view bytes) {
    if constexpr (std::same_as<K, std::string>)
      return std::string(bytes);
    else
      return Reader::template read<K>(bytes);
  }

  Result<std::optional<V>> find(Key key, const std::optional<Window>& window) const {
    const auto view = lookup_.view();
    if (!view.ok()) return view.status();
    const Reader* const reader = reader_of(*view);
    if (reader == nullptr) return lookup_.wrong_type();
    if (reader->windowed() != window.has_value()) return lookup_.wrong_windows(reader->windowed());
    std::string bytes;
    encode_key(key, bytes);
    std::optional<V> value;
    Status damage;
    const Status read = lookup_.each_task(*view, bytes, [&](StoreSnapshot& snapshot) {
      bool there = false;
      const auto start_ms = window ? std::optional(window->start_ms) : std::nullopt;
      reader->find(snapshot, bytes, start_ms, [&](const KeyedReader::Found& found) {
        if (window && found.window.window != *window) return true;
        there = true;
        value = Reader::template read<V>(found.value);
        if (!value) damage = lookup_.damaged();
        return false;
      });
      return there;
    });
    if (!damage.ok()) return damage;
    if (!read.ok()) return read;
    return value;
  }

  query_detail::Lookup lookup_;
};

namespace query_detail {

/// `source` must outlive the look-up.
template <class Source>
Lookup lookup(const Source& source, std::string store) {
  static_assert(HasStores<Source>,
                "query(application, store): ask an Application or a TopologyTestDriver");
  return Lookup(std::move(store), {[&source](std::string_view name) { return source.store(name); },
                                   [&source] { return source.owners(); }});
}

}  // namespace query_detail

/// Looks into the store of an operator while its topology runs, from any thread: what Kafka Streams
/// calls interactive queries. K and V are those of the operator's results, Keyed<K, V> or
/// KeyedWindow<K, V>, or the types of the store of a processor that names them in `store_type`.
/// `source` is an Application, or a TopologyTestDriver, and must outlive the query.
///
///     const auto orders = query<std::string, std::int64_t>(application, "orders-per-customer");
///     const auto count = orders.get("ada");
///     if (count.ok() && *count) fmt::print("{}\n", **count);
template <class K, class V, class Source>
StoreQuery<K, V> query(Source&& source, std::string store) {
  static_assert(std::is_lvalue_reference_v<Source>,
                "query<K, V>(application, store): the query refers to the application, which must "
                "not be a temporary");
  return StoreQuery<K, V>(query_detail::lookup(source, std::move(store)));
}

/// The windows of a distinct_count that this instance has, those that start last first, of the same
/// start the shorter: at most `limit`. As committed, open ones too: `final` says what was emitted
/// so and has not changed since. With several shards the counts of `store` are parts;
/// `<store>-total` has the sums, as far as they were emitted. Errors as StoreQuery's, but for
/// kElsewhere.
template <class Source>
Result<std::vector<WindowStats>> query_windows(const Source& source, std::string store,
                                               std::size_t limit) {
  return query_detail::lookup(source, std::move(store)).windows(limit);
}

}  // namespace millrace
