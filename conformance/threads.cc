// SPDX-License-Identifier: Apache-2.0
// THR: one package under several threads. Every task has inputs and a golden of its own, so that an answer given to the wrong thread is seen.
// To add a property: one more Registered below, or one more line in a Register... function.
#include <fmt/format.h>

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "conformance/in_threads.h"
#include "fixtures/property.h"

namespace aoti_cts {
namespace {

// The tasks of a case with their inputs, and one judge for all threads.
class Tasks {
 public:
  explicit Tasks(Trial& t) : trial_(t), calls_(t.program().CallsOfCell("task")) {
    for (const Call* call : calls_) {
      inputs_.push_back(t.Inputs(*call));
      t.golden(*call);  // asked for before there are threads: it may have to be found out
    }
  }

  size_t size() const { return calls_.size(); }

  // Runs one task and judges its answer; the run itself is not serialised.
  void Run(Model& model, size_t task, const std::string& who) {
    auto outputs = model.Run(inputs_[task].values());
    const std::string what = fmt::format("{}, {}", who, calls_[task]->name);
    if (!outputs) return Check(false, what + " was " + outputs.refusal().ToString());
    const std::lock_guard lock(judging_);
    trial_.JudgeOutputs(*outputs, *calls_[task], inputs_[task], what);
  }

  // A Trial is not thread-safe: threads judge through here.
  void Check(bool holds, const std::string& complaint) {
    const std::lock_guard lock(judging_);
    trial_.Check(holds, complaint);
  }

