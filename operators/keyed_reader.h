#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "millrace/framework/store_reader.h"
#include "millrace/framework/stream_key.h"
#include "millrace/operators/key_text.h"
#include "millrace/operators/value_json.h"
#include "millrace/operators/windows.h"

namespace millrace {

/// Reads a store that has one value per key, or per key and window: those of aggregate(), count(),
/// reduce() and process(). Thread-safe.
class KeyedReader : public StoreReader {
 public:
  /// Keys stand behind `prefix`; with a plan, which is not null then, as KeyedWindows puts them.
  KeyedReader(std::string store, char prefix, std::shared_ptr<const WindowPlan> plan)
      : store_(std::move(store)), prefix_(prefix), plan_(std::move(plan)) {}

  std::string_view kind() const override { return "keyed"; }
  Result<std::optional<std::string>> partition_key(std::string_view key) const override;
  Status answer(const StoreQuestion& question, std::int32_t partition, StoreSnapshot& snapshot,
                StoreAnswer& answer) const override;

  bool windowed() const { return plan_ != nullptr; }
  const std::string& store() const { return store_; }
  /// Views live for the call that visits it.
  struct Found {
    std::string_view key;  ///< the record's
    AssignedWindow window;
    std::string_view value;
  };
  /// Returns false to stop; windows of several definitions: to stop with this one.
  using Visit = std::function<bool(const Found&)>;
  /// The entries of a record key; with `start_ms` those whose window begins then.
  void find(StoreSnapshot& snapshot, std::string_view key, std::optional<std::int64_t> start_ms,
            const Visit& visit) const;
  /// All entries; without windows ascending by the key's bytes, else the latest windows first.
  void each(StoreSnapshot& snapshot, std::optional<std::int64_t> start_ms,
            const Visit& visit) const;

  /// So many windows are looked at for a key that is asked for without one.
  static constexpr std::size_t kMostWindows = 10'000;

 protected:
  /// None: no key of this type.
  virtual std::optional<std::string> key_of(std::string_view text) const = 0;
  virtual bool has_key_text() const = 0;
  virtual void write_key(std::string_view bytes, JsonWriter& json) const = 0;
  virtual void write_value(std::string_view bytes, JsonWriter& json) const = 0;

 private:
  std::string json(const Found& found) const;

  const std::string store_;
  const char prefix_;
  const std::shared_ptr<const WindowPlan> plan_;
};

/// The same with its types.
template <class K, class V>
class KeyedReaderOf final : public KeyedReader {
 public:
  using KeyedReader::KeyedReader;

  /// None: the bytes are of another type.
  template <class T>
  static std::optional<T> read(std::string_view bytes) {
    ByteReader in(bytes);
    T value = Format<T>::read(in);
    return in.done() ? std::optional<T>(std::move(value)) : std::nullopt;
  }

 private:
  std::optional<std::string> key_of(std::string_view text) const override {
    if constexpr (kHasKeyText<K>) {
      const std::optional<K> key = key_from_text<K>(text);
      if (!key) return std::nullopt;
      std::string bytes;
      encode_key(*key, bytes);
      return bytes;
    } else {
      return std::nullopt;
    }
  }
  bool has_key_text() const override { return kHasKeyText<K>; }
  void write_key(std::string_view bytes, JsonWriter& json) const override {
    if constexpr (std::same_as<K, std::string>)
      json.string(bytes);
    else
      write<K>(bytes, json);
  }
  void write_value(std::string_view bytes, JsonWriter& json) const override {
    write<V>(bytes, json);
  }
  template <class T>
  static void write(std::string_view bytes, JsonWriter& json) {
    if (const auto value = read<T>(bytes))
      write_value_json(*value, json);
    else
      json.string(to_base64(bytes));
  }
};

}  // namespace millrace
