// SPDX-License-Identifier: Apache-2.0
// Holds a runtime to the promises of conformance/constants_model.h: runs a sequence of steps on real loaders and compares what comes of each.
#pragma once

#include <functional>
#include <string>

#include "conformance/constants_model.h"
#include "fixtures/trial.h"

namespace aoti_cts {

// What the promises depend on, of this test's case and runner.
ConstantsTraits TraitsOf(Trial& t);

// The call whose reference is that of these weights.
const Call& CallWith(const Case& c, const WeightSets& sets);

// Runs `body` in a child of this test's process and gives its complaint, empty for none; a crash, a hang or an exit is a complaint too. This process
// must have loaded and run nothing.
std::string InAChild(const std::function<std::string()>& body);

// Runs the sequence on fresh loaders. Empty: every step came out as promised; else the first that did not, and how.
std::string Complaint(Trial& t, const ConstantsTraits& traits, const Sequence& sequence);

// The same in a child; a sequence that fails is made short first. Fails the test with the shortest and what is wrong with it.
void JudgeSequence(Trial& t, const ConstantsTraits& traits, const Sequence& sequence, const std::string& origin);

}  // namespace aoti_cts
