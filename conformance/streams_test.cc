// SPDX-License-Identifier: Apache-2.0
// The properties about streams, graphs and the state of a device, on the pretended device: what is sound passes, and each
// way to be broken is killed by the property that names it.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>

#include "fixtures/property.h"
#include "fixtures/sandbox.h"
#include "fixtures/says_test.h"
#include "runners/faults.h"

namespace aoti_cts {
namespace {

const Property& Named(const std::string& sentence) {
  const auto found = std::find_if(Properties().begin(), Properties().end(), [&](const Property& p) { return p.sentence == sentence; });
  if (found == Properties().end()) throw std::runtime_error("no property is called " + sentence);
  return *found;
}

class PretendedDevice : public testing::Test {
 protected:
  PretendedDevice() {
    case_.name = "mine";
    case_.device = "cuda";
    case_.output_device = kDLCUDA;
    case_.tensorrt = true;
    case_.inputs = {{"x", DType::kFloat32, {{"", 0, 3}}, Layout::kRowMajor, kDLCUDA}};
    int64_t size = 3;
    for (const char* cell : {"example", "second", "min", "mid", "max"})
      case_.calls.push_back({cell, cell, Expectation::kOk, {{size++}}, {ValueRange{}}, {}});
    case_.calls[1].shapes = case_.calls[0].shapes;
    case_.calls.push_back({"bad", "data_on_device", Expectation::kRecorded, case_.calls[0].shapes, {ValueRange{200, 300, 0}}, {}});
    for (const Call& call : case_.calls) {
      GoldenOutput output{.dtype = DType::kFloat32, .shape = call.shapes[0], .strides = {1}, .eager_error = 0, .values = {}, .at = {}};
      const uint64_t seed = FormulaSeed("mine/" + call.name + "/x");
      for (int64_t i = 0; i < ElementCount(call.shapes[0]); ++i) output.values.push_back(FormulaValue(seed, static_cast<uint64_t>(i), {}));
      golden_.calls[call.name].outputs = {output, output};
    }
    subject_.package.constants = {{{"weight"}, "param", "float32", {1}, kDLCUDA, true}};
  }

  // In a process of its own, as a worker does it. `package` says what is broken.
  Outcome Run(const std::string& sentence, const std::string& package) { return Run(sentence, package, {"pretended", AOTI_PRETENDED_RUNNER}); }
  Outcome Run(const std::string& sentence, const std::string& package, const RunnerSpec& runner_spec) {
    const Property& property = Named(sentence);
    const std::vector<const Call*> targets = property.targets(case_);
    if (targets.empty()) throw std::runtime_error(sentence + " is not asked of the program");
    subject_.package.path = "/packages/" + package;
    const SandboxResult result = RunInSandbox({.base = testing::TempDir(), .deadline_seconds = 60}, [&] {
      auto runner = Runner::Open(runner_spec).value();
      Trial trial(case_, targets[0], subject_, *runner);
      try {
        property.body(trial);
      } catch (const TrialEnded&) {
        // the trial has said why
      }
      return ToJson(trial.Finish(property.judged)).dump();
    });
    EXPECT_EQ(result.end, SandboxResult::End::kReturned) << result.EndInWords() << result.answer;
    return result.end == SandboxResult::End::kReturned ? OutcomeFromJson(nlohmann::json::parse(result.answer)) : Outcome{};
  }

