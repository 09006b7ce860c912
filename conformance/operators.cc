// SPDX-License-Identifier: Apache-2.0
// OPS: programs with operators that are not PyTorch's own. To add a property: one more Registered below.
#include <fmt/format.h>

#include <algorithm>
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

// --- OPS_2: kernels of a GPU --------------------------------------------------------------------------------------------

// What the library names it loads at run time: it must lie in the package, for the folder in which it was compiled is not there then.
void LookForKernels(Trial& t) {
  const std::vector<std::string>& held = t.package().kernels_held;
  for (const std::string& named : t.package().kernels_named)
    t.Check(std::find(held.begin(), held.end(), named) != held.end(), fmt::format("the library names {}, which is not in the package", named));
  t.Check(held.empty() || !t.package().kernels_named.empty(), "the package holds kernels that its library does not name");
}

const Registered kKernelsHeld{{.requirement = "OPS_2",
                               .sentence = "package_holds_every_kernel_that_its_library_names",
                               .cross_compiled = true,
                               .targets = OncePerCase,
                               .body = LookForKernels}};

const Registered kKernelsLie{{.requirement = "OPS_2",
                              .sentence = "where_the_kernels_of_a_package_lie",
                              .judged = false,
                              .cross_compiled = true,
                              .targets = OncePerCase,
                              .body = [](Trial& t) {
                                const size_t files = t.package().kernels_held.size();
                                t.Observe(files > 0 ? "beside_the_library" : "in_the_library",
                                          files > 0 ? fmt::format("{} files with kernels lie beside the library", files)
                                                    : "no file with kernels lies beside it");
                              }}};

}  // namespace
}  // namespace aoti_cts
