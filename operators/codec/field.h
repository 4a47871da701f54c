#pragma once

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "millrace/operators/codec/field_value.h"

namespace millrace {
namespace field_detail {

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
FieldBinding binding(std::string name) {
  using M = typename Bare<Member>::type;
  FieldBinding binding{std::move(name), FieldKind::kString, kIsOptional<Member>, 0, 0};
  if constexpr (kIsInteger<M>) {
    binding.kind = FieldKind::kInteger;
    binding.minimum = static_cast<std::int64_t>(std::numeric_limits<M>::min());
    binding.maximum = static_cast<std::uint64_t>(std::numeric_limits<M>::max());
  } else if constexpr (kIsTime<M>) {
    binding.kind = FieldKind::kInteger;
    binding.maximum = static_cast<std::uint64_t>(
        typename M::duration{std::chrono::seconds{kEndOfTimeSeconds}}.count() - 1);
  } else if constexpr (std::same_as<M, double>) {
    binding.kind = FieldKind::kDouble;
  } else if constexpr (std::same_as<M, bool>) {
    binding.kind = FieldKind::kBool;
  }
  return binding;
}

template <class M>
void assign(const FieldValue& value, M& member) {
  if constexpr (kIsOptional<M>) {
    if (value.state == FieldValue::State::kPresent) {
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
bool is_present(const M& member) {
  if constexpr (kIsOptional<M>) {
    return member.has_value();
  } else {
    return true;
  }
}

/// REQUIRES: is_present(member).
template <class M, class Writer>
void write(const M& member, Writer& writer) {
  if constexpr (kIsOptional<M>) {
    write(*member, writer);
  } else if constexpr (kIsText<M>) {
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

}  // namespace field_detail

/// A field of a record and the member that takes its value. Made by field().
template <class Class, class Member>
struct BoundField {
  std::string name;
  Member Class::*member;
};

/// Binds the field `name` to `member`: std::string_view, std::string, any integer, double, bool,
/// std::chrono::sys_seconds or sys_time<milliseconds> (Unix time as an integer, 1970 to 9999), or a
/// std::optional of these, which may be missing or null. For json(), csv() and msgpack() alike.
///
/// Integers and times are read from numbers and from text that is a number alike: "ts":"60".
template <class Class, class Member>
BoundField<Class, Member> field(std::string name, Member Class::*member) {
  static_assert(field_detail::Bindable<typename field_detail::Bare<Member>::type>,
                "a field binds to a string, string_view, integer, double, bool, sys_seconds, "
                "sys_time<milliseconds>, or an optional of these");
  return {std::move(name), member};
}

/// The bound fields of one codec, in the order of binding.
template <class... Fields>
class FieldSet {
 public:
  static constexpr std::size_t kSize = sizeof...(Fields);
  /// What a reader fills, one for each field.
  using Values = std::array<FieldValue, kSize>;

  explicit FieldSet(Fields... fields) : fields_(std::move(fields)...) {}

  std::vector<FieldBinding> bindings() const {
    return std::apply(
        [](const Fields&... fields) { return std::vector<FieldBinding>{binding(fields)...}; },
        fields_);
  }
  /// Gives the members of `value` what was found.
  template <class T>
  void assign(const Values& found, T& value) const {
    assign(found, value, std::index_sequence_for<Fields...>{});
  }
  /// Calls `write_field(name, member)` for each field.
  template <class T, class WriteField>
  void for_each(const T& value, WriteField&& write_field) const {
    std::apply(
        [&](const Fields&... fields) { (write_field(fields.name, value.*fields.member), ...); },
        fields_);
  }
  /// Calls `use_member(member)` for the field at `index`.
  template <class T, class UseMember>
  void visit(std::size_t index, const T& value, UseMember&& use_member) const {
    visit(index, value, use_member, std::index_sequence_for<Fields...>{});
  }

 private:
  template <class Class, class Member>
  static FieldBinding binding(const BoundField<Class, Member>& field) {
    return field_detail::binding<Member>(field.name);
  }
  template <class T, std::size_t... I>
  void assign(const Values& found, T& value, std::index_sequence<I...>) const {
    (field_detail::assign(found[I], value.*std::get<I>(fields_).member), ...);
  }
  template <class T, class UseMember, std::size_t... I>
  void visit(std::size_t index, const T& value, UseMember& use_member,
             std::index_sequence<I...>) const {
    ((I == index ? use_member(value.*std::get<I>(fields_).member) : void()), ...);
  }

  std::tuple<Fields...> fields_;
};

/// "json(ts, uid)", or "json(ts, uid).strict()": a codec's name and what it binds.
inline std::string describe_fields(std::string_view codec, std::span<const FieldBinding> bindings,
                                   Strictness strictness) {
  std::string text{codec};
  text += '(';
  for (const FieldBinding& binding : bindings) {
    if (text.back() != '(') text += ", ";
    text += binding.name;
  }
  text += strictness == Strictness::kWholeRecord ? ").strict()" : ")";
  return text;
}

/// Refuses with a sentence what json(), csv() and msgpack() cannot bind.
template <class T, class... Classes>
constexpr void check_fields() {
  static_assert(sizeof...(Classes) > 0 && sizeof...(Classes) <= 64,
                "a codec binds from 1 to 64 fields");
  static_assert((std::derived_from<T, Classes> && ...),
                "each field of a codec is a member of its type");
}

}  // namespace millrace
