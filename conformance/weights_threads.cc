// SPDX-License-Identifier: Apache-2.0
// THR_9: weights that are replaced while several threads call. To add a property: one more Registered below.
#include <fmt/format.h>

#include <array>
#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "conformance/constants_run.h"
#include "conformance/in_threads.h"
#include "fixtures/property.h"
#include "fixtures/weights.h"

namespace aoti_cts {
namespace {

constexpr int kCallers = 4;
constexpr int kRunners = 2;
constexpr int kReplacements = 12;
constexpr std::chrono::microseconds kPause{200};  // of a caller between two calls
constexpr std::chrono::seconds kPatience{2};      // with callers that never pause

// The callers of one model, and the one who replaces its weights: replacement number n puts set n % 2 in.
class UnderLoad {
 public:
  explicit UnderLoad(Trial& t, bool pauses = true)
      : t_(t), pauses_(pauses), model_(t.Load({.num_runners = kRunners})), inputs_(t.Inputs(t.ExampleCall())), constants_(ConstantsOf(t, model_)) {
    for (int set = 0; set < 2; ++set) sets_.emplace_back(t.program(), model_, constants_, set);
  }

  // Replaces while others call; `replace` says what went wrong, if anything did. Returns what callers and replacer complain of first.
  template <typename Replace>
  std::string Go(const Replace& replace) {
    const std::string first = JudgeFrom(0);  // a cold start is THR_3
    if (!first.empty()) return first;
    InThreads(kCallers + 1, [&](int thread) {
      if (thread < kCallers) return Call(thread);
      for (int n = 1; n <= kReplacements && !HasComplaint(); ++n) {
        ReplaceOnce(replace, n);
        LetAllCallAgain();
      }
      stop_ = true;
    });
    return complaint_;
  }

  Model& model() { return model_; }
  std::vector<aoti_named_value> Values(int set) { return sets_[static_cast<size_t>(set)].Values(Part::kAll); }

  // Before and after what callers are to notice.
  void Begins() { ++begun_; }
  void IsDone() { ++done_; }

 private:
  static std::vector<KnownConstant> ConstantsOf(Trial& t, Model& model) {
    auto listed = model.ListConstants();
    if (listed) return ConstantsByFormula(t.package(), *listed);
    t.Fail("the constants cannot be listed: " + listed.refusal().ToString());
    throw TrialEnded{};
  }

  template <typename Replace>
  void ReplaceOnce(const Replace& replace, int n) {
    if (const std::optional<Refusal> refusal = replace(*this, n % 2)) Complain(fmt::format("replacement {} was {}", n, refusal->ToString()));
  }

  // Callers pause: where they never do, a swap may wait for as long as they call.
  void Call(int caller) {
    const auto start = std::chrono::steady_clock::now();
    while (!stop_ && !HasComplaint()) {
      if (pauses_) {
        std::this_thread::sleep_for(kPause);
      } else if (std::chrono::steady_clock::now() - start > kPatience) {
        return Complain(
            fmt::format("after {} s of calls without a pause {} of {} replacements were done", kPatience.count(), done_.load(), kReplacements));
      }
      const int done = done_;  // what was done before the call began is seen by it
      const std::string complaint = JudgeFrom(done);
      if (!complaint.empty()) Complain(complaint);
      ++calls_[static_cast<size_t>(caller)];
    }
  }

