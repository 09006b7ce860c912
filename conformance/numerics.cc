// SPDX-License-Identifier: Apache-2.0
// NUM: every output is the float64 reference, in structure and in value, whatever lay in memory before and whatever runs after.
// To add a property: one more Registered below.
#include <fmt/format.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "conformance/device_call.h"
#include "fixtures/property.h"

namespace aoti_cts {
namespace {

const Registered kOutputsMatch{{.requirement = "NUM_1",
                                .sentence = "outputs_match_the_reference",
                                .on_cuda = true,
                                .by_reference = true,
                                .targets = CallsInCells({"example", "named"}),
                                .body = [](Trial& t) {
                                  Model model = t.Load();
                                  t.JudgeCall(model, t.call());
                                }}};

// Can this byte be read? Asked of the kernel, which does not fault.
bool IsReadable(const void* address) {
  char byte = 0;
  const iovec to{&byte, 1};
  const iovec from{const_cast<void*>(address), 1};
  return process_vm_readv(getpid(), &to, 1, &from, 1, 0) == 1;
}

// The positive control of what follows: an output that the runtime has allocated lies beside a page that nobody may touch.
void RequireGuards(Trial& t, const Outputs& outputs, const CallInputs& inputs, GuardSide side) {
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  bool guarded = false;
  bool any = false;
  for (const aoti_value& value : outputs.values()) {
    const bool is_input = std::any_of(inputs.values().begin(), inputs.values().end(),
                                      [&](const aoti_value& input) { return input.storage_data == value.storage_data; });
    if (value.kind != AOTI_TENSOR || value.storage_data == nullptr || value.storage_bytes == 0 || is_input) continue;
    any = true;
    const auto begin = reinterpret_cast<uintptr_t>(value.storage_data);
    const uintptr_t beside = side == GuardSide::kEnd ? (begin + value.storage_bytes + page - 1) / page * page : begin / page * page - 1;
    guarded = guarded || !IsReadable(reinterpret_cast<const void*>(beside));
  }
  t.Check(!any || guarded, "the runner guards the memory of no output, although it was asked to: nothing could be noticed beside it");
}

// Two runs over memory filled with different bytes must agree to the bit, and each must be the reference; a read or write beside an
// allocation of the runtime faults.
void RunOverPoison(Trial& t) {
  constexpr std::array<uint8_t, 2> kPoison{0xA5, 0x7F};
  Model model = t.Load();
  const Call& call = t.ExampleCall();
  const CallInputs inputs = t.Inputs(call);
  t.SetMemory(AOTI_MEMORY_GUARD_END, kPoison[0]);
  const Outputs first = t.Run(model, inputs);
  t.SetMemory(AOTI_MEMORY_GUARD_END, kPoison[1]);
  const Outputs second = t.Run(model, inputs);
  t.SetMemory(AOTI_MEMORY_PLAIN, 0);
  const std::string difference = FirstBitDifference(first.values(), second.values());
  t.Check(difference.empty(), "the result depends on what memory held before the run: " + difference);
  t.JudgeOutputs(first, call, inputs, "over memory filled with 0xa5");
  t.JudgeOutputs(second, call, inputs, "over memory filled with 0x7f");
}

const Registered kUnwritten{{.requirement = "NUM_1",
                             .sentence = "unwritten_memory_stays_out_of_outputs",
                             .capability = "guarded_memory",
                             .targets = OncePerStatelessCase,
                             .body = RunOverPoison}};

void RunBesideGuards(Trial& t) {
  for (const auto& [mode, side] : {std::pair{AOTI_MEMORY_GUARD_END, GuardSide::kEnd}, std::pair{AOTI_MEMORY_GUARD_START, GuardSide::kStart}}) {
    t.SetMemory(mode, 0);
    Model model = t.Load();
    const CallInputs inputs = t.Inputs(t.ExampleCall(), side);
    const Outputs outputs = t.Run(model, inputs);
    RequireGuards(t, outputs, inputs, side);
    t.JudgeOutputs(outputs, t.ExampleCall(), inputs, side == GuardSide::kEnd ? "guarded at the end" : "guarded at the start");
    t.SetMemory(AOTI_MEMORY_PLAIN, 0);
  }
}

const Registered kNoOverrun{{.requirement = "NUM_1",
                             .sentence = "no_allocation_is_overrun",
                             .capability = "guarded_memory",
                             .targets = OncePerCase,
                             .body = RunBesideGuards}};

// Two calls of the same sizes and other values, in one process: what a runtime keeps from the first must not show in the second.
const Registered kFollow{
    {.requirement = "NUM_1", .sentence = "outputs_follow_the_inputs", .on_cuda = true, .targets = OncePerStatelessCase, .body = [](Trial& t) {
       Model model = t.Load();
       t.JudgeCall(model, t.ExampleCall(), "the first call");
       t.JudgeCall(model, *t.program().FindCall("second"), "the second call");
     }}};

void KeepOutputs(Trial& t) {
  const Call& example = t.ExampleCall();
  const CallInputs inputs = t.Inputs(example);
  const Outputs kept = [&] {
    Model model = t.Load();
    Outputs first = t.Run(model, inputs);
    for (const Call& other : t.program().calls) {
      if (other.expect != Expectation::kOk || other.feed || other.cell == "beside" || other.weights != WeightSets{}) continue;
      t.JudgeCall(model, other, "a later call, " + other.name);
      t.JudgeOutputs(first, example, inputs, "the first call's outputs, after a later call, " + other.name);
    }
    return first;
  }();
  t.JudgeOutputs(kept, example, inputs, "the first call's outputs, after unloading");
}

const Registered kOutlive{
    {.requirement = "NUM_6", .sentence = "outputs_outlive_later_calls_and_the_loader", .targets = OncePerStatelessCase, .body = KeepOutputs}};

// The same where the outputs lie on a device: no copy is made of them before the end.
void KeepOutputsOnDevice(Trial& t) {
  std::optional<Model> model = t.Load();
  DeviceCall first(t, *model, t.ExampleCall()), second(t, *model, *t.program().FindCall("second"));
  CudaStream stream(t.cuda());
  const auto judge = [&](DeviceCall& call, const Outputs& outputs, const std::string& what) {
    call.FetchOn(stream, outputs);
    call.Judge(stream, what);
  };
  const auto run = [&](DeviceCall& call) {
    call.FillOn(stream);
    stream.Synchronize();  // whether a run comes after this is STREAM_1's question
    return call.RunOn(stream);
  };
  const Outputs kept = run(first);
  judge(second, run(second), "a later call");
  judge(first, kept, "the first call's outputs, after a later call");
  model.reset();
  judge(first, kept, "the first call's outputs, after unloading");
  Model again = t.Load();
  DeviceCall other(t, again, *t.program().FindCall("second"));  // on this stream it may take memory that the first loader has given back
  judge(other, run(other), "a call of another loader");
  judge(first, kept, "the first call's outputs, after a call of another loader");
}

const Registered kOutliveOnDevice{{.requirement = "NUM_6",
                                   .sentence = "outputs_on_a_device_outlive_later_calls_and_the_loader",
                                   .on_cuda = true,
                                   .targets = OncePerCudaCaseWithSecond,
                                   .body = [](Trial& t) { OnCuda(t, [&] { KeepOutputsOnDevice(t); }); }}};

// Two packages in one process, the second fed with what the first has made.
void RunInARow(Trial& t) {
  const Feed& feed = *t.call().feed;
  const Case& before = t.feeder();
  Model first = t.LoadFrom(t.feeder_package().path);
  Model second = t.Load();
  const CallInputs first_inputs(before, *before.FindCall("example"), GuardSide::kEnd);
  const Outputs made = t.Run(first, first_inputs);
  if (!t.Check(made.values().size() > feed.output, fmt::format("{} gives {} outputs", before.name, made.values().size()))) return;
  const CallInputs inputs = t.Inputs(t.call());
  std::vector<aoti_value> values = inputs.values();
  values[feed.input] = made.values()[feed.output];
  t.Replace(t.call(), feed.input, values[feed.input]);
  const Outputs outputs = t.Run(second, values);
  t.JudgeOutputs(outputs, t.call(), inputs, fmt::format("fed with output {} of {}", feed.output, before.name));
}

const Registered kInARow{
    {.requirement = "NUM_5", .sentence = "packages_in_a_row_are_golden", .on_cuda = true, .targets = CallsInCells({"after"}), .body = RunInARow}};

}  // namespace
}  // namespace aoti_cts
