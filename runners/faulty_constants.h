// SPDX-License-Identifier: Apache-2.0
// What the runner `faulty` does to updates of constants: reads what another runner holds, and makes updates of it that it should not make.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "runners/aoti_runner.h"
#include "runners/faulty_outputs.h"

namespace aoti_runners {

// Constants that this runner has copied.
struct OwnedConstants {
  std::vector<std::string> names;
  std::unique_ptr<OwnedOutputs> values;

  std::vector<aoti_named_value> Views() const {
    std::vector<aoti_named_value> views;
    for (size_t i = 0; i < names.size(); ++i) views.push_back({names[i].c_str(), values->values[i]});
    return views;
  }
  // The same with every byte 0, of those that `without` does not name.
  std::vector<aoti_named_value> Zeroed(const std::set<std::string>& without) {
    std::vector<aoti_named_value> views;
    for (size_t i = 0; i < names.size(); ++i) {
      if (without.contains(names[i])) continue;
      std::fill(values->data[i].begin(), values->data[i].end(), '\0');
      views.push_back({names[i].c_str(), values->values[i]});
    }
    return views;
  }
};

// `copy_of` makes the copies of their values.
inline OwnedConstants CopyOfConstants(const aoti_constants& constants, std::unique_ptr<OwnedOutputs> (*copy_of)(const aoti_outputs&)) {
  OwnedConstants copy;
  std::vector<aoti_value> values;
  for (size_t i = 0; i < constants.count; ++i) {
    copy.names.emplace_back(constants.values[i].name);
    values.push_back(constants.values[i].value);
  }
  copy.values = copy_of({values.data(), values.size(), nullptr});
  return copy;
}

inline OwnedConstants ConstantsHeldBy(const aoti_runner_api& api, aoti_model* model, bool inactive) {
  aoti_constants held{};
  const auto error = std::make_unique<aoti_error>();
  if (api.extract_constants(model, inactive ? 1 : 0, &held, error.get()) != AOTI_OK) return {.names = {}, .values = std::make_unique<OwnedOutputs>()};
  OwnedConstants copy = CopyOfConstants(held, CopyOf);
  api.release_constants(&held);
  return copy;
}

inline std::set<std::string> NamesOf(const aoti_named_value* values, size_t count) {
  std::set<std::string> names;
  for (size_t i = 0; i < count; ++i) names.insert(values[i].name);
  return names;
}

}  // namespace aoti_runners
