// SPDX-License-Identifier: Apache-2.0
// GRAPH: a package that a host runs as a CUDA graph. No AOTInductor so far captures by itself; the host captures a run of a loader that is
// single-threaded and warmed up. That a run can be captured is promised nowhere and recorded; what is replayed is judged.
// To add a property: one more Registered below.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "conformance/device_call.h"
#include "fixtures/weights.h"

namespace aoti_cts {
namespace {

constexpr const char* kGraphs = "cuda_graphs";  // the capability
constexpr LoadOptions kForCapture{.run_single_threaded = true};

// Captures the call, which was run before, or ends the body: nothing promises that it can be.
Graph CaptureOrEnd(Trial& t, Model& model, CudaStream& stream, const DeviceCall& call) {
  auto graph = model.CaptureOn(stream.handle(), call.inputs());
  if (!graph && graph.refusal().status == AOTI_REFUSED) t.EndUnavailable("a run of this program is not captured: " + graph.refusal().ToString());
  return t.Require(std::move(graph), "a capture");
}

// Replays behind a gate, so that a replay that does not wait for the copies before it reads what they replace.
void JudgeReplay(Trial& t, Graph& graph, CudaStream& stream, DeviceCall& captured, DeviceCall& values, const std::string& what) {
  values.MakeRoomFor(graph.outputs());
  Gate gate(stream);
  captured.FillWith(stream, values);
  Replay(t, graph, stream);
  values.FetchOn(stream, graph.outputs());
  stream.WaitForTheDefaultOne();  // a replay that went there has read what was there before
  gate.Open();
  values.Judge(stream, what);
}

void ReplayNewData(Trial& t) {
  Model model = t.Load(kForCapture);
  DeviceCall call(t, model, t.ExampleCall());
  DeviceCall second(t, model, *t.program().FindCall("second"));
  CudaStream stream(t.cuda());
  call.WarmUp(stream);
  Graph graph = CaptureOrEnd(t, model, stream, call);
  JudgeReplay(t, graph, stream, call, call, "a replay with the values of the capture");
  JudgeReplay(t, graph, stream, call, second, "a replay with other values in the same place");
  JudgeReplay(t, graph, stream, call, call, "a replay with the first values again");
  second.WarmUp(stream);
  JudgeReplay(t, graph, stream, call, call, "a replay after a run without a graph");
}

const Registered kReplay{{.requirement = "GRAPH_1",
                          .sentence = "replay_with_new_data_is_golden",
                          .sampled = true,
                          .on_cuda = true,
                          .capability = kGraphs,
                          .targets = OncePerCudaCaseWithSecond,
                          .body = [](Trial& t) { OnCuda(t, [&] { ReplayNewData(t); }); }}};

// --- several shapes ---------------------------------------------------------------------------------------------------

const std::vector<std::string> kSizes{"min", "mid", "max"};

// The smallest and the middle size have a graph each, the largest has none.
void ReplaySeveralShapes(Trial& t) {
  Model model = t.Load(kForCapture);
  std::deque<DeviceCall> calls;
  for (const std::string& size : kSizes) calls.emplace_back(t, model, *t.program().CallsOfCell(size).front());
  CudaStream stream(t.cuda());
  for (DeviceCall& call : calls) call.WarmUp(stream);
  std::vector<Graph> graphs;
  for (size_t i = 0; i < 2; ++i) graphs.push_back(CaptureOrEnd(t, model, stream, calls[i]));
  for (int round = 0; round < 2; ++round) {
    for (size_t i = 0; i < graphs.size(); ++i) {
      JudgeReplay(t, graphs[i], stream, calls[i], calls[i], fmt::format("round {}, the graph of {}", round, calls[i].call().name));
      calls.back().WarmUp(stream);
    }
  }
}

const Registered kShapes{{.requirement = "GRAPH_1",
                          .sentence = "each_shape_has_its_graph_and_another_goes_round_them",
                          .sampled = true,
                          .on_cuda = true,
                          .capability = kGraphs,
                          .targets =
                              [](const Case& c) {
                                const bool applies =
                                    std::all_of(kSizes.begin(), kSizes.end(), [&](const std::string& size) { return !c.CallsOfCell(size).empty(); });
                                return applies ? OncePerCudaCase(c) : std::vector<const Call*>{};
                              },
                          .body = [](Trial& t) { OnCuda(t, [&] { ReplaySeveralShapes(t); }); }}};

// --- recorded ---------------------------------------------------------------------------------------------------------

void TryCapture(Trial& t, const LoadOptions& options) {
  Model model = t.Load(options);
  DeviceCall call(t, model, t.ExampleCall());
  CudaStream stream(t.cuda());
  for (int i = 0; i < options.num_runners; ++i) call.WarmUp(stream);  // once per instance
  auto graph = model.CaptureOn(stream.handle(), call.inputs());
  if (!graph && graph.refusal().status != AOTI_REFUSED) t.Require(std::move(graph), "a capture");
  t.Observe(graph ? "captured" : "refused", graph ? "a run was captured into a graph" : "a capture was " + graph.refusal().ToString());
}

const Registered kCanBeCaptured{{.requirement = "GRAPH_1",
                                 .sentence = "run_of_a_single_threaded_loader_is_captured",
                                 .judged = false,
                                 .on_cuda = true,
                                 .capability = kGraphs,
                                 .targets = OncePerCudaCase,
                                 .body = [](Trial& t) { OnCuda(t, [&] { TryCapture(t, kForCapture); }); }}};

// It asks its instances whether they have finished, which no stream allows that is being captured.
const Registered kWithInstances{{.requirement = "GRAPH_1",
                                 .sentence = "run_of_a_loader_with_instances_is_captured",
                                 .judged = false,
                                 .sampled = true,
                                 .on_cuda = true,
                                 .capability = kGraphs,
                                 .targets = OncePerCudaCase,
                                 .body = [](Trial& t) { OnCuda(t, [&] { TryCapture(t, {.num_runners = 2}); }); }}};

using Bytes = std::vector<std::string>;

Bytes BytesOf(DeviceCall& call, CudaStream& stream, const Outputs& outputs) {
  call.FetchOn(stream, outputs);
  stream.Synchronize();
  return call.FetchedBytes();
}

// Does a replay look for its inputs where they lay at capture, or where the last run had them?
void ReplayAfterARunElsewhere(Trial& t) {
  Model model = t.Load(kForCapture);
  DeviceCall call(t, model, t.ExampleCall());
  DeviceCall elsewhere(t, model, *t.program().FindCall("second"));
  CudaStream stream(t.cuda());
  call.WarmUp(stream);
  elsewhere.WarmUp(stream);
  Graph graph = CaptureOrEnd(t, model, stream, call);
  call.FillOn(stream);
  elsewhere.FillOn(stream);
  stream.Synchronize();
  const Bytes there = BytesOf(elsewhere, stream, elsewhere.RunOn(stream));
  const Bytes here = BytesOf(call, stream, call.RunOn(stream));
  Replay(t, graph, stream);
  const Bytes replayed = BytesOf(call, stream, graph.outputs());
  const char* observed = replayed == here ? "at_capture" : replayed == there ? "of_the_last_run" : "elsewhere";
  t.Observe(observed, fmt::format("the inputs that a replay reads: {}", observed));
}

const Registered kAddresses{{.requirement = "GRAPH_1",
                             .sentence = "addresses_that_a_replay_reads",
                             .judged = false,
                             .sampled = true,
                             .on_cuda = true,
                             .capability = kGraphs,
                             .targets = OncePerCudaCaseWithSecond,
                             .body = [](Trial& t) { OnCuda(t, [&] { ReplayAfterARunElsewhere(t); }); }}};

// Weights that calls read are replaced between two replays.
void ReplayAfterAnUpdate(Trial& t) {
  Model model = t.Load(kForCapture);
  const auto listed = t.Require(model.ListConstants(), "the list of constants");
  const std::vector<KnownConstant> constants = ConstantsByFormula(t.package(), listed);
  Weights other(t.program(), model, constants, 1);
  DeviceCall call(t, model, t.ExampleCall());
  CudaStream stream(t.cuda());
  call.WarmUp(stream);
  Graph graph = CaptureOrEnd(t, model, stream, call);
  call.FillOn(stream);
  Replay(t, graph, stream);
  const Bytes before = BytesOf(call, stream, graph.outputs());
  const auto values = other.Values(Part::kAll);
  if (values.empty()) return t.Observe("no_weights", "the program has none that can be replaced");
  if (const auto refusal = model.UpdateConstants(values, {})) return t.Observe("refused", "an update was " + refusal->ToString());
  Replay(t, graph, stream);
  const Bytes replayed = BytesOf(call, stream, graph.outputs());
  const Bytes run = BytesOf(call, stream, call.RunOn(stream));
  const char* observed = replayed == run ? "new" : replayed == before ? "old" : "neither";
  t.Observe(observed, fmt::format("the weights that a replay reads after update_constants(): {}", observed));
}

const Registered kUpdate{{.requirement = "GRAPH_1",
                          .sentence = "weights_that_a_replay_reads_after_an_update",
                          .judged = false,
                          .sampled = true,
                          .on_cuda = true,
                          .capability = kGraphs,
                          .targets = OncePerCudaCase,
                          .body = [](Trial& t) { OnCuda(t, [&] { ReplayAfterAnUpdate(t); }); }}};

// --- GRAPH_2: what a graph saves --------------------------------------------------------------------------------------

double Microseconds(const CudaStream& stream, const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  stream.Synchronize();
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
}

// Runs and replays in turn, so that what the machine does meanwhile hits both.
void TimeAgainstEachOther(Trial& t) {
  constexpr int kPairs = 101;
  Model model = t.Load(kForCapture);
  DeviceCall call(t, model, t.ExampleCall());
  CudaStream stream(t.cuda());
  call.WarmUp(stream);
  Graph graph = CaptureOrEnd(t, model, stream, call);
  JudgeReplay(t, graph, stream, call, call, "the replay that is timed");
  std::vector<double> runs, replays, saved;
  for (int pair = 0; pair < kPairs; ++pair) {
    runs.push_back(Microseconds(stream, [&] { static_cast<void>(call.RunOn(stream)); }));
    replays.push_back(Microseconds(stream, [&] { Replay(t, graph, stream); }));
    saved.push_back(100 * (1 - replays.back() / runs.back()));
  }
  const auto quantile = [](std::vector<double>& of, double q) {
    std::sort(of.begin(), of.end());
    return of[static_cast<size_t>(q * static_cast<double>(of.size() - 1))];
  };
  const double low = quantile(saved, 0.25), high = quantile(saved, 0.75);
  t.Observe(
      low > 0    ? "saves"
      : high < 0 ? "costs"
                 : "no_difference",
      fmt::format("a run takes {:.1f} us, a replay {:.1f} us, both with waiting; saved in pairs: {:.1f} % in the middle, {:.1f} to {:.1f} % in half "
                  "of {} pairs",
                  quantile(runs, 0.5), quantile(replays, 0.5), quantile(saved, 0.5), low, high, kPairs));
}

const Registered kTimes{{.requirement = "GRAPH_2",
                         .sentence = "launch_cost_that_a_graph_saves",
                         .judged = false,
                         .sampled = true,
                         .undisturbed = true,
                         .on_cuda = true,
                         .capability = kGraphs,
                         .targets = OncePerCudaCase,
                         .body = [](Trial& t) { OnCuda(t, [&] { TimeAgainstEachOther(t); }); }}};

}  // namespace
}  // namespace aoti_cts
