// SPDX-License-Identifier: Apache-2.0
// OPS: programs with operators that are not PyTorch's own. To add a property: one more Registered below.
#include <fmt/format.h>

#include <string>
#include <vector>

#include "fixtures/property.h"
#include "fixtures/sandbox.h"

namespace aoti_cts {
namespace {

// Here the body loads through the runner itself: Trial::Load() would bring the library of operators in.
Refusal RequireRefusedWithout(Trial& t) {
  auto model = t.runner().Load(t.package().path);
  if (!model) return t.RequireRefusal(std::move(model), "loading a package whose operators are not there");
  const CallInputs inputs = t.Inputs(t.ExampleCall());
  return t.RequireRefusal(model->Run(inputs.values()), "a call of a package whose operators are not there");
}

void LoadWithoutOperators(Trial& t) {
  const Refusal refusal = RequireRefusedWithout(t);
  const std::string words = refusal.text + "\n" + CapturedOutput();
  t.Check(words.find("aoti_cts") != std::string::npos, "the refusal does not name the operator that is missing: " + words);
  Model model = t.Load();
  t.JudgeCall(model, t.ExampleCall(), "the control, with the library of operators");
}

const Registered kWithout{{.requirement = "OPS_1",
                           .sentence = "package_without_its_operators_is_refused",
                           .capability = "custom_operators",
                           .targets = [](const Case& c) { return c.operators ? OncePerCase(c) : std::vector<const Call*>{}; },
                           .body = LoadWithoutOperators}};

}  // namespace
}  // namespace aoti_cts
