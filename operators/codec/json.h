#pragma once

#include <array>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "millrace/framework/codec.h"
#include "millrace/operators/codec/json_reader.h"
#include "millrace/operators/codec/json_writer.h"

namespace millrace {
namespace json_detail {

/// The last moment that both event times and ISO 8601 can write is before year 10000.
inline constexpr std::int64_t kEndOfTimeSeconds = 253'402'300'800;

template <class M>
inline constexpr bool kIsOptional = false;
template <class M>
inline constexpr bool kIsOptional<std::optional<M>> = true;

template <class M>
struct Bare {
  using type = M;
};
template <class M>
struct Bare<std::optional<M>> {
  using type = M;
};

template <class M>
inline constexpr bool kIsTime = std::same_as<M, std::chrono::sys_seconds> ||
                                std::same_as<M, std::chrono::sys_time<std::chrono::milliseconds>>;

/// Character types are left out: it would not be clear whether they mean a number or a text.
template <class M>
inline constexpr bool kIsInteger =
    std::integral<M> && !std::same_as<M, bool> && !std::same_as<M, char> &&
    !std::same_as<M, wchar_t> && !std::same_as<M, char8_t> && !std::same_as<M, char16_t> &&
    !std::same_as<M, char32_t>;

template <class M>
inline constexpr bool kIsText = std::same_as<M, std::string_view> || std::same_as<M, std::string>;

template <class M>
concept Bindable =
    kIsText<M> || kIsInteger<M> || kIsTime<M> || std::same_as<M, double> || std::same_as<M, bool>;

template <class Member>
JsonBinding binding(std::string name) {
  using M = typename Bare<Member>::type;
  JsonBinding binding{std::move(name), JsonKind::kString, kIsOptional<Member>, 0, 0};
  if constexpr (kIsInteger<M>) {
    binding.kind = JsonKind::kInteger;
    binding.minimum = static_cast<std::int64_t>(std::numeric_limits<M>::min());
    binding.maximum = static_cast<std::uint64_t>(std::numeric_limits<M>::max());
  } else if constexpr (kIsTime<M>) {
    binding.kind = JsonKind::kInteger;
    binding.maximum = static_cast<std::uint64_t>(
        typename M::duration{std::chrono::seconds{kEndOfTimeSeconds}}.count() - 1);
  } else if constexpr (std::same_as<M, double>) {
    binding.kind = JsonKind::kDouble;
  } else if constexpr (std::same_as<M, bool>) {
    binding.kind = JsonKind::kBool;
  }
  return binding;
}

template <class M>
void assign(const JsonValue& value, M& member) {
  if constexpr (kIsOptional<M>) {
    if (value.state == JsonValue::State::kPresent) {
      assign(value, member ? *member : member.emplace());
    } else {
      member.reset();
    }
  } else if constexpr (kIsText<M>) {
    member = value.text;
  } else if constexpr (kIsInteger<M>) {
    member = static_cast<M>(value.integer);
  } else if constexpr (kIsTime<M>) {
    member = M{typename M::duration{static_cast<std::int64_t>(value.integer)}};
  } else if constexpr (std::same_as<M, double>) {
    member = value.number;
  } else {
    member = value.boolean;
  }
}

template <class M>
void write(const std::string& name, const M& member, JsonWriter& writer) {
  if constexpr (kIsOptional<M>) {
    if (member) write(name, *member, writer);
  } else {
    writer.key(name);
    if constexpr (kIsText<M>) {
      writer.string(member);
    } else if constexpr (kIsInteger<M>) {
      writer.integer(member);
    } else if constexpr (kIsTime<M>) {
      writer.integer(member.time_since_epoch().count());
    } else if constexpr (std::same_as<M, double>) {
      writer.number(member);
    } else {
      writer.boolean(member);
    }
  }
}

}  // namespace json_detail

/// A root field of a JSON object and the member that takes its value. Made by field().
template <class Class, class Member>
struct JsonField {
  std::string name;
  Member Class::*member;
};

/// Binds the root field `name` to `member`: std::string_view, std::string, any integer, double,
/// bool, std::chrono::sys_seconds or sys_time<milliseconds> (Unix time as an integer, 1970 to
/// 9999), or a std::optional of these, which may be missing or null. Integers and times are read
/// from JSON numbers and from strings of digits alike.
template <class Class, class Member>
JsonField<Class, Member> field(std::string name, Member Class::*member) {
  static_assert(json_detail::Bindable<typename json_detail::Bare<Member>::type>,
                "a JSON field binds to a string, string_view, integer, double, bool, sys_seconds, "
                "sys_time<milliseconds>, or an optional of these");
  return {std::move(name), member};
}

/// Reads and writes T as a JSON object with the fields bound. Made by json(). Copies have their own
/// parser; one thread each.
///
/// What makes a record good is said at JsonReader. Decoded string_views live as long as the batch.
template <class T, class... Fields>
class JsonCodec {
 public:
  using value_type = T;