  Case case_;
  Golden golden_;
  Subject subject_{.golden = &golden_, .cuda_library = AOTI_PRETENDED_CUDA};
};

struct Example {
  const char* sentence;
  const char* package;
  Verdict verdict;
  const char* words;  // of the message, or the observation where nothing is judged
};

std::ostream& operator<<(std::ostream& stream, const Example& example) { return stream << example.sentence << " / " << example.package; }

class OnPretendedDevice : public PretendedDevice, public testing::WithParamInterface<Example> {};

TEST_P(OnPretendedDevice, IsSeen) {
  const Example& example = GetParam();
  const Outcome outcome = Run(example.sentence, example.package);
  EXPECT_EQ(outcome.verdict, example.verdict) << outcome.message;
  EXPECT_TRUE(Says(outcome.verdict == Verdict::kRecorded ? outcome.observation : outcome.message, {example.words})) << outcome.message;
}

constexpr const char* kGiven = "run_on_a_given_stream_comes_after_the_work_before_it";
constexpr const char* kCurrent = "run_on_the_current_stream_comes_after_the_work_before_it";
constexpr const char* kTwo = "runs_on_two_streams_get_each_its_own_answer";
constexpr const char* kThreads = "threads_on_streams_of_their_own_get_each_its_own_answer";
constexpr const char* kAtOnce = "calls_overlap_on_a_device_where_each_has_a_runner";
constexpr const char* kNoRunner = "call_on_a_device_that_finds_no_free_runner";
constexpr const char* kOffset = "input_at_an_offset_is_answered_right";
constexpr const char* kReplay = "replay_with_new_data_is_golden";
constexpr const char* kShapes = "each_shape_has_its_graph_and_another_goes_round_them";
constexpr const char* kContext = "callers_device_stays_the_current_one";
constexpr const char* kCalls = "running_again_and_again_keeps_no_device_memory";
constexpr const char* kLoads = "loading_again_and_again_keeps_no_device_memory";
constexpr const char* kSecond = "model_runs_on_the_device_it_is_loaded_on";
constexpr const char* kElsewhere = "outputs_lie_on_the_models_device_wherever_its_inputs_do";
constexpr const char* kMatch = "outputs_match_the_reference";
constexpr const char* kTensorRT = "no_runtime_of_torch_tensorrt_is_mapped";
constexpr const char* kData = "data_error_on_a_device";
constexpr const char* kUpdate = "weights_that_a_replay_reads_after_an_update";

INSTANTIATE_TEST_SUITE_P(
    Streams, OnPretendedDevice,
    testing::Values(Example{kGiven, "good", Verdict::kPass, ""},  //
                    Example{kGiven, "waits_for_its_work", Verdict::kPass, ""},
                    Example{kGiven, "ignores_stream", Verdict::kFail, "a run on a stream whose earlier work makes its inputs"},
                    Example{kGiven, "reads_when_it_is_launched", Verdict::kFail, "output 0"},
                    Example{kGiven, "breaks_the_device", Verdict::kFail, "cuMemcpyDtoHAsync: CUDA_ERROR_ILLEGAL_ADDRESS"},
                    Example{kCurrent, "good", Verdict::kPass, ""},  //
                    Example{kCurrent, "ignores_current_stream", Verdict::kFail, "a run on a stream whose earlier work makes its inputs"},
                    Example{kTwo, "good", Verdict::kPass, ""},  //
                    Example{kTwo, "ignores_stream", Verdict::kFail, "output 0"}, Example{kTwo, "one_buffer_for_outputs", Verdict::kFail, "output 0"},
                    Example{kThreads, "good", Verdict::kPass, ""},  //
                    Example{kThreads, "breaks_the_device", Verdict::kFail, "CUDA_ERROR_ILLEGAL_ADDRESS"},
                    Example{"run_returns_before_its_work_is_done", "good", Verdict::kRecorded, "returns"},
                    Example{"run_returns_before_its_work_is_done", "waits_for_its_work", Verdict::kRecorded, "waits"},
                    Example{"runs_on_two_streams_overlap", "good", Verdict::kRecorded, "overlap"},
                    Example{"runs_on_two_streams_overlap", "waits_for_its_work", Verdict::kRecorded, "in_turn"}));

INSTANTIATE_TEST_SUITE_P(Calls, OnPretendedDevice,
                         testing::Values(Example{kAtOnce, "good", Verdict::kPass, ""},  //
                                         Example{kAtOnce, "waits_for_its_work", Verdict::kPass, ""},
                                         Example{kAtOnce, "one_call_at_a_time", Verdict::kFail, "2 runners, and the second call's work is not done"},
                                         Example{kAtOnce, "ignores_stream", Verdict::kFail, "output 0"},
                                         Example{kNoRunner, "good", Verdict::kRecorded, "begins"},
                                         Example{kNoRunner, "one_call_at_a_time", Verdict::kRecorded, "waits"},
                                         Example{kOffset, "good", Verdict::kPass, ""},
                                         Example{kOffset, "writes_before_its_input", Verdict::kFail, "what lies before it in its storage"},
                                         Example{"wrong_alignment_without_checks", "good", Verdict::kRecorded, "correct"},
                                         Example{"wrong_alignment_without_checks", "breaks_the_device", Verdict::kRecorded, "device_error"}));

INSTANTIATE_TEST_SUITE_P(Graphs, OnPretendedDevice,
                         testing::Values(Example{kReplay, "good", Verdict::kPass, ""},  //
                                         Example{kReplay, "replays_nothing", Verdict::kFail, "a replay with the values of the capture"},
                                         Example{kReplay, "replays_on_another_stream", Verdict::kFail, "a replay with"},
                                         Example{kReplay, "reads_when_it_is_launched", Verdict::kFail, "output 0"},
                                         Example{kReplay, "refuses_to_replay", Verdict::kFail, "a replay was refused with pretended: no replay"},
                                         Example{kReplay, "is_not_captured", Verdict::kUnavailable, "not permitted while a stream is captured"},
                                         Example{kShapes, "good", Verdict::kPass, ""},  //
                                         Example{kShapes, "replays_the_first_graph", Verdict::kFail, "the graph of mid"},
                                         Example{"run_of_a_single_threaded_loader_is_captured", "good", Verdict::kRecorded, "captured"},
                                         Example{"run_of_a_single_threaded_loader_is_captured", "is_not_captured", Verdict::kRecorded, "refused"},
                                         Example{"run_of_a_loader_with_instances_is_captured", "good", Verdict::kRecorded, "refused"},
                                         Example{"addresses_that_a_replay_reads", "good", Verdict::kRecorded, "at_capture"},
                                         Example{"addresses_that_a_replay_reads", "replays_nothing", Verdict::kRecorded, "elsewhere"},
                                         Example{kUpdate, "good", Verdict::kRecorded, "old"},  //
                                         Example{kUpdate, "updates_in_place", Verdict::kRecorded, "new"}));

INSTANTIATE_TEST_SUITE_P(Device, OnPretendedDevice,
                         testing::Values(Example{kContext, "good", Verdict::kPass, ""}, Example{kData, "good", Verdict::kRecorded, "answered"},
                                         Example{kData, "looks_at_its_data", Verdict::kRecorded, "refused"},
                                         Example{kData, "kernel_looks_at_its_data", Verdict::kRecorded, "device_error"},
                                         Example{kContext, "leaves_another_context", Verdict::kFail, "another current CUDA context after a run"},
                                         Example{kCalls, "good", Verdict::kPass, ""},
                                         Example{kCalls, "calls_keep_device_memory", Verdict::kFail, "device's memory are kept by calls"},
                                         Example{kLoads, "good", Verdict::kPass, ""},
                                         Example{kLoads, "loads_keep_device_memory", Verdict::kFail, "device's memory are kept by loads"}));

TEST_F(PretendedDevice, AMeasurementSaysBothTimesAndTheirDifference) {
  const Outcome outcome = Run("launch_cost_that_a_graph_saves", "good");
  EXPECT_EQ(outcome.verdict, Verdict::kRecorded);
  EXPECT_TRUE(Says(outcome.message, {"a run takes ", " us, a replay ", "saved in pairs: "})) << outcome.message;
}

TEST_F(PretendedDevice, TheFirstRunIsHeldAgainstLaterOnes) {
  const Outcome outcome = Run("first_run_on_a_device_against_later_ones", "good");
  EXPECT_EQ(outcome.observation, "measured");
  EXPECT_TRUE(Says(outcome.message, {"the first run on a device, with the wait for its end, in a process takes ", "of 20 later ones "}))
      << outcome.message;
}

TEST_F(PretendedDevice, ATimeIsSaidPerRun) {
  const Outcome outcome = Run("time_of_a_run_on_a_device", "good");
  EXPECT_EQ(outcome.observation, "measured");
  EXPECT_TRUE(Says(outcome.message, {"100 runs on one stream take ", " us each"})) << outcome.message;
}

TEST_F(PretendedDevice, OverlapIsSaidInTimesToo) {
  EXPECT_TRUE(Says(Run("runs_on_two_streams_overlap", "good").message, {"a run was done while", "by events one run took ", " ms, both together "}));
}

// No graph is asked of a program with state, and no stream of one that takes an input on the host.
TEST_F(PretendedDevice, OtherProgramsAreNotAsked) {
  for (const char* sentence : {kGiven, kReplay, kContext, kCalls}) {
    Case other = case_;
    other.stateful = true;
    EXPECT_TRUE(Named(sentence).targets(other).empty()) << sentence;
    other = case_;
    other.inputs[0].device = kDLCPU;
    EXPECT_TRUE(Named(sentence).targets(other).empty()) << sentence;
    other = case_;
    other.device = "cpu";
    EXPECT_TRUE(Named(sentence).targets(other).empty()) << sentence;
  }
}

// What `aoti-cts mutate` does where there is a device: the runner `faulty`, with the pretended one inside.
TEST_F(PretendedDevice, EveryFaultThatIsAboutADeviceIsKilled) {
  int tried = 0;
  for (const aoti_runners::Fault& fault : aoti_runners::kFaults) {
    // This runner has no library, one weight that nobody extracts, and inputs on one device: rehearsal_test.py tries what is about others.
    const std::string_view killed_by = fault.killed_by;
    const bool of_others = killed_by.starts_with("ABI_") || killed_by.starts_with("CONST_") || killed_by.ends_with(kElsewhere);
    if (!fault.on_cuda || of_others) continue;
    ++tried;
    const std::string killer = fault.killed_by;  // requirement/sentence, and perhaps case.call
    const size_t sentence = killer.find('/') + 1;
    const RunnerSpec faulty{"faulty", AOTI_FAULTY, {{"fault", fault.name}, {"inner", AOTI_PRETENDED_RUNNER}, {"cuda", AOTI_PRETENDED_CUDA}}};
    EXPECT_EQ(Run(killer.substr(sentence, killer.find('/', sentence) - sentence), "good", faulty).verdict, Verdict::kFail) << fault.name;
  }
  EXPECT_GE(tried, 10);
}

TEST_F(PretendedDevice, AnOutputOnTheDeviceOfAnInputIsNoticed) {
  case_.inputs[0].device_index = 1;
  EXPECT_EQ(Run(kElsewhere, "good").verdict, Verdict::kPass);
  const Outcome outcome = Run(kElsewhere, "answers_where_its_input_lies");
  EXPECT_EQ(outcome.verdict, Verdict::kFail);
  EXPECT_TRUE(Says(outcome.message, {"an output of a model loaded on device 0 lies on device 1"}));
}

TEST_F(PretendedDevice, ThreadsThatShareOutputsAreNoticed) {
  const RunnerSpec faulty{"faulty", AOTI_FAULTY, {{"fault", "outputs_shared_by_streams"}, {"inner", AOTI_PRETENDED_RUNNER}}};
  EXPECT_EQ(Run(kThreads, "good", faulty).verdict, Verdict::kFail);
}

TEST_F(PretendedDevice, TheControlOfTheFaultsRaisesNoAlarm) {
  const RunnerSpec control{"faulty", AOTI_FAULTY, {{"fault", "none"}, {"inner", AOTI_PRETENDED_RUNNER}}};
  for (const char* sentence : {kGiven, kCurrent, kTwo, kReplay, kShapes, kContext, kSecond, kTensorRT, kCalls, kLoads, kMatch, kAtOnce, kOffset})
    EXPECT_EQ(Run(sentence, "good", control).verdict, Verdict::kPass) << sentence;
}

TEST(CudaDriverTest, AMissingDriverIsSaidSo) {
  const auto driver = CudaDriver::Open("libno_such_driver.so.1");
  ASSERT_FALSE(driver);
  EXPECT_TRUE(Says(driver.error().message, {"there is no CUDA driver", "libno_such_driver.so.1"}));
}

TEST(CudaDriverTest, ALibraryThatIsNoneIsSaidSo) {
  const auto driver = CudaDriver::Open("libm.so.6");
  ASSERT_FALSE(driver);
  EXPECT_TRUE(Says(driver.error().message, {"libm.so.6 lacks cuInit", "cuStreamCreate", "CUDA 11 or later is wanted"}));
}

}  // namespace
}  // namespace aoti_cts
