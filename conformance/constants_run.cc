// SPDX-License-Identifier: Apache-2.0
#include "conformance/constants_run.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <vector>

#include "conformance/shrink.h"
#include "fixtures/sandbox.h"

namespace aoti_cts {
namespace {

// A loader with what the caller keeps for it.
struct Loaded {
  Model model;
  std::vector<KnownConstant> constants;
  int runners;
  int active = 0;
  std::array<std::array<Weights*, 2>, 2> managed{};  // by buffer and half: the caller's memory that it lies in
};

class SequenceRun {
 public:
  SequenceRun(Trial& t, const ConstantsTraits& traits) : t_(t), model_(traits), sets_(traits.sets), inputs_(t.Inputs(t.ExampleCall())) {}

  // Empty, or what is wrong with the outcome of the step.
  std::string Take(const Step& step) {
    const Promise promise = model_.Take(step);
    if (promise == Promise::kUndefined) throw std::runtime_error("a step without a promise: " + ToString(Sequence{step}));
    if (step.verb == Verb::kLoad) return Load(step);
    if (step.verb == Verb::kUnload) {
      loaded_.erase(step.loader);
      return {};
    }
    Loaded& loaded = *loaded_.at(step.loader);
    switch (step.verb) {
      case Verb::kRun:
        return Run(loaded, step.loader, promise);
      case Verb::kBadRun:
        return BadRun(loaded);
      case Verb::kUpdate:
        return Update(loaded, step, promise);
      case Verb::kWrite:
        return Write(loaded, step);
      case Verb::kSwap:
        loaded.active = 1 - loaded.active;
        return Outcome(loaded.model.SwapConstants(), promise);
      case Verb::kFree:
        return Outcome(loaded.model.FreeInactiveConstants(), promise);
      case Verb::kFold:
        return Outcome(loaded.model.FoldConstants(step.inactive), promise);
      default:
        return Extract(loaded, step);
    }
  }

 private:
  static std::string Outcome(const std::optional<Refusal>& refusal, Promise promise) {
    if (!refusal) return promise == Promise::kOk ? "" : "it was accepted, a refusal was promised";
    if (refusal->status != AOTI_REFUSED) return refusal->ToString();
    return promise == Promise::kRefused ? "" : "it was " + refusal->ToString();
  }

  std::string Load(const Step& step) {
    auto model = t_.TryLoad(t_.package().path, {.num_runners = step.runners});
    if (!model) return "it was " + model.refusal().ToString();
    auto listed = model->ListConstants();
    if (!listed) return "its constants cannot be listed: " + listed.refusal().ToString();
    loaded_[step.loader] = std::unique_ptr<Loaded>(
        new Loaded{.model = std::move(*model), .constants = ConstantsByFormula(t_.package(), *listed), .runners = step.runners});
    return {};
  }

  // As often as there are runners, so that each is asked.
  std::string Run(Loaded& loaded, char loader, Promise promise) {
    for (int run = 0; run < loaded.runners; ++run) {
      auto outputs = loaded.model.Run(inputs_.values());
      if (!outputs) {
        const std::string complaint = Outcome(outputs.refusal(), promise);
        if (!complaint.empty()) return complaint;
        continue;
      }
      if (promise == Promise::kRefused) return "it was answered, a refusal was promised: the buffer that calls read is empty";
      const std::string complaint = Compare(*outputs, model_.Holds(loader, false));
      if (!complaint.empty()) return complaint;
    }
    return {};
  }

  std::string Compare(const Outputs& outputs, const WeightSets& promised) const {
    const auto compare = [&](const WeightSets& sets) {
      return CompareOutputs(outputs.values(), t_.golden(CallWith(t_.program(), sets)), t_.latitude(), inputs_.values());
    };
    const Comparison comparison = compare(promised);
    if (comparison.equal) return {};
    std::string text = fmt::format("the answer is not that of the weights {}/{} (even/odd)", promised.even, promised.odd);
    for (int even = 0; even < sets_; ++even) {
      for (int odd = 0; odd < sets_; ++odd) {
        if (compare({even, odd}).equal) text += fmt::format(", but that of {}/{}", even, odd);
      }
    }
    return text + ": " + comparison.message;
  }

  std::string BadRun(Loaded& loaded) const {
    std::vector<aoti_value> surplus = inputs_.values();
    surplus.push_back(surplus.back());
    auto outputs = loaded.model.Run(surplus);
    return outputs ? "a call with an input too many was answered" : Outcome(outputs.refusal(), Promise::kRefused);
  }

  std::string Update(Loaded& loaded, const Step& step, Promise promise) {
    memory_.emplace_back(t_.program(), loaded.model, loaded.constants, step.set);
    Weights& weights = memory_.back();
    std::vector<aoti_named_value> values = weights.Values(step.part);
    if (step.unknown) {
      values.push_back(values.back());
      values.back().name = "no_such_constant";
    }
    const auto refusal = loaded.model.UpdateConstants(values, {step.inactive, step.checked, step.managed});
    const std::string complaint = Outcome(refusal, promise);
    if (!complaint.empty()) return complaint;
    if (!step.managed || refusal) {  // the caller's memory is the caller's again: whatever it does with it must not show
      weights.Become(Weights(t_.program(), loaded.constants, (step.set + 1) % sets_), t_);
      if (refusal) return {};
    }
    auto& buffer = loaded.managed[static_cast<size_t>(step.inactive ? 1 - loaded.active : loaded.active)];
    for (const int half : {0, 1}) {
      if (Holds(step.part, half)) buffer[static_cast<size_t>(half)] = step.managed ? &weights : nullptr;
    }
    return {};
  }

