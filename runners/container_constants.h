// SPDX-License-Identifier: Apache-2.0
// Constants as torch::inductor::AOTIModelContainerRunner has them, for the runners that reach one. It knows constants by names of its own and can
// tell which fully qualified name each stands for.
#pragma once

#include <c10/core/ScalarType.h>
#include <torch/csrc/inductor/aoti_runner/model_container_runner.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "runners/answer.h"
#include "runners/aoti_runner.h"
#include "runners/libtorch.h"

namespace aoti_runners {

using Container = torch::inductor::AOTIModelContainerRunner;
using NamedTensors = std::unordered_map<std::string, at::Tensor>;

// Not every release of torch that the runners are built for has it.
template <typename Runner>
concept LoadsConstantsFromFile = requires(Runner& runner, const std::string& path) {
  runner.update_constant_buffer_from_blob(path);
};

inline const char* ConstantsFromFileState() { return LoadsConstantsFromFile<Container> ? "supported" : "unsupported"; }

// Where a runner's model has its container: each of them says so. What follows are operations of its table.
Container& ContainerOf(aoti_model* model);

inline aoti_status ListConstants(aoti_model* model, aoti_text_sink sink, aoti_error* error) {
  return Guarded(error, [&] {
    const Container& container = ContainerOf(model);
    nlohmann::json listed = nlohmann::json::array();
    const auto dtypes = container.getConstantNamesToDtypes();
    for (const auto& [name, fqn] : container.getConstantNamesToOriginalFQNs()) {
      nlohmann::json entry{{"name", fqn}, {"dtype", PyTorchName(static_cast<at::ScalarType>(dtypes.at(name)))}};
      if (name.starts_with("_FOLDED_CONST")) entry["folded"] = true;  // the class has no other word for it
      listed.push_back(std::move(entry));
    }
    WriteTo(sink, listed.dump());
  });
}

inline NamedTensors BorrowAll(const aoti_named_value* values, size_t count) {
  NamedTensors tensors;
  for (size_t i = 0; i < count; ++i) tensors[values[i].name] = Borrow(values[i].value);
  return tensors;
}

// The container's own names in the place of fully qualified ones; a name that it does not have goes to it as it is.
inline NamedTensors ByContainersNames(const Container& container, const NamedTensors& tensors) {
  NamedTensors renamed = tensors;
  for (const auto& [name, fqn] : container.getConstantNamesToOriginalFQNs()) {
    if (const auto found = tensors.find(fqn); found != tensors.end() && name != fqn) {
      renamed.erase(fqn);
      renamed[name] = found->second;
    }
  }
  return renamed;
}

inline aoti_status ExtractConstants(aoti_model* model, int32_t inactive, aoti_constants* constants, aoti_error* error) {
  return Guarded(error, [&] {
    auto holder = std::make_unique<ConstantsHolder>();
    for (const auto& [fqn, tensor] : ContainerOf(model).extract_constants_map(inactive != 0)) holder->Add(fqn, tensor);
    holder.release()->Give(constants);  // the caller's until ReleaseConstants()
  });
}

inline aoti_status SwapConstants(aoti_model* model, aoti_error* error) {
  return Guarded(error, [&] { ContainerOf(model).swap_constant_buffer(); });
}

inline aoti_status FreeInactiveConstants(aoti_model* model, aoti_error* error) {
  return Guarded(error, [&] { ContainerOf(model).free_inactive_constant_buffer(); });
}

inline aoti_status FoldConstants(aoti_model* model, int32_t inactive, aoti_error* error) {
  return Guarded(error, [&] { ContainerOf(model).run_const_fold(inactive != 0); });
}

template <typename Runner>
aoti_status LoadConstantsFromFileInto(Runner& container, const char* path, aoti_error* error) {
  if constexpr (LoadsConstantsFromFile<Runner>) {
    return Guarded(error, [&] { container.update_constant_buffer_from_blob(path); });
  } else {
    return Unsupported(error, "constants from a file");
  }
}

inline aoti_status LoadConstantsFromFile(aoti_model* model, const char* path, aoti_error* error) {
  return LoadConstantsFromFileInto(ContainerOf(model), path, error);
}

}  // namespace aoti_runners
