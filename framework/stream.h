#pragma once

#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "millrace/framework/fused_node.h"
#include "millrace/framework/graph.h"
#include "millrace/framework/stream_key.h"

namespace millrace {

/// Where a chain begins: a topic and its codec, a repartition topic, or an inner edge.
template <class Codec>
struct TopicHead {
  TopicName topic;
  Codec codec;

  template <class... Operators>
  NodeSpec close(std::tuple<Operators...> operators) && {
    NodeSpec node;
    node.name = "source " + topic.name;
    node.source = topic;
    node.operators = {"decode " + codec.describe()};
    node.source_recipe = [codec = std::move(codec),
                          operators = std::move(operators)](TaskContext&) {
      return std::make_unique<TopicNode<Codec, Operators...>>(codec, operators);
    };
    return node;
  }
};

template <class T>
struct RepartitionHead {
  TopicName topic;

  template <class... Operators>
  NodeSpec close(std::tuple<Operators...> operators) && {
    NodeSpec node;
    node.name = "repartition " + topic.name;
    node.source = topic;
    node.source_recipe = [operators = std::move(operators)](TaskContext&) {
      return std::make_unique<RepartitionNode<T, Operators...>>(operators);
    };
    return node;
  }
};

template <class T>
struct EdgeHead {
  EdgeId<T> edge;

  template <class... Operators>
  NodeSpec close(std::tuple<Operators...> operators) && {
    NodeSpec node;
    node.name = "edge " + std::to_string(edge.index);
    node.inputs = {edge.index};
    node.recipe = [edge = edge, operators = std::move(operators)](TaskContext&) {
      return std::make_unique<EdgeNode<T, Operators...>>(edge, operators);
    };
    return node;
  }
};

/// A head and the fused operators behind it.
template <class Head, class... Operators>
struct Chain {
  Head head;
  std::tuple<Operators...> operators;
};

namespace stream_detail {
/// An operator that changes the key says so: `template <class T> using Key = StreamKey<..., true>`.
template <class Key, class Operator, class T>
struct KeyBehind {
  using type = Key;
};
template <class Key, class Operator, class T>
requires requires { typename Operator::template Key<T>; }
struct KeyBehind<Key, Operator, T> {
  using type = typename Operator::template Key<T>;
};
}  // namespace stream_detail

/// At most so many operators are compiled into one loop; then an inner edge is put in (compile
/// time).
inline constexpr std::size_t kMaxFusedOperators = 16;

/// A stream of T under construction. Move-only: each `|` uses it up. Must end in a sink, else
/// build() fails. `Key` is a StreamKey.
template <class T, class ChainType, class Key = TopicKey>
class [[nodiscard("a stream must be piped on, down to a sink")]] Stream;

template <class T, class Head, class... Operators, class Key>
class [[nodiscard(
    "a stream must be piped on, down to a sink")]] Stream<T, Chain<Head, Operators...>, Key> {
 public:
  using value_type = T;
  using stream_key = Key;

  Stream(Graph & graph, Chain<Head, Operators...> chain, StreamTraits traits, std::string where)
      : graph_(&graph),
        chain_(std::move(chain)),
        traits_(traits),
        where_(where),
        end_(graph.open_end(std::move(where))) {}
  Stream(Stream &&) noexcept = default;
  Stream& operator=(Stream&&) = delete;

  Graph& graph() const { return *graph_; }
  const StreamTraits& traits() const { return traits_; }
  const std::string& where() const { return where_; }

  /// Appends a fused operator. Called by `|`.
  template <class Operator>
  auto append(Operator op)&& {
    if constexpr (sizeof...(Operators) >= kMaxFusedOperators) {
      return std::move(*this).cut().append(std::move(op));
    } else {
      using Out = typename Operator::template Output<T>::type;
      if constexpr (requires { op.annotate(traits_, *graph_); }) op.annotate(traits_, *graph_);
      graph_->close_end(end_);
      std::string where = "'" + describe_operator(op) + "'";
      return Stream<Out, Chain<Head, Operators..., Operator>,
                    typename stream_detail::KeyBehind<Key, Operator, T>::type>(
          *graph_,
          Chain<Head, Operators..., Operator>{
              std::move(chain_.head),
              std::tuple_cat(std::move(chain_.operators), std::tuple<Operator>(std::move(op)))},
          traits_, std::move(where));
    }
  }

  /// Ends the chain with `terminal` and returns the node it makes, for a graph operator to complete
  /// and add.
  template <class Terminal>
  NodeSpec close(Terminal terminal)&& {
    graph_->close_end(end_);
    auto lines = describe_operators(chain_.operators);
    auto tuning = tuning_of(chain_.operators);
    NodeSpec node = std::move(chain_.head)
                        .close(std::tuple_cat(std::move(chain_.operators),
                                              std::tuple<Terminal>(std::move(terminal))));
    node.operators.insert(node.operators.end(), lines.begin(), lines.end());
    node.tuning = std::move(tuning);
    return node;
  }

  /// Closes the chain into a node; the stream goes on behind an inner edge.
  auto cut()&& {
    const EdgeId<T> edge = graph_->template new_edge<T>();
    Graph& graph = *graph_;
    StreamTraits traits = traits_;
    traits.behind_edge = true;
    std::string where = where_;
    NodeSpec node = std::move(*this).close(EmitTo<T>(edge));
    node.outputs.push_back(edge.index);
    graph.add(std::move(node));
    return Stream<T, Chain<EdgeHead<T>>, Key>(graph, {EdgeHead<T>{edge}, {}}, traits,
                                              std::move(where));
  }

 private:
  Graph* graph_;
  Chain<Head, Operators...> chain_;
  StreamTraits traits_;
  std::string where_;
  int end_;
};

template <class T>
inline constexpr bool is_stream = false;
template <class T, class ChainType, class Key>
inline constexpr bool is_stream<Stream<T, ChainType, Key>> = true;

template <class T>
concept AnyStream = is_stream<std::remove_cvref_t<T>>;

/// Graph operators close the chain and return the next stream or streams: they have
/// `apply(Stream&&) &&`.
template <class Operator>
concept GraphOperator = requires {
  typename std::remove_cvref_t<Operator>::graph_operator;
};
/// Fused operators are appended to the chain.
template <class Operator>
concept FusedOperator = !GraphOperator<Operator> && requires {
  std::remove_cvref_t<Operator>::kName;
};

template <AnyStream S, class Operator>
requires std::is_rvalue_reference_v<S&&>
auto operator|(S&& stream, Operator op) {
  static_assert(GraphOperator<Operator> || FusedOperator<Operator>,
                "what stands right of | is no stream operator: use filter(f), map(f), ... or a "
                "class with kName, Output<T> "
                "and a call operator (value, info, next)");
  if constexpr (GraphOperator<Operator>)
    return std::move(op).apply(std::move(stream));
  else if constexpr (FusedOperator<Operator>)
    return std::move(stream).append(std::move(op));
}

/// A stream is used up by what it is piped into.
template <AnyStream S, class Operator>
requires std::is_lvalue_reference_v<S&&>
void operator|(S&&, Operator) {
  static_assert(format_detail::never<Operator>,
                "a stream is used up by |: write std::move(stream) | ..., or fork it first with "
                "split<N>() or branch(...)");
}

}  // namespace millrace
