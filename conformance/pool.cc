// SPDX-License-Identifier: Apache-2.0
// THR_2: how many calls of one loader are under way at a time. Clocks cannot tell that on a busy machine; here a call is held inside the model
// by the memory of its first input, which nobody may read until the test lets it. To add a property: one more Registered below.
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstring>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "fixtures/property.h"

namespace aoti_cts {
namespace {

using namespace std::chrono_literals;

// Memory whose first reader stops, is seen, and waits until the gate is opened.
class Gate {
 public:
  explicit Gate(const aoti_value& input) : value_(input), bytes_(input.storage_bytes) {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    size_ = (bytes_ + page) / page * page;
    memory_ = static_cast<char*>(mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (memory_ == MAP_FAILED) throw std::bad_alloc();
    std::memcpy(memory_, input.tensor.data, bytes_);
    value_.tensor.data = memory_;
    value_.storage_data = memory_;
    InstallHandler();
    gates_[count_++] = this;
    mprotect(memory_, size_, PROT_NONE);
  }
  // Gates live as long as the process: a call may still be held in one.

  const aoti_value& value() const { return value_; }
  bool Reached() const { return reached_.load(); }
  bool ReachedWithin(std::chrono::milliseconds patience) const {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!Reached() && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(1ms);
    return Reached();
  }
  void Open() {
    mprotect(memory_, size_, PROT_READ | PROT_WRITE);
    open_ = true;
  }

 private:
  static constexpr size_t kMost = 4;

  static void InstallHandler() {
    if (count_ > 0) return;
    struct sigaction action {};
    action.sa_sigaction = OnFault;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigaction(SIGSEGV, &action, &before_);
  }

  // Async-signal-safe: atomics and nanosleep only.
  static void OnFault(int signal, siginfo_t* info, void* context) {
    const auto* address = static_cast<const char*>(info->si_addr);
    for (size_t i = 0; i < count_; ++i) {
      Gate& gate = *gates_[i];
      if (address < gate.memory_ || address >= gate.memory_ + gate.size_) continue;
      gate.reached_ = true;
      const timespec pause{0, 1000000};
      while (!gate.open_.load()) nanosleep(&pause, nullptr);
      return;  // the read is tried again
    }
    before_.sa_sigaction(signal, info, context);
  }

  static inline std::array<Gate*, kMost> gates_{};
  static inline size_t count_ = 0;
  static inline struct sigaction before_ {};

  aoti_value value_;
  size_t bytes_;
  size_t size_ = 0;
  char* memory_ = nullptr;
  std::atomic<bool> reached_{false};
  std::atomic<bool> open_{false};
};

// A call in a thread of its own, held at a gate in its first input.
class HeldCall {
 public:
  HeldCall(Trial& t, Model& model, const Call& call) : trial_(t), call_(call), inputs_(t.Inputs(call)), gate_(*new Gate(inputs_.values().front())) {
    values_ = inputs_.values();
    values_.front() = gate_.value();
    thread_ = std::thread([this, &model] {
      begun_ = true;
      answer_.emplace(model.Run(values_));
    });
    while (!begun_.load()) std::this_thread::sleep_for(1ms);
  }
  ~HeldCall() { Finish(); }
  HeldCall(const HeldCall&) = delete;
  HeldCall& operator=(const HeldCall&) = delete;

  Gate& gate() { return gate_; }

  void Finish() {
    gate_.Open();
    if (thread_.joinable()) thread_.join();
  }

  // After Finish(), by one thread.
  void Judge(const std::string& what) {
    if (!*answer_) {
      trial_.Fail(fmt::format("{} was {}", what, answer_->refusal().ToString()));
    } else {
      trial_.JudgeOutputs(**answer_, call_, inputs_, what);
    }
  }

 private:
  Trial& trial_;
  const Call& call_;
  CallInputs inputs_;
  Gate& gate_;
  std::vector<aoti_value> values_;
  std::atomic<bool> begun_{false};
  std::optional<Answer<Outputs>> answer_;
  std::thread thread_;
};

constexpr auto kLongest = 3000ms;  // for what must happen
constexpr auto kLull = 100ms;      // for what must not: a runtime that does it does it at once

void Overlap(Trial& t) {
  Model model = t.Load({.num_runners = 2});
  const auto tasks = t.program().CallsOfCell("task");
  t.JudgeCall(model, *tasks[0], "a first call, alone");
  HeldCall first(t, model, *tasks[0]);
  t.Check(first.gate().ReachedWithin(kLongest), "a call does not read its first input");
  HeldCall second(t, model, *tasks[1]);
  t.Check(second.gate().ReachedWithin(kLongest), "2 runners, and the second call does not begin while the first is under way");
  first.Finish();
  second.Finish();
  first.Judge("the first call");
  second.Judge("the second call");
}

constexpr double kDeadline = 20;  // seconds: above all that a test may wait

const Registered kOverlap{{.requirement = "THR_2",
                           .sentence = "calls_overlap_where_each_has_a_runner",
                           .capability = "runs_at_once",
                           .deadline_seconds = kDeadline,
                           .targets = OnceWhereCell("task"),
                           .body = Overlap}};

// Recorded: a runtime may read its inputs before it waits, and nobody says at which point it waits.
void LookForAWait(Trial& t) {
  Model model = t.Load({.num_runners = 1});
  const auto tasks = t.program().CallsOfCell("task");
  t.JudgeCall(model, *tasks[0], "a first call, alone");
  HeldCall first(t, model, *tasks[0]);
  t.Check(first.gate().ReachedWithin(kLongest), "a call does not read its first input");
  HeldCall second(t, model, *tasks[1]);
  const bool waits = !second.gate().ReachedWithin(kLull);
  first.Finish();
  second.Finish();
  first.Judge("the call that had the runner");
  second.Judge("the call that came second");
  t.Observe(waits ? "waits" : "begins", waits ? "1 runner: the second call reads its input when the first has ended"
                                              : "1 runner: the second call reads its input while the first is under way");
}

const Registered kWait{{.requirement = "THR_2",
                        .sentence = "call_that_finds_no_free_runner",
                        .judged = false,
                        .capability = "runs_at_once",
                        .deadline_seconds = kDeadline,
                        .targets = OnceWhereCell("task"),
                        .body = LookForAWait}};

}  // namespace
}  // namespace aoti_cts
