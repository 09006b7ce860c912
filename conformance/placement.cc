// SPDX-License-Identifier: Apache-2.0
// PLACE: programs on several devices. Their answers, and where these lie, are judged with NUM_1; here is what is about placement alone.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>

#include "fixtures/property.h"

namespace aoti_cts {
namespace {

// A call that copies a tensor to another device, as torch.export writes it before and after decomposition.
bool IsCopy(const std::string& overload) { return overload.starts_with("aten.to.") || overload.starts_with("aten._to_copy."); }

void LookForCopies(Trial& t) {
  const std::vector<std::string>& operators = t.package().operators;
  t.Check(std::any_of(operators.begin(), operators.end(), IsCopy),
          fmt::format("the exported program copies nothing between devices: it calls {}", fmt::join(operators, ", ")));
  Model model = t.Load();
  t.JudgeCall(model, t.ExampleCall());
}

const Registered kCopies{{.requirement = "PLACE_1",
                          .sentence = "copies_between_devices_stay_in_the_program",
                          .on_cuda = true,
                          .by_export = true,
                          .targets = [](const Case& c) { return c.device == "hybrid" ? OncePerCase(c) : std::vector<const Call*>{}; },
                          .body = LookForCopies}};

}  // namespace
}  // namespace aoti_cts
