// SPDX-License-Identifier: Apache-2.0
// THR_6: programs that change buffers of their own. To add a property: one more Registered below.
#include <fmt/format.h>

#include <string>
#include <vector>

#include "fixtures/property.h"

namespace aoti_cts {
namespace {

const Targets kWithState = OnceWhereCell("step");

const Registered kGoesOn{
    {.requirement = "THR_6", .sentence = "each_call_goes_on_from_the_one_before", .on_cuda = true, .targets = kWithState, .body = [](Trial& t) {
       Model model = t.Load();
       for (const Call* step : t.program().CallsOfCell("step")) t.JudgeCall(model, *step, step->name);
     }}};

const Registered kOwnState{
    {.requirement = "THR_6", .sentence = "each_loader_has_state_of_its_own", .on_cuda = true, .targets = kWithState, .body = [](Trial& t) {
       Model first = t.Load();
       Model second = t.Load();
       for (const Call* step : t.program().CallsOfCell("step")) {
         t.JudgeCall(first, *step, "the first loader, " + step->name);
         t.JudgeCall(second, *step, "the second loader, " + step->name);
       }
     }}};

const Registered kRefusalKeeps{
    {.requirement = "THR_6", .sentence = "refused_call_leaves_state_alone", .on_cuda = true, .targets = kWithState, .body = [](Trial& t) {
       Model model = t.Load();
       for (const Call* step : t.program().CallsOfCell("step")) {
         t.JudgeCall(model, *step, step->name);
         const CallInputs inputs = t.Inputs(*step);
         std::vector<aoti_value> surplus = inputs.values();
         surplus.push_back(surplus.back());
         t.RequireRefusal(model.Run(surplus), fmt::format("a call with {} inputs instead of {}", surplus.size(), surplus.size() - 1));
       }
     }}};

// Nothing says whether the instances of one loader share their buffers; one thread that calls again and again may meet any of them.
void StepOverInstances(Trial& t) {
  constexpr int kRunners = 2;
  Model model = t.Load({.num_runners = kRunners});
  for (const Call* step : t.program().CallsOfCell("step")) {
    const CallInputs inputs = t.Inputs(*step);
    auto outputs = model.Run(inputs.values());
    if (!outputs) return t.Observe("refused", fmt::format("{}: {}", step->name, outputs.refusal().ToString()));
    const Comparison comparison = CompareOutputs(outputs->values(), t.golden(*step), t.latitude(), inputs.values());
    if (!comparison.equal) return t.Observe("silently_wrong", fmt::format("{}, {} runners: {}", step->name, kRunners, comparison.message));
  }
  t.Observe("correct", fmt::format("one thread, {} runners: each call goes on from the one before", kRunners));
}

const Registered kInstances{{.requirement = "THR_6",
                             .sentence = "state_over_two_runners",
                             .judged = false,
                             .on_cuda = true,
                             .targets = kWithState,
                             .body = StepOverInstances}};

}  // namespace
}  // namespace aoti_cts
