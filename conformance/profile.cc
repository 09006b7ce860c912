// SPDX-License-Identifier: Apache-2.0
// PROF: what a profiler sees of a package, in Chrome's trace format. To add a property: one more Registered below, judged by fixtures/trace.h.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "fixtures/property.h"
#include "fixtures/sandbox.h"
#include "fixtures/trace.h"

namespace aoti_cts {
namespace {

constexpr int kWarmUp = 3;
constexpr int kActive = 5;

// The trace of kActive calls, after kWarmUp that are not traced; nothing where there is none that can be read.
std::optional<Trace> TraceOfSteps(Trial& t) {
  Model model = t.Load();
  for (int step = 0; step < kWarmUp; ++step) t.JudgeCall(model, t.ExampleCall(), fmt::format("warm-up step {}", step));
  const auto path = SandboxTemporary() / "trace.json";
  t.StartTrace();
  for (int step = 0; step < kActive; ++step) t.JudgeCall(model, t.ExampleCall(), fmt::format("active step {}", step));
  t.StopTrace(path);
  t.KeepTrace(path);
  auto trace = ReadTrace(path);
  if (!t.Check(trace.ok(), trace ? "" : trace.error().message)) return std::nullopt;
  return std::move(*trace);
}

void CheckSteps(Trial& t, const Trace& trace) {
  t.Check(trace.steps.size() == kActive, fmt::format("the trace holds {} calls of the package, {} were made", trace.steps.size(), kActive));
}

Targets ProgramsOn(const std::string& device) {
  return [device](const Case& c) { return c.device == device ? OncePerStatelessCase(c) : std::vector<const Call*>{}; };
}

void LookForSteps(Trial& t) {
  const auto trace = TraceOfSteps(t);
  if (!trace) return;
  CheckSteps(t, *trace);
  const std::set<std::string> of_a_gpu = NamesOfGpuWork(*trace);
  t.Check(of_a_gpu.empty(), fmt::format("a package for the CPU launches or copies on a GPU: {}", fmt::join(of_a_gpu, ", ")));
}

const Registered kSteps{{.requirement = "PROF_1",
                         .sentence = "trace_holds_every_call_and_no_gpu_work",
                         .sampled = true,
                         .capability = "trace",
                         .targets = ProgramsOn("cpu"),
                         .body = LookForSteps}};

void LookForKernels(Trial& t) {
  const auto trace = TraceOfSteps(t);
  if (!trace) return;
  CheckSteps(t, *trace);
  const std::string lacking = LackingKernels(GpuWorkOfSteps(*trace));
  t.Check(lacking.empty(), lacking);
}

const Registered kKernels{{.requirement = "PROF_1",
                           .sentence = "every_call_launches_kernels_on_the_gpu",
                           .sampled = true,
                           .on_cuda = true,
                           .capability = "trace",
                           .targets = ProgramsOn("cuda"),
                           .body = LookForKernels}};

void LookForCopies(Trial& t) {
  const auto trace = TraceOfSteps(t);
  if (!trace) return;
  CheckSteps(t, *trace);
  const std::vector<GpuWork> steps = GpuWorkOfSteps(*trace);
  const std::string lacking = LackingKernels(steps);
  t.Check(lacking.empty(), lacking);
  const std::string wrong = WrongCopies(steps, t.package().copies_to_cuda, t.package().copies_to_cpu);
  t.Check(wrong.empty(), wrong);
}

const Registered kCopies{{.requirement = "PROF_1",
                          .sentence = "every_call_of_a_hybrid_program_copies_as_exported",
                          .on_cuda = true,
                          .capability = "trace",
                          .targets = ProgramsOn("hybrid"),
                          .body = LookForCopies}};

// A document says that no event of an ATen operator appears. Nobody else promises that.
void LookForOperators(Trial& t) {
  const auto trace = TraceOfSteps(t);
  const std::set<std::string> operators = trace ? NamesOfOperators(*trace) : std::set<std::string>{};
  t.Observe(operators.empty() ? "no_operator" : "operators",
            operators.empty() ? "no operator appears" : fmt::format("{}", fmt::join(operators, ", ")));
}

const Registered kOperators{{.requirement = "PROF_1",
                             .sentence = "operators_in_the_trace",
                             .judged = false,
                             .sampled = true,
                             .on_cuda = true,
                             .capability = "trace",
                             .targets = OncePerStatelessCase,
                             .body = LookForOperators}};

}  // namespace
}  // namespace aoti_cts
