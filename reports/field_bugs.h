// SPDX-License-Identifier: Apache-2.0
// Field bugs: defects that users of AOTInductor have reported, and what this run saw of each. They are data of the same form as the ledger of
// claims (conformance/field_bugs.json, read by ReadLedger): `claim` says what goes wrong, `where` is the report, `note` names the versions of
// torch it is about, `supports` the outcomes that show it, `untested` why it cannot be tried here.
#pragma once

#include <string>
#include <string_view>

#include "reports/ledger.h"

namespace aoti_cts {

// "seen", "seen in some tests", "not seen" or "not tried".
std::string_view SightingOf(ClaimTruth answer);

// The outcomes that would show a bug, in words: "fail or known issue".
std::string OutcomesThatShow(const LedgerEvidence& evidence);

// The torch of this run, as its provenance names it.
std::string TorchOf(const Run& run);

}  // namespace aoti_cts