  std::string Write(Loaded& loaded, const Step& step) {
    const Weights other(t_.program(), loaded.constants, step.set);
    for (Weights* weights : loaded.managed[static_cast<size_t>(loaded.active)]) {
      if (weights != nullptr) weights->Become(other, t_);
    }
    return {};
  }

  std::string Extract(Loaded& loaded, const Step& step) {
    auto extracted = loaded.model.ExtractConstants(step.inactive);
    if (!extracted) return "it was " + extracted.refusal().ToString();
    const WeightSets promised = model_.Holds(step.loader, step.inactive);
    Weights even(t_.program(), loaded.constants, promised.even), odd(t_.program(), loaded.constants, promised.odd);
    for (size_t i = 0; i < loaded.constants.size(); ++i) {
      const KnownConstant& constant = loaded.constants[i];
      const int set = constant.half == 0 ? promised.even : promised.odd;
      const aoti_value* found = extracted->Find(constant.name);
      if (found == nullptr) return fmt::format("{} is missing", constant.name);
      const DLDeviceType device = extracted->DeviceOf(constant.name);
      if (device != constant.spec->device)
        return fmt::format("{} lies on {}, the program's on {}", constant.name, NameOf(device), NameOf(constant.spec->device));
      const aoti_value wanted = (constant.half == 0 ? even : odd).HostValue(i);
      const std::string difference = FirstBitDifference(std::span(found, 1), std::span(&wanted, 1));
      if (!difference.empty()) return fmt::format("{} is not that of set {}: {}", constant.name, set, difference);
    }
    return {};
  }

  Trial& t_;
  ConstantsModel model_;
  int sets_;
  CallInputs inputs_;
  std::deque<Weights> memory_;  // of the caller, for as long as a runtime may read it; outlives the loaders
  std::map<char, std::unique_ptr<Loaded>> loaded_;
};

constexpr double kStepsSeconds = 30;   // of one run of a sequence
constexpr double kShrinkSeconds = 12;  // of all together

struct StepsEnd {
  std::string complaint;  // empty: none
  bool hang = false;
};

StepsEnd RunSteps(const std::function<std::string()>& body) {
  SandboxOptions options;
  options.base = SandboxTemporary();
  options.deadline_seconds = kStepsSeconds;
  const std::string token = FreshToken();
  const SandboxResult result = RunInSandbox(options, [&] { return token + body(); });
  if (result.end != SandboxResult::End::kReturned) return {result.EndInWords(), result.end == SandboxResult::End::kTimeout};
  if (!result.answer.starts_with(token)) return {"something other than the suite wrote on the pipe on which steps answer"};
  return {result.answer.substr(token.size())};
}

}  // namespace

ConstantsTraits TraitsOf(Trial& t) {
  ConstantsTraits traits{.sets = t.program().weight_sets, .has = {}, .has_parameter = {}, .has_buffer = {}};
  size_t position = 0;
  for (const ConstantSpec& spec : t.package().constants) {
    if (!spec.by_formula) continue;
    const size_t half = position++ % 2;
    traits.has[half] = true;
    (spec.kind == "buffer" ? traits.has_buffer : traits.has_parameter)[half] = true;
  }
  traits.folds = t.program().packaging.contains("folded");
  const RunnerDescription& runner = t.runner().description();
  traits.two_buffers = !runner.Lacks("constant_buffers");
  traits.names_checked = !runner.Lacks("constant_names");
  traits.managed = !runner.Lacks("user_managed_constants");
  return traits;
}

const Call& CallWith(const Case& c, const WeightSets& sets) {
  for (const Call& call : c.calls) {
    if (call.cell == (sets == WeightSets{} ? "example" : "weights") && call.weights == sets) return call;
  }
  throw std::runtime_error(fmt::format("case {} has no call with the weights {}/{}", c.name, sets.even, sets.odd));
}

std::string InAChild(const std::function<std::string()>& body) { return RunSteps(body).complaint; }

std::string Complaint(Trial& t, const ConstantsTraits& traits, const Sequence& sequence) {
  SequenceRun run(t, traits);
  for (size_t i = 0; i < sequence.size(); ++i) {
    const std::string complaint = run.Take(sequence[i]);
    if (!complaint.empty()) return fmt::format("step {}, \"{}\": {}", i + 1, ToString(Sequence{sequence[i]}), complaint);
  }
  return {};
}

void JudgeSequence(Trial& t, const ConstantsTraits& traits, const Sequence& sequence, const std::string& origin) {
  t.StopKeeping("the test runs sequences of steps that change constants, each in a process of its own; its message has the shortest that fails");
  bool hangs = false;
  const auto complaint_of = [&](const Sequence& steps) {
    const StepsEnd end = RunSteps([&] { return Complaint(t, traits, steps); });
    hangs = end.hang;
    return end.complaint;
  };
  std::string complaint = complaint_of(sequence);
  if (complaint.empty()) {
    t.Check(true, "");
    return;
  }
  constexpr int kAttempts = 400;
  const auto start = std::chrono::steady_clock::now();
  // A hang is told as it is, and is no shorter form of another failure: one takes longer than there is time for all.
  const auto is_late = [&] { return hangs || std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() > kShrinkSeconds; };
  const auto fails = [&](const Sequence& steps) {
    const std::string shorter = is_late() || !IsDefined(steps, traits) ? "" : complaint_of(steps);
    if (shorter.empty() || hangs) return false;
    complaint = shorter;
    return true;
  };
  const Sequence shortest = Shrunk<Step>(sequence, fails, kAttempts);
  t.Fail(fmt::format("{}: {}\nthe steps: {}", origin, complaint, ToString(shortest)));
}

}  // namespace aoti_cts