  // Every caller ends the call that it is in and makes one more.
  void LetAllCallAgain() {
    std::array<int, kCallers> before{};
    for (size_t i = 0; i < before.size(); ++i) before[i] = calls_[i];
    for (size_t i = 0; i < before.size(); ++i) {
      while (calls_[i] < before[i] + 2 && !HasComplaint()) std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
  }

  std::string JudgeFrom(int done) {
    auto outputs = model_.Run(inputs_.values());
    const int begun = begun_;
    if (!outputs) return "a call was " + outputs.refusal().ToString();
    return Compare(*outputs, done, begun);
  }

  // The answer is that of one set entirely: of one that was in while the call ran.
  std::string Compare(const Outputs& outputs, int done, int begun) const {
    std::string message;
    for (int set = 0; set < 2; ++set) {
      const GoldenCall& golden = t_.golden(CallWith(t_.program(), {set, set}));
      const Comparison comparison = CompareOutputs(outputs.values(), golden, t_.latitude(), inputs_.values());
      if (comparison.equal && (begun > done || set == done % 2)) return {};
      if (comparison.equal) return fmt::format("a call that began after replacement {} answers with the weights from before it", done);
      message = comparison.message;
    }
    return fmt::format("a call during replacements {} to {} answers neither with the old weights nor with the new: {}", done, begun, message);
  }

  bool HasComplaint() const { return has_complaint_; }
  void Complain(const std::string& complaint) {
    const std::lock_guard lock(complaining_);
    if (complaint_.empty()) complaint_ = complaint;
    has_complaint_ = true;
  }

  Trial& t_;
  bool pauses_;
  Model model_;
  CallInputs inputs_;
  std::vector<KnownConstant> constants_;
  std::vector<Weights> sets_;
  std::array<std::atomic<int>, kCallers> calls_{};
  std::atomic<int> begun_{0}, done_{0};
  std::atomic<bool> stop_{false}, has_complaint_{false};
  std::mutex complaining_;
  std::string complaint_;
};

// As a server does it: fill the inactive buffer, fold it, swap. The container takes its lock for the swap, so that no call runs meanwhile.
std::optional<Refusal> FillFoldAndSwap(UnderLoad& load, int set) {
  if (auto refusal = load.model().UpdateConstants(load.Values(set), {.inactive = true, .check_full = true})) return refusal;
  if (auto refusal = load.model().FoldConstants(true)) return refusal;
  load.Begins();
  auto refusal = load.model().SwapConstants();
  load.IsDone();
  return refusal;
}

// The same and no folding, which the next call then does; and an update of the very buffer that calls read.
std::optional<Refusal> FillAndSwap(UnderLoad& load, int set) {
  if (auto refusal = load.model().UpdateConstants(load.Values(set), {.inactive = true})) return refusal;
  load.Begins();
  auto refusal = load.model().SwapConstants();
  load.IsDone();
  return refusal;
}

std::optional<Refusal> UpdateActive(UnderLoad& load, int set) {
  load.Begins();
  auto refusal = load.model().UpdateConstants(load.Values(set), {});
  load.IsDone();
  return refusal;
}

Targets WithSetsThat(bool (*also)(const Case&)) {
  return [also](const Case& c) { return c.weight_sets > 0 && also(c) ? std::vector<const Call*>{nullptr} : std::vector<const Call*>{}; };
}

const Registered kSwap{{.requirement = "THR_9",
                        .sentence = "swap_under_load_is_all_or_nothing",
                        .on_cuda = true,
                        .capability = "constant_buffers",
                        .targets = WithSetsThat([](const Case&) { return true; }),
                        .body = [](Trial& t) {
                          UnderLoad load(t);
                          const std::string complaint = load.Go(FillFoldAndSwap);
                          t.Check(complaint.empty(), complaint);
                        }}};

// Nothing is said of these: what happened in this run, in a process of its own.
void Observe(Trial& t, std::optional<Refusal> (*replace)(UnderLoad&, int), bool pauses = true) {
  t.StopKeeping("the test changes constants, in a process of its own");
  const std::string complaint = InAChild([&] {
    UnderLoad load(t, pauses);
    return load.Go(replace);
  });
  const char* observation = complaint.empty() ? "all_or_nothing" : "mixed";
  if (complaint.starts_with("SIG")) observation = "crash";
  if (complaint.starts_with("after")) observation = "waits";
  t.Observe(observation, complaint.empty() ? fmt::format("{} replacements under {} threads", kReplacements, kCallers) : complaint);
}

const Registered kFoldedLate{{.requirement = "THR_9",
                              .sentence = "swap_under_load_without_folding",
                              .judged = false,
                              .on_cuda = true,
                              .capability = "constant_buffers",
                              .targets = WithSetsThat([](const Case& c) { return c.packaging.contains("folded"); }),
                              .body = [](Trial& t) { Observe(t, FillAndSwap); }}};

// Field report pytorch#144459: whoever wants the lock alone waits until no call runs.
const Registered kStarved{{.requirement = "THR_9",
                           .sentence = "swap_under_load_that_never_pauses",
                           .judged = false,
                           .on_cuda = true,
                           .capability = "constant_buffers",
                           .targets = WithSetsThat([](const Case& c) { return c.origin() == "replaced_weights"; }),
                           .body = [](Trial& t) { Observe(t, FillFoldAndSwap, false); }}};

const Registered kActive{{.requirement = "THR_9",
                          .sentence = "update_under_load",
                          .judged = false,
                          .on_cuda = true,
                          .capability = "constants",
                          .targets = WithSetsThat([](const Case& c) { return c.packaging.empty(); }),
                          .body = [](Trial& t) { Observe(t, UpdateActive); }}};

}  // namespace
}  // namespace aoti_cts
