// SPDX-License-Identifier: Apache-2.0
// aoti_cts_operators.so: custom operators as a user's library has them, one per kind of schema. The generators load it before they export a
// program that uses it, a test before it loads the package. To add an operator: its schema, its function and its shape function below.
#include <ATen/ATen.h>
#include <torch/library.h>

#include <string_view>
#include <tuple>
#include <vector>

namespace {

using at::Tensor;

Tensor Scale(const Tensor& x, double by) { return x * by; }

std::tuple<Tensor, Tensor> SumAndMax(const Tensor& x, int64_t dim) { return {x.sum(dim), x.amax(dim)}; }

std::vector<Tensor> Pieces(const Tensor& x, at::IntArrayRef sizes) {
  std::vector<Tensor> pieces;
  for (const Tensor& piece : x.split_with_sizes(sizes, 0)) pieces.push_back(piece.clone());
  return pieces;
}

// `mode` is "sum" or "mean".
Tensor Together(at::TensorList xs, const std::optional<Tensor>& bias, std::string_view mode, bool negate) {
  TORCH_CHECK(!xs.empty(), "together: there is no tensor");
  TORCH_CHECK(mode == "sum" || mode == "mean", "together: mode is \"", mode, "\", known are sum and mean");
  Tensor result = xs[0].clone();
  for (size_t i = 1; i < xs.size(); ++i) result = result + xs[i];
  if (mode == "mean") result = result / static_cast<double>(xs.size());
  if (bias) result = result + *bias;
  return negate ? -result : result;
}

// Refuses its data: what the host of a package sees of an operator that throws.
Tensor OnlyPositive(const Tensor& x) {
  TORCH_CHECK((x > 0).all().item<bool>(), "only_positive: there is an element that is not above zero");
  return x.clone();
}

Tensor ShapeOfOnlyPositive(const Tensor& x) { return at::empty_like(x); }

TORCH_LIBRARY(aoti_cts, library) {
  library.def("scale(Tensor x, float by) -> Tensor");
  library.def("sum_and_max(Tensor x, int dim) -> (Tensor, Tensor)");
  library.def("pieces(Tensor x, int[] sizes) -> Tensor[]");
  library.def("together(Tensor[] xs, Tensor? bias, str mode, bool negate) -> Tensor");
  library.def("only_positive(Tensor x) -> Tensor");
}

TORCH_LIBRARY_IMPL(aoti_cts, CPU, library) {
  library.impl("scale", Scale);
  library.impl("sum_and_max", SumAndMax);
  library.impl("pieces", Pieces);
  library.impl("together", Together);
  library.impl("only_positive", OnlyPositive);
}

// Shapes, for export: the same code on tensors without data, but where it looks at values.
TORCH_LIBRARY_IMPL(aoti_cts, Meta, library) {
  library.impl("scale", Scale);
  library.impl("sum_and_max", SumAndMax);
  library.impl("pieces", Pieces);
  library.impl("together", Together);
  library.impl("only_positive", ShapeOfOnlyPositive);
}

}  // namespace
