// SPDX-License-Identifier: Apache-2.0
// What documents claim of torch's Python side, of the compiler and of the C++ headers. The scripts of generators/claims try it while packages
// are built; a runner has no part in it. To add a claim: a script there. Where its requirement is a new one: its id below, and its row in
// requirements.json.
#include "fixtures/property.h"
#include "reports/ledger.h"

namespace aoti_cts {
namespace {

void ReportFinding(Trial& t) { t.Observe(t.finding().holds ? "true" : "false", t.finding().words); }

Property ClaimsOf(const std::string& requirement) {
  return {.requirement = requirement,
          .sentence = std::string(kClaimSentence),
          .judged = false,
          .targets =
              [requirement](const Case& c) { return c.requirement == requirement ? std::vector<const Call*>{nullptr} : std::vector<const Call*>{}; },
          .body = ReportFinding};
}

const Registered kExportedPrograms{ClaimsOf("EXP_1")};
const Registered kRefusals{ClaimsOf("EXP_2")};
const Registered kFakeTensors{ClaimsOf("EXP_4")};
const Registered kOptions{ClaimsOf("EXP_5")};
const Registered kJustInTime{ClaimsOf("EXP_6")};
const Registered kInterfaces{ClaimsOf("EXP_7")};
const Registered kLoading{ClaimsOf("LOAD_2")};
const Registered kNumbers{ClaimsOf("NUM_1")};
const Registered kBounds{ClaimsOf("DYN_2")};
const Registered kStaticSizes{ClaimsOf("DYN_3")};
const Registered kSharedDims{ClaimsOf("DYN_4")};
const Registered kRanges{ClaimsOf("DYN_8")};
const Registered kWeights{ClaimsOf("CONST_1")};
const Registered kCLayer{ClaimsOf("ABI_2")};
const Registered kOperators{ClaimsOf("OPS_1")};
const Registered kKernels{ClaimsOf("OPS_2")};
const Registered kVersions{ClaimsOf("VER_1")};
const Registered kPlacement{ClaimsOf("PLACE_1")};
const Registered kDevices{ClaimsOf("PLACE_2")};
const Registered kProfiles{ClaimsOf("PROF_1")};
const Registered kFirstCalls{ClaimsOf("PERF_1")};

}  // namespace
}  // namespace aoti_cts
