// SPDX-License-Identifier: Apache-2.0
// The catalogue of requirements (conformance/requirements.json): what is promised, by whom, and how it is tried.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "fixtures/status.h"

namespace aoti_cts {

struct Requirement {
  std::string id;         // "DYN_1"
  std::string statement;  // the promise, in one sentence
  std::string source;     // who made it
  std::string since;      // first torch version it holds for; empty: all supported
  std::string positive;   // sentence of the property that a good runtime passes
  std::string negative;   // sentence of the property that tries what must not work, or the reason why there is none
};

struct Catalogue {
  std::vector<Requirement> requirements;
  const Requirement* Find(const std::string& id) const;
};

Expected<Catalogue> ReadCatalogue(const std::filesystem::path& file);

// "DYN" of "DYN_1".
std::string AreaOf(const std::string& requirement);

}  // namespace aoti_cts
