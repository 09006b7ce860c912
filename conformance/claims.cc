// SPDX-License-Identifier: Apache-2.0
// What documents claim of torch's Python side, of the compiler and of the C++ headers. The scripts of generators/claims try it while packages
// are built; a runner has no part in it. To add a claim: a script there. Where its requirement is a new one: its id below, and its row in
// requirements.json.
#include "fixtures/property.h"

namespace aoti_cts {
namespace {

void ReportFinding(Trial& t) { t.Observe(t.finding().holds ? "true" : "false", t.finding().words); }

Property ClaimsOf(const std::string& requirement) {
  return {.requirement = requirement,
          .sentence = "what_a_document_claims",
          .judged = false,
          .targets =
              [requirement](const Case& c) { return c.requirement == requirement ? std::vector<const Call*>{nullptr} : std::vector<const Call*>{}; },
          .body = ReportFinding};
}

const Registered kDiagnostics{ClaimsOf("EXP_2")};
const Registered kOptions{ClaimsOf("EXP_5")};
const Registered kInterfaces{ClaimsOf("EXP_7")};

}  // namespace
}  // namespace aoti_cts
