#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "millrace/framework/stream_key.h"
#include "millrace/framework/task_state.h"

namespace millrace {

/// A store seen as a map from K to V: a view of one, to copy freely. Both need a Format. Reads see
/// writes at once; an abort takes writes back. One thread.
template <class K, class V>
class TypedStore {
 public:
  using key_type = K;
  using value_type = V;
  using Key = std::conditional_t<std::same_as<K, std::string>, std::string_view, const K&>;

  TypedStore() = default;
  /// Its keys begin with `prefix` in `store`, which must outlive this.
  TypedStore(KeyValueStore& store, char prefix) : store_(&store), prefix_(prefix) {}

  std::optional<V> get(Key key) {
    const auto bytes = store_->get(name(key));
    if (!bytes) return std::nullopt;
    return value_of(*bytes);
  }
  void put(Key key, const V& value) {
    value_.clear();
    ByteWriter out(value_);
    Format<V>::write(value, out);
    store_->put(name(key), value_);
  }
  void erase(Key key) { store_->erase(name(key)); }
  /// Calls `visit(const K&, const V&)` for all, in the order of the keys' bytes. `visit` must not
  /// write to the store.
  template <class Visit>
  void each(Visit visit) {
    store_->scan(std::string_view(&prefix_, 1), [&](std::string_view key, std::string_view bytes) {
      visit(decode_key<K>(key.substr(1)), value_of(bytes));
    });
  }

 private:
  const std::string& name(Key key) {
    name_.assign(1, prefix_);
    encode_key(key, name_);
    return name_;
  }
  static V value_of(std::string_view bytes) {
    ByteReader in(bytes);
    V value = Format<V>::read(in);
    MILLRACE_CHECK(in.done(), "a store holds what this program put there");
    return value;
  }

  KeyValueStore* store_ = nullptr;
  char prefix_ = 0;
  std::string name_;
  std::string value_;
};

}  // namespace millrace