 private:
  Trial& trial_;
  std::vector<const Call*> calls_;
  std::vector<CallInputs> inputs_;
  std::mutex judging_;
};

// --- THR_1: threads x runners -----------------------------------------------------------------------------------------

constexpr int kRunsPerPair = 256;  // far more than runners

void RunGrid(Trial& t, int threads, int runners) {
  Model model = t.Load({.num_runners = runners});
  Tasks tasks(t);
  tasks.Run(model, 0, "a first call, alone");  // a cold start is THR_3
  InThreads(threads, [&](int thread) {
    for (int run = thread; run < kRunsPerPair; run += threads) {
      tasks.Run(model, static_cast<size_t>(run) % tasks.size(), fmt::format("thread {} of {}, {} runners, run {}", thread, threads, runners, run));
    }
  });
}

const bool kGrid = [] {
  for (const int runners : {1, 2, 4}) {
    for (const int threads : {1, 2, 4, 8, 16}) {
      Properties().push_back({.requirement = "THR_1",
                              .sentence = fmt::format("every_thread_gets_its_own_answer_{}x{}", threads, runners),
                              .on_cuda = true,
                              .targets = OnceWhereCell("task"),
                              .body = [threads, runners](Trial& t) { RunGrid(t, threads, runners); }});
    }
  }
  return true;
}();

// --- THR_3: cold start ------------------------------------------------------------------------------------------------

void StartCold(Trial& t, int runners) {
  constexpr int kThreads = 4;
  constexpr int kLoaders = 20;  // torch 2.11 with one runner hangs at about one loader in twenty
  Tasks tasks(t);
  for (int loader = 0; loader < kLoaders; ++loader) {
    Model model = t.Load({.num_runners = runners});
    InThreads(kThreads, [&](int thread) {
      tasks.Run(model, static_cast<size_t>(thread) % tasks.size(),
                fmt::format("loader {}, first call of thread {}, {} runners", loader, thread, runners));
    });
  }
}

const Registered kColdOne{{.requirement = "THR_3",
                           .sentence = "first_calls_at_once_all_return_1_runner",
                           .on_cuda = true,
                           .targets = OnceWhereCell("task"),
                           .body = [](Trial& t) { StartCold(t, 1); }}};
const Registered kColdTwo{{.requirement = "THR_3",
                           .sentence = "first_calls_at_once_all_return_2_runners",
                           .on_cuda = true,
                           .targets = OnceWhereCell("task"),
                           .body = [](Trial& t) { StartCold(t, 2); }}};

// --- THR_4: loaders at once -------------------------------------------------------------------------------------------

// Threads load, run once and unload, each its own loader. `one_at_a_time` puts a mutex round construction, the work-around that servers use.
void LoadInThreads(Trial& t, bool one_at_a_time) {
  constexpr int kThreads = 8;
  constexpr int kLoads = 20;
  Tasks tasks(t);
  std::mutex loading;
  InThreads(kThreads, [&](int thread) {
    for (int load = 0; load < kLoads; ++load) {
      std::unique_lock<std::mutex> turn(loading, std::defer_lock);
      if (one_at_a_time) turn.lock();
      auto model = t.TryLoad(t.package().path);
      if (one_at_a_time) turn.unlock();
      if (model) {
        tasks.Run(*model, static_cast<size_t>(thread) % tasks.size(), fmt::format("thread {}, its own loader number {}", thread, load));
      } else {
        tasks.Check(false, fmt::format("thread {}: load {} was {}", thread, load, model.refusal().ToString()));
      }
    }
  });
}

const Registered kLoadAtOnce{{.requirement = "THR_4",
                              .sentence = "loaders_constructed_at_once_all_work",
                              .on_cuda = true,
                              .targets = OnceWhereCell("task"),
                              .body = [](Trial& t) { LoadInThreads(t, false); }}};
const Registered kLoadInTurn{{.requirement = "THR_4",
                              .sentence = "loaders_constructed_in_turn_all_work",
                              .on_cuda = true,
                              .targets = OnceWhereCell("task"),
                              .body = [](Trial& t) { LoadInThreads(t, true); }}};

// --- THR_7: a server's queue ------------------------------------------------------------------------------------------

// 100 requests in a queue, ten workers, four runners, every fifth request outside the bounds: each gets its own answer or its own refusal.
void ServeQueue(Trial& t) {
  constexpr int kRequests = 100;
  constexpr int kWorkers = 10;
  constexpr int kRunners = 4;
  constexpr int kBadEvery = 5;
  Model model = t.Load({.num_runners = kRunners});
  Tasks tasks(t);
  const CallInputs bad = t.Inputs(*t.program().CallsOfCell("above_max").front());
  tasks.Run(model, 0, "a first call, alone");
  std::atomic<int> next{0};
  InThreads(kWorkers, [&](int worker) {
    for (int request = next++; request < kRequests; request = next++) {
      if (request % kBadEvery != 0) {
        tasks.Run(model, static_cast<size_t>(request) % tasks.size(), fmt::format("request {}, worker {}", request, worker));
        continue;
      }
      auto outputs = model.Run(bad.values());
      tasks.Check(!outputs, fmt::format("request {} is outside the bounds and was answered", request));
    }
  });
}

const Registered kQueue{{.requirement = "THR_7",
                         .sentence = "each_request_gets_its_own_answer_or_refusal",
                         .check_inputs = true,
                         .on_cuda = true,
                         .targets =
                             [](const Case& c) {
                               const bool applies = !c.CallsOfCell("task").empty() && !c.CallsOfCell("above_max").empty();
                               return applies ? std::vector<const Call*>{nullptr} : std::vector<const Call*>{};
                             },
                         .body = ServeQueue}};

// --- THR_5, THR_8: bad calls beside good ones -------------------------------------------------------------------------

constexpr int kBesideThreads = 8;
constexpr int kBesideRunners = 4;

// Every other thread makes only calls that must be refused; with them a refusal can get lost, and a good call can be hit by another's.
void RefuseBesideGoodCalls(Trial& t, const std::vector<const Call*>& bad_calls) {
  Model model = t.Load({.num_runners = kBesideRunners});
  Tasks tasks(t);
  std::vector<CallInputs> bad;
  for (const Call* call : bad_calls) bad.push_back(t.Inputs(*call));
  tasks.Run(model, 0, "a first call, alone");
  InThreads(kBesideThreads, [&](int thread) {
    for (int run = 0; run < kRunsPerPair / kBesideThreads; ++run) {
      const auto number = static_cast<size_t>(thread + run);
      if (thread % 2 == 0) {
        tasks.Run(model, number % tasks.size(), fmt::format("thread {}, run {}, beside calls that are refused", thread, run));
        continue;
      }
      auto outputs = model.Run(bad[number % bad.size()].values());
      tasks.Check(!outputs,
                  fmt::format("thread {}, run {}: {} was answered, a refusal was promised", thread, run, bad_calls[number % bad.size()]->name));
    }
  });
  tasks.Run(model, 0, "a call after all others");
}

std::vector<const Call*> OutsideTheRange(const Case& c) { return CallsInCells({"below_min", "above_max"})(c); }
std::vector<const Call*> DataErrors(const Case& c) { return c.CallsOfCell("data"); }

// One test for cases that have tasks and calls to be refused.
Targets OnceWhereTasksAnd(const Targets& bad_calls) {
  return [bad_calls](const Case& c) {
    const bool applies = !c.CallsOfCell("task").empty() && !bad_calls(c).empty();
    return applies ? std::vector<const Call*>{nullptr} : std::vector<const Call*>{};
  };
}

const Registered kBoundsBeside{{.requirement = "THR_5",
                                .sentence = "calls_refused_for_their_sizes_harm_no_other",
                                .check_inputs = true,
                                .on_cuda = true,
                                .targets = OnceWhereTasksAnd(OutsideTheRange),
                                .body = [](Trial& t) { RefuseBesideGoodCalls(t, OutsideTheRange(t.program())); }}};
const Registered kDataBeside{{.requirement = "THR_8",
                              .sentence = "calls_refused_for_their_data_harm_no_other",
                              .on_cuda = true,
                              .targets = OnceWhereTasksAnd(DataErrors),
                              .body = [](Trial& t) { RefuseBesideGoodCalls(t, DataErrors(t.program())); }}};

// Each thread calls one package and gives what it gets to the other, while all others do the same.
void RunTwoPackagesAtOnce(Trial& t) {
  constexpr int kRounds = 16;
  const Feed& feed = *t.call().feed;
  Model first = t.LoadFrom(t.feeder_package().path, {.num_runners = kBesideRunners});
  Model second = t.Load({.num_runners = kBesideRunners});
  const CallInputs first_inputs(t.feeder(), *t.feeder().FindCall("example"), GuardSide::kEnd);
  const CallInputs inputs = t.Inputs(t.call());
  std::mutex judging;
  InThreads(kBesideThreads, [&](int thread) {
    for (int round = 0; round < kRounds; ++round) {
      const std::string who = fmt::format("thread {}, round {}", thread, round);
      auto made = first.Run(first_inputs.values());
      if (!made || made->values().size() <= feed.output) {
        const std::lock_guard lock(judging);
        t.Fail(fmt::format("{}: {} {}", who, t.feeder().name, made ? "gives too few outputs" : "was " + made.refusal().ToString()));
        return;
      }
      std::vector<aoti_value> values = inputs.values();
      values[feed.input] = made->values()[feed.output];
      auto outputs = second.Run(values);
      const std::lock_guard lock(judging);
      if (!outputs) return t.Fail(fmt::format("{}: was {}", who, outputs.refusal().ToString()));
      t.JudgeOutputs(*outputs, t.call(), inputs, who);
    }
  });
}

const Registered kTwoPackages{{.requirement = "THR_8",
                               .sentence = "two_packages_called_at_once_harm_neither",
                               .on_cuda = true,
                               .targets = CallsInCells({"after"}),
                               .body = RunTwoPackagesAtOnce}};

}  // namespace
}  // namespace aoti_cts
