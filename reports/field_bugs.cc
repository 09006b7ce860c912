// SPDX-License-Identifier: Apache-2.0
#include "reports/field_bugs.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "reports/tally.h"

namespace aoti_cts {

std::string_view SightingOf(ClaimTruth answer) {
  switch (answer) {
    case ClaimTruth::kTrue:
      return "seen";
    case ClaimTruth::kDepends:
      return "seen in some tests";
    case ClaimTruth::kFalse:
      return "not seen";
    case ClaimTruth::kUntested:
      break;
  }
  return "not tried";
}

std::string OutcomesThatShow(const LedgerEvidence& evidence) {
  std::vector<std::string> words;
  words.reserve(evidence.supports.size());
  for (const std::string& outcome : evidence.supports) {
    std::string spaced = outcome;
    std::replace(spaced.begin(), spaced.end(), '_', ' ');
    words.push_back(std::move(spaced));
  }
  return fmt::format("{}", fmt::join(words, " or "));
}

std::string TorchOf(const Run& run) {
  return run.provenance.contains("torch") ? "torch " + ValueText(run.provenance.at("torch")) : "an unknown torch";
}

}  // namespace aoti_cts
