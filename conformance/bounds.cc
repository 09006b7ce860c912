// SPDX-License-Identifier: Apache-2.0
// DYN, ERR: sizes inside the exported range work, sizes outside it are refused where input checks are on, and what happens where they are off
// is recorded. To add a property: one more Registered below.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <regex>
#include <string>
#include <vector>

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

const Registered kInsideGolden{{.requirement = "DYN_8",
                                .sentence = "size_inside_the_range_is_golden",
                                .on_cuda = true,
                                .by_reference = true,
                                .targets = CallsInCells(kInside),
                                .body = RunCall}};

const Registered kInsideAccepted{{.requirement = "DYN_8",
                                  .sentence = "size_inside_the_range_is_accepted_by_checks",
                                  .check_inputs = true,
                                  .on_cuda = true,
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
                                  .on_cuda = true,
                                  .targets = CallsInCells(kOutside),
                                  .body = RefuseCall}};
const Registered kStaticRefused{{.requirement = "DYN_3",
                                 .sentence = "wrong_static_size_is_refused",
                                 .check_inputs = true,
                                 .on_cuda = true,
                                 .targets = CallsInCells({"static"}),
                                 .body = RefuseCall}};
const Registered kUnequalRefused{{.requirement = "DYN_4",
                                  .sentence = "unequal_sizes_are_refused",
                                  .check_inputs = true,
                                  .on_cuda = true,
                                  .targets = CallsInCells({"unequal"}),
                                  .body = RefuseCall}};

bool ContainsNumber(const std::string& text, int64_t number) {
  const std::string digits = fmt::format("{}", number);
  const auto digit_at = [&](size_t at) { return at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])) != 0; };
  for (size_t at = text.find(digits); at != std::string::npos; at = text.find(digits, at + 1)) {
    if (!digit_at(at - 1) && !digit_at(at + digits.size())) return true;
  }
  return false;
}

bool IsInside(const Case& c, const SizeSpec& spec, int64_t size) {
  for (const DimSpec& dim : c.dims) {
    if (dim.name == spec.dim) return size >= spec.times * dim.min + spec.plus && size <= spec.times * dim.max + spec.plus;
  }
  return size == spec.plus;
}

// Every size of a call that the contract has no room for: one Dim too large shows in all inputs that use it.
std::vector<Violation> Violations(const Case& c, const Call& call) {
  std::vector<Violation> violations;
  for (size_t i = 0; i < c.inputs.size(); ++i) {
    for (size_t d = 0; d < call.shapes[i].size(); ++d) {
      if (!IsInside(c, c.inputs[i].shape[d], call.shapes[i][d])) violations.push_back({i, d, call.shapes[i][d]});
    }
  }
  return violations;
}

// "input 1", "inputs[1]", "argument #1", or the input's name as a word of its own.
bool NamesInput(const std::string& words, size_t input, const std::string& name) {
  const std::string number = fmt::format("{}", input);
  return std::regex_search(
             words, std::regex("(^|[^A-Za-z0-9_])(input|arg|argument|tensor)(s|_handles)?( | #|\\[|#)" + number + "([^0-9]|$)", std::regex::icase)) ||
         std::regex_search(words, std::regex("(^|[^A-Za-z0-9_])" + name + "([^A-Za-z0-9_]|$)"));
}

// "dim 1", "at 1", "axis 1", "size()[1]", "shape[1]".
bool NamesDimension(const std::string& words, size_t dim) {
  return std::regex_search(
      words, std::regex(fmt::format("(^|[^A-Za-z0-9_])(dim|dims|dimension|axis|at|size\\(\\)|sizes|shape)( | #|\\[|=){}([^0-9]|$)", dim),
                        std::regex::icase));
}

// What the words of a refusal leave out of one violation; empty: nothing. Wording is the runtime's own: an input may be called by name or
// number, and need not be called anything where there is no other.
std::string LeftOut(const std::string& words, const Violation& violation, const Case& c) {
  const auto& [input, dim, size] = violation;
  const std::string& name = c.inputs[input].name;
  std::string left_out;
  if (c.inputs.size() > 1 && !NamesInput(words, input, name)) left_out += fmt::format("the refusal does not name input {} ({})\n", input, name);
  if (!NamesDimension(words, dim)) left_out += fmt::format("the refusal does not name dimension {}\n", dim);
  if (!ContainsNumber(words, size)) left_out += fmt::format("the refusal does not say that the size was {}\n", size);
  return left_out;
}

// A person must be able to tell which input, which of its dimensions and which size is meant, for one of the sizes that are wrong. The words
// may be in the error or on standard error, where older versions print them.
void ReadRefusal(Trial& t) {
  Model model = t.Load();
  RequireControl(t, model);
  const Refusal refusal = RequireRefusedCall(t, model);
  const std::string words = refusal.text + "\n" + CapturedOutput();
  const std::string complaint = LeftOut(words, *t.call().violates, t.program());
  const std::vector<Violation> all = Violations(t.program(), t.call());
  const bool told = std::any_of(all.begin(), all.end(), [&](const Violation& v) { return LeftOut(words, v, t.program()).empty(); });
  t.Check(told, complaint + words);
}

const Registered kRefusalNames{{.requirement = "ERR_1",
                                .sentence = "refusal_names_input_dimension_and_size",
                                .check_inputs = true,
                                .on_cuda = true,
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
                                    .on_cuda = true,
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
  if (!t.is_told(t.call())) return t.Observe("answered", "returned outputs; what is right is not known");
  const GoldenCall& golden = t.golden(t.call());
  if (!golden.eager_refuses.empty()) {
    t.Observe("silently_wrong", "returned outputs where eager PyTorch refuses: " + golden.eager_refuses);
    return;
  }
  const Comparison comparison = CompareOutputs(outputs->values(), golden, t.latitude(), inputs.values());
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
                                  .capability = "guarded_memory",
                                  .targets = CallsInCells(kOutside),
                                  .body = ObserveGuarded}};
const Registered kStaticGuarded{{.requirement = "DYN_3",
                                 .sentence = "wrong_static_size_beside_guards",
                                 .judged = false,
                                 .capability = "guarded_memory",
                                 .targets = CallsInCells({"static"}),
                                 .body = ObserveGuarded}};
const Registered kUnequalGuarded{{.requirement = "DYN_4",
                                  .sentence = "unequal_sizes_beside_guards",
                                  .judged = false,
                                  .capability = "guarded_memory",
                                  .targets = CallsInCells({"unequal"}),
                                  .body = ObserveGuarded}};

const Registered kOutsideUnchecked{{.requirement = "DYN_2",
                                    .sentence = "size_outside_the_range_without_checks",
                                    .judged = false,
                                    .on_cuda = true,
                                    .targets = CallsInCells(kOutside),
                                    .body = ObserveCall}};
const Registered kStaticUnchecked{{.requirement = "DYN_3",
                                   .sentence = "wrong_static_size_without_checks",
                                   .judged = false,
                                   .on_cuda = true,
                                   .targets = CallsInCells({"static"}),
                                   .body = ObserveCall}};
const Registered kUnequalUnchecked{{.requirement = "DYN_4",
                                    .sentence = "unequal_sizes_without_checks",
                                    .judged = false,
                                    .on_cuda = true,
                                    .targets = CallsInCells({"unequal"}),
                                    .body = ObserveCall}};

}  // namespace
}  // namespace aoti_cts
