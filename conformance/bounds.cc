// SPDX-License-Identifier: Apache-2.0
// DYN, ERR: sizes inside the exported range work, sizes outside it are refused where input checks are on, and what happens where they are off
// is recorded. To add a property: one more Registered below.
#include <fmt/format.h>

#include "fixtures/property.h"
#include "fixtures/sandbox.h"

namespace aoti_cts {
namespace {

const std::vector<std::string> kInside{"min", "min_plus_1", "mid", "max"};
const std::vector<std::string> kOutside{"below_min", "above_max"};

void RunCall(Trial& t) {
  Model model = t.Load();
  t.JudgeCall(model, t.call());
}

const Registered kInsideGolden{
    {.requirement = "DYN_8", .sentence = "size_inside_the_range_is_golden", .targets = CallsInCells(kInside), .body = RunCall}};

const Registered kInsideAccepted{{.requirement = "DYN_8",
                                  .sentence = "size_inside_the_range_is_accepted_by_checks",
                                  .check_inputs = true,
                                  .targets = CallsInCells(kInside),
                                  .body = RunCall}};

// The positive control of a negative test: the same model answers the example call, so that a refusal is about the call alone.
void RequireControl(Trial& t, Model& model) { t.JudgeCall(model, t.ExampleCall(), "the control, a call inside the contract"); }

Refusal RequireRefusedCall(Trial& t, Model& model) {
  const CallInputs inputs = t.Inputs(t.call());
  return t.RequireRefusal(model.Run(inputs.values()), fmt::format("a call with {}", ToString(t.call().shapes[t.call().violates->input])));
}

void RefuseCall(Trial& t) {
  Model model = t.Load();
  RequireControl(t, model);
  const Refusal refusal = RequireRefusedCall(t, model);
  t.Check(!refusal.text.empty() || !CapturedOutput().empty(), "the refusal carries no text");
}

const Registered kOutsideRefused{{.requirement = "DYN_1",
                                  .sentence = "size_outside_the_range_is_refused",
                                  .check_inputs = true,
                                  .targets = CallsInCells(kOutside),
                                  .body = RefuseCall}};
const Registered kStaticRefused{{.requirement = "DYN_3",
                                 .sentence = "wrong_static_size_is_refused",
                                 .check_inputs = true,
                                 .targets = CallsInCells({"static"}),
                                 .body = RefuseCall}};
const Registered kUnequalRefused{{.requirement = "DYN_4",
                                  .sentence = "unequal_sizes_are_refused",
                                  .check_inputs = true,
                                  .targets = CallsInCells({"unequal"}),
                                  .body = RefuseCall}};

bool ContainsAny(const std::string& text, std::initializer_list<std::string> words) {
  for (const std::string& word : words) {
    if (text.find(word) != std::string::npos) return true;
  }
  return false;
}

// A person must be able to tell which input, which of its dimensions and which size is meant. Wording is the runtime's own: an input may be
// called by name or number. The words may be in the error or on standard error, where older versions print them.
void ReadRefusal(Trial& t) {
  Model model = t.Load();
  RequireControl(t, model);
  const Violation& broken = *t.call().violates;
  const Refusal refusal = RequireRefusedCall(t, model);
  const std::string words = refusal.text + "\n" + CapturedOutput();
  const std::string& name = t.program().inputs[broken.input].name;
  t.Check(ContainsAny(words, {fmt::format("input_handles[{}]", broken.input), fmt::format("input {}", broken.input), "'" + name + "'",
                              "\"" + name + "\"", "L['" + name}),
          fmt::format("the refusal does not name input {} ({}): {}", broken.input, name, words));
  t.Check(ContainsAny(words, {fmt::format(" at {}", broken.dim), fmt::format("dim {}", broken.dim), fmt::format("dimension {}", broken.dim),
                              fmt::format("size()[{}]", broken.dim)}),
          fmt::format("the refusal does not name dimension {}: {}", broken.dim, words));
  t.Check(ContainsAny(words, {fmt::format("got: {}", broken.size), fmt::format("got {}", broken.size), fmt::format("{}", broken.size)}),
          fmt::format("the refusal does not say that the size was {}: {}", broken.size, words));
}

const Registered kRefusalNames{{.requirement = "ERR_1",
                                .sentence = "refusal_names_input_dimension_and_size",
                                .check_inputs = true,
                                .targets = CallsInCells({"below_min", "above_max", "static"}),
                                .body = ReadRefusal}};

// More refusals than there are model instances, so that an instance lost to an error is missed.
void RefuseThenRun(Trial& t) {
  constexpr int kRunners = 2;
  Model model = t.Load({.num_runners = kRunners});
  for (int i = 0; i < kRunners + 1; ++i) RequireRefusedCall(t, model);
  RequireControl(t, model);
}

const Registered kGoodAfterRefusal{{.requirement = "DYN_6",
                                    .sentence = "next_good_call_after_refusals_is_golden",
                                    .check_inputs = true,
                                    .targets = CallsInCells({"below_min", "above_max", "static"}),
                                    .body = RefuseThenRun}};

// Checks are off and the call is outside the contract: anything may happen, and all of it is worth knowing. Inputs end at a guard page, so
// that a read past them is seen.
void ObserveCall(Trial& t) {
  Model model = t.Load();
  const CallInputs inputs = t.Inputs(t.call());
  auto outputs = model.Run(inputs.values());
  if (!outputs) {
    t.Observe("refused", outputs.refusal().ToString());
    return;
  }
  const GoldenCall& golden = t.golden(t.call());
  if (!golden.eager_refuses.empty()) {
    t.Observe("silently_wrong", "returned outputs where eager PyTorch refuses: " + golden.eager_refuses);
    return;
  }
  const Comparison comparison = CompareOutputs(outputs->values(), golden, t.program().contraction, inputs.values());
  t.Observe(comparison.equal ? "correct" : "silently_wrong", comparison.message);
}

// The same with the runtime's own allocations beside guard pages too: what reads past an intermediate result is seen.
void ObserveGuarded(Trial& t) {
  t.SetMemory(AOTI_MEMORY_GUARD_END, 0xA5);
  ObserveCall(t);
}

const Registered kOutsideGuarded{{.requirement = "DYN_2",
                                  .sentence = "size_outside_the_range_beside_guards",
                                  .judged = false,
                                  .targets = CallsInCells(kOutside),
                                  .body = ObserveGuarded}};
const Registered kStaticGuarded{{.requirement = "DYN_3",
                                 .sentence = "wrong_static_size_beside_guards",
                                 .judged = false,
                                 .targets = CallsInCells({"static"}),
                                 .body = ObserveGuarded}};
const Registered kUnequalGuarded{{.requirement = "DYN_4",
                                  .sentence = "unequal_sizes_beside_guards",
                                  .judged = false,
                                  .targets = CallsInCells({"unequal"}),
                                  .body = ObserveGuarded}};

const Registered kOutsideUnchecked{{.requirement = "DYN_2",
                                    .sentence = "size_outside_the_range_without_checks",
                                    .judged = false,
                                    .targets = CallsInCells(kOutside),
                                    .body = ObserveCall}};
const Registered kStaticUnchecked{{.requirement = "DYN_3",
                                   .sentence = "wrong_static_size_without_checks",
                                   .judged = false,
                                   .targets = CallsInCells({"static"}),
                                   .body = ObserveCall}};
const Registered kUnequalUnchecked{
    {.requirement = "DYN_4", .sentence = "unequal_sizes_without_checks", .judged = false, .targets = CallsInCells({"unequal"}), .body = ObserveCall}};

}  // namespace
}  // namespace aoti_cts
