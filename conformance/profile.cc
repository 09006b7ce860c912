// SPDX-License-Identifier: Apache-2.0
// PROF: what a profiler sees of a package, in Chrome's trace format. To add a property: one more Registered below.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "fixtures/json_file.h"
#include "fixtures/property.h"
#include "fixtures/sandbox.h"

namespace aoti_cts {
namespace {

using nlohmann::json;

constexpr int kWarmUp = 3;
constexpr int kActive = 5;

// The events of kActive calls, after kWarmUp that are not traced; nothing where there is no trace that can be read.
std::vector<json> TraceOfSteps(Trial& t) {
  Model model = t.Load();
  for (int step = 0; step < kWarmUp; ++step) t.JudgeCall(model, t.ExampleCall(), fmt::format("warm-up step {}", step));
  const auto path = SandboxTemporary() / "trace.json";
  t.StartTrace();
  for (int step = 0; step < kActive; ++step) t.JudgeCall(model, t.ExampleCall(), fmt::format("active step {}", step));
  t.StopTrace(path);
  const auto trace = ReadJsonFile(path);
  if (!t.Check(bool{trace}, trace ? "" : "the trace is no JSON: " + trace.error().message)) return {};
  if (!t.Check(trace->is_object() && trace->contains("traceEvents"), "the trace has no traceEvents")) return {};
  return trace->at("traceEvents").get<std::vector<json>>();
}

std::string TextOf(const json& event, const char* field) {
  return event.contains(field) && event.at(field).is_string() ? event.at(field).get<std::string>() : "";
}

void LookForSteps(Trial& t) {
  int runs = 0;
  std::set<std::string> of_a_gpu;
  for (const json& event : TraceOfSteps(t)) {
    if (TextOf(event, "ph") == "X" && TextOf(event, "name") == "aoti_run") ++runs;
    const std::string category = TextOf(event, "cat");
    if (category == "kernel" || category.starts_with("gpu_") || category.starts_with("cuda_"))
      of_a_gpu.insert(category + " " + TextOf(event, "name"));
  }
  t.Check(runs == kActive, fmt::format("the trace holds {} calls of the package, {} were made", runs, kActive));
  t.Check(of_a_gpu.empty(), fmt::format("a package for the CPU launches or copies on a GPU: {}", fmt::join(of_a_gpu, ", ")));
}

const Registered kSteps{{.requirement = "PROF_1",
                         .sentence = "trace_holds_every_call_and_no_gpu_work",
                         .sampled = true,
                         .capability = "trace",
                         .targets = OncePerStatelessCase,
                         .body = LookForSteps}};

// A document says that no event of an ATen operator appears. Nobody else promises that.
void LookForOperators(Trial& t) {
  std::set<std::string> operators;
  for (const json& event : TraceOfSteps(t)) {
    const std::string name = TextOf(event, "name");
    if (TextOf(event, "cat") == "cpu_op" && name != "aoti_run") operators.insert(name);
  }
  t.Observe(operators.empty() ? "no_operator" : "operators",
            operators.empty() ? "no operator appears" : fmt::format("{}", fmt::join(operators, ", ")));
}

const Registered kOperators{{.requirement = "PROF_1",
                             .sentence = "operators_in_the_trace",
                             .judged = false,
                             .sampled = true,
                             .capability = "trace",
                             .targets = OncePerStatelessCase,
                             .body = LookForOperators}};

}  // namespace
}  // namespace aoti_cts