  explicit JsonCodec(Fields... fields)
      : JsonCodec(JsonReader::Check::kBoundFields, std::move(fields)...) {}

  /// Returns a copy that also refuses a record with an error anywhere else in it.
  JsonCodec strict() const {
    return std::apply(
        [](const Fields&... fields) {
          return JsonCodec{JsonReader::Check::kWholeDocument, fields...};
        },
        fields_);
  }

  DecodeOutcome decode(const RecordView& record, Arena& arena, T& value) {
    std::array<JsonValue, sizeof...(Fields)> found;
    const DecodeOutcome outcome = reader_.read(record, arena, found);
    if (outcome.ok()) assign(found, value, std::index_sequence_for<Fields...>{});
    return outcome;
  }

  /// Appends a compact object with the fields in the order of binding; empty optionals are left
  /// out.
  void encode(const T& value, std::string& out) const {
    JsonWriter writer{out};
    writer.begin_object();
    std::apply(
        [&](const Fields&... fields) {
          (json_detail::write(fields.name, value.*fields.member, writer), ...);
        },
        fields_);
    writer.end_object();
  }

  /// "json(ts, uid)", or "json(ts, uid).strict()".
  std::string describe() const {
    std::string text = "json(";
    for (const JsonBinding& binding : reader_.bindings()) {
      if (text.back() != '(') text += ", ";
      text += binding.name;
    }
    text += reader_.check() == JsonReader::Check::kWholeDocument ? ").strict()" : ")";
    return text;
  }

 private:
  JsonCodec(JsonReader::Check check, Fields... fields)
      : fields_(std::move(fields)...), reader_(bindings(fields_), check) {}

  static std::vector<JsonBinding> bindings(const std::tuple<Fields...>& all) {
    return std::apply(
        [](const auto&... fields) { return std::vector<JsonBinding>{binding(fields)...}; }, all);
  }
  template <class Class, class Member>
  static JsonBinding binding(const JsonField<Class, Member>& field) {
    return json_detail::binding<Member>(field.name);
  }
  template <std::size_t... I>
  void assign(const std::array<JsonValue, sizeof...(Fields)>& found, T& value,
              std::index_sequence<I...>) const {
    (json_detail::assign(found[I], value.*std::get<I>(fields_).member), ...);
  }

  std::tuple<Fields...> fields_;
  JsonReader reader_;
};

/// A codec for objects of the fields given, at most 64:
///
///     json<Frame>(field("ts", &Frame::ts), field("uid", &Frame::uid))
template <class T, class... Classes, class... Members>
requires(sizeof...(Classes) > 0 && sizeof...(Classes) <= 64 &&
         (std::derived_from<T, Classes> && ...))
    JsonCodec<T, JsonField<Classes, Members>...> json(JsonField<Classes, Members>... fields) {
  return JsonCodec<T, JsonField<Classes, Members>...>{std::move(fields)...};
}

}  // namespace millrace
