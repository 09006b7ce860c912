// SPDX-License-Identifier: Apache-2.0
// CONST: the weights of a package, and what becomes of them when they are replaced. To add a property: a row in kWritten where a sequence of steps
// says it, else one more Registered below.
#include "fixtures/weights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <barrier>
#include <cstring>
#include <fstream>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "conformance/constants_run.h"
#include "conformance/device_call.h"
#include "conformance/in_threads.h"
#include "fixtures/extraction.h"
#include "fixtures/property.h"
#include "fixtures/sandbox.h"

namespace aoti_cts {
namespace {

constexpr double kSequenceDeadline = 90;  // a sequence that fails is made short

std::vector<const Call*> WithVisibleWeights(const Case& c) {
  constexpr uint64_t kVisible = uint64_t{8} << 20;  // far above what else a load may take
  return c.weight_bytes >= kVisible ? OncePerCase(c) : std::vector<const Call*>{};
}

// Memory of this process that lies in RAM, in bytes.
int64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  int64_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

// Memory that is taken where the weights of the program lie: of this process, or of the device.
int64_t TakenBytes(Trial& t) { return t.program().needs_cuda() ? -static_cast<int64_t>(t.cuda().FreeBytes()) : ResidentBytes(); }

// What the driver reports on the way is a failure, of a program on CUDA.
void WhereItLies(Trial& t, void (*body)(Trial&)) {
  t.program().needs_cuda() ? OnCuda(t, [&] { body(t); }) : body(t);
}

constexpr int kRunners = 4;

// How much memory it takes to load once more and run in several threads; the model stays loaded.
int64_t BytesOfOneMore(Trial& t, int num_runners, std::vector<Model>& loaded) {
  const int64_t before = TakenBytes(t);
  loaded.push_back(t.Load({.num_runners = num_runners}));
  t.JudgeCall(loaded.back(), t.ExampleCall(), fmt::format("{} runners", num_runners));
  std::vector<CallInputs> inputs;
  for (int thread = 0; thread < kRunners; ++thread) inputs.push_back(t.Inputs(t.ExampleCall()));
  // A runtime may copy when a further thread calls. They call in turn, for calls at once take more of what a call takes for itself; and what a thread
  // holds of its own, as a handle of cuBLAS, it holds until all have theirs.
  std::mutex turn;
  std::barrier all_have_called(kRunners);
  InThreads(kRunners, [&](int thread) {
    {
      const std::lock_guard lock(turn);
      static_cast<void>(loaded.back().Run(inputs[static_cast<size_t>(thread)].values()));
    }
    all_have_called.arrive_and_wait();
  });
  return TakenBytes(t) - before;
}

void WeighInstances(Trial& t) {
  std::vector<Model> loaded;
  BytesOfOneMore(t, kRunners, loaded);  // brings in the runtime itself
  const int64_t one = BytesOfOneMore(t, 1, loaded);
  const int64_t several = BytesOfOneMore(t, kRunners, loaded);
  const auto weights = static_cast<int64_t>(t.program().weight_bytes);
  t.Check(several - one < weights, fmt::format("a loader with {} runners takes {} bytes, one with a single runner {}; the weights are {} bytes",
                                               kRunners, several, one, weights));
}

const Registered kShared{{.requirement = "CONST_1",
                          .sentence = "weights_are_held_once_by_all_runners",
                          .undisturbed = true,
                          .on_cuda = true,
                          .targets = WithVisibleWeights,
                          .body = [](Trial& t) { WhereItLies(t, WeighInstances); }}};

// --- what is listed ------------------------------------------------------------------------------------------------------

Targets WithSets(std::function<bool(const Case&)> also = {}) {
  return [also = std::move(also)](const Case& c) {
    const bool applies = c.weight_sets > 0 && (!also || also(c));
    return applies ? std::vector<const Call*>{nullptr} : std::vector<const Call*>{};
  };
}

bool Folds(const Case& c) { return c.packaging.contains("folded"); }
bool IsPlain(const Case& c) { return c.packaging.empty(); }

// A runtime may add what it folds. Of two names of one tensor either will do.
void CompareWithStateDict(Trial& t) {
  Model model = t.Load();
  auto listed = model.ListConstants();
  if (!t.Check(bool{listed}, listed ? "" : "the constants cannot be listed: " + listed.refusal().ToString())) return;
  std::set<std::string> expected;
  for (const ConstantSpec& spec : t.package().constants) {
    expected.insert(spec.names.begin(), spec.names.end());
    const auto names_it = [&](const nlohmann::json& entry) {
      return std::find(spec.names.begin(), spec.names.end(), entry.value("name", "")) != spec.names.end();
    };
    const auto found = std::find_if(listed->begin(), listed->end(), names_it);
    if (!t.Check(found != listed->end(), fmt::format("{} is not among the constants", fmt::join(spec.names, " or ")))) continue;
    t.Check(found->value("dtype", "") == spec.dtype,
            fmt::format("{} is {}, the program's is {}", spec.names[0], found->value("dtype", ""), spec.dtype));
  }
  for (const nlohmann::json& entry : *listed) {
    const std::string name = entry.value("name", "");
    t.Check(entry.value("folded", false) || expected.contains(name), fmt::format("the program has no {}", name));
  }
}

const Registered kListed{{.requirement = "CONST_2",
                          .sentence = "constants_are_those_of_the_state_dict",
                          .on_cuda = true,
                          .capability = "constants",
                          .targets = WithSets(),
                          .body = CompareWithStateDict}};

// --- hand-written sequences ------------------------------------------------------------------------------------------------

// To add one: its sentence, what a runner must have, and the steps as conformance/constants_model.h reads them. A failing random sequence is printed
// in this form. Every step must be promised something for each case that `applies` lets through.
struct Written {
  const char* requirement;
  const char* sentence;
  const char* capability;
  const char* steps;
  bool (*applies)(const Case&) = nullptr;
};

constexpr Written kWritten[] = {
    {"CONST_2", "update_shows_in_the_next_call", "constants",
     "load a; run a; update a active 1 all checked; run a; update a active 2 all; run a; update a active 0 all; run a"},
    {"CONST_2", "update_before_the_first_call_shows", "constants", "load a; update a active 1 all checked; run a; extract a active"},
    {"CONST_2", "update_reaches_every_runner", "constants", "load a 4; run a; update a active 1 all; run a"},
    {"CONST_2", "partial_update_changes_only_what_it_names", "constants",
     "load a; run a; update a active 1 even; run a; extract a active; update a active 2 odd; run a; extract a active"},
    {"CONST_2", "checked_update_without_a_parameter_is_refused", "constants",
     "load a; run a; update a active 1 even checked; run a; extract a active; update a active 1 all checked; run a"},
    {"CONST_2", "update_with_an_unknown_name_is_refused", "constant_names",
     "load a; run a; update a active 1 all unknown; run a; extract a active; update a active 1 all; run a"},
    {"CONST_2", "extract_returns_what_was_put_in", "constants",
     "load a; extract a active; update a active 1 all; extract a active; run a; extract a active"},
    {"CONST_2", "loaders_do_not_share_an_update", "constants",
     "load a; load b; run a; run b; update a active 1 all; run b; run a; extract b active; update b active 2 all; run a; run b; unload a; run b"},
    {"CONST_2", "refused_call_leaves_the_weights_alone", "constants",
     "load a; run a; update a active 1 all; bad_run a; run a; extract a active; bad_run a; run a"},
    {"CONST_3", "inactive_update_waits_for_the_swap", "constant_buffers",
     "load a; run a; update a inactive 1 all checked; run a; extract a active; extract a inactive; swap a; run a"},
    {"CONST_3", "swap_back_gives_the_old_answers", "constant_buffers",
     "load a 4; run a; update a inactive 1 all; swap a; run a; extract a inactive; swap a; run a; swap a; run a"},
    {"CONST_3", "freed_buffer_can_be_filled_again", "constant_buffers",
     "load a; run a; update a inactive 1 all; swap a; run a; free a; run a; update a inactive 2 all; swap a; run a; swap a; run a"},
    {"CONST_3", "call_on_an_empty_buffer_is_refused", "constant_buffers",
     "load a; run a; swap a; run a; swap a; run a; update a inactive 1 all; swap a; run a; free a; swap a; run a; swap a; run a"},
    {"CONST_3", "folding_follows_an_update", "constant_buffers",
     "load a; run a; update a active 1 all; fold a active; run a; update a inactive 2 all; fold a inactive; run a; swap a; run a; "
     "update a inactive 1 all; swap a; run a; update a active 0 even; run a"},
    {"CONST_4", "user_managed_weights_are_read_where_they_lie", "user_managed_constants",
     "load a; run a; update a active 1 all managed; run a; write a 2; run a; extract a active; update a active 0 odd; write a 1; run a",
     [](const Case& c) { return !Folds(c); }},
};

const bool kWrittenAreRegistered = [] {
  for (const Written& written : kWritten) {
    Properties().push_back({.requirement = written.requirement,
                            .sentence = written.sentence,
                            .on_cuda = true,
                            .capability = written.capability,
                            .deadline_seconds = kSequenceDeadline,
                            .targets = WithSets(written.applies),
                            .body = [&written](Trial& t) { JudgeSequence(t, TraitsOf(t), ParseSequence(written.steps).value(), written.sentence); }});
  }
  return true;
}();

// --- random sequences --------------------------------------------------------------------------------------------------------

const bool kRandomAreRegistered = [] {
  constexpr uint64_t kSeeds = 64;
  constexpr uint64_t kByDefault = 8;
  constexpr int kSteps = 24;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    Properties().push_back({.requirement = "CONST_2",
                            .sentence = fmt::format("random_sequence_{:02}_is_as_promised", seed),
                            .long_running = seed >= kByDefault,
                            .on_cuda = true,
                            .capability = "constants",
                            .deadline_seconds = kSequenceDeadline,
                            .targets = WithSets(),
                            .body = [seed](Trial& t) {
                              const ConstantsTraits traits = TraitsOf(t);
                              JudgeSequence(t, traits, RandomSequence(seed, traits, kSteps), fmt::format("seed {}", seed));
                            }});
  }
  return true;
}();

// --- where an update's values lie ---------------------------------------------------------------------------------------------

// model_container.h takes strides and offset from the tensor that it is given, which need not be contiguous.
enum class View { kAtAnOffset, kEverySecondColumn, kTransposed };

// The same values elsewhere on the constant's device: a view of a larger or differently ordered storage, filled up with numbers that no weight has.
class Elsewhere {
 public:
  // `dense` lies in host memory.
  Elsewhere(Model& model, const aoti_value& dense, View view, DLDeviceType device)
      : shape_(dense.tensor.shape, dense.tensor.shape + dense.tensor.ndim) {
    const DTypeInfo& dtype = *InfoOf(dense.tensor.dtype);
    const int64_t row = ElementCount(shape_) / shape_[0];
    constexpr int64_t kRows = 2;  // before it, and as many behind
    int64_t offset = 0, count = ElementCount(shape_);
    strides_ = RowMajorStrides(shape_);
    if (view == View::kAtAnOffset) {
      count += 2 * kRows * row;
      offset = kRows * row;
    }
    if (view == View::kEverySecondColumn) {
      count *= 2;
      for (int64_t& stride : strides_) stride *= 2;
    }
    if (view == View::kTransposed) strides_ = {1, shape_[0]};
    storage_.resize(static_cast<size_t>(count) * dtype.size);
    for (int64_t i = 0; i < count; ++i) StoreElement(dtype.dtype, storage_.data() + static_cast<size_t>(i) * dtype.size, 1000);
    const auto* from = static_cast<const char*>(dense.tensor.data) + dense.tensor.byte_offset;
    for (int64_t i = 0; i < ElementCount(shape_); ++i) {
      const int64_t at = offset + (i / row) * strides_[0] + (shape_.size() > 1 ? (i % row) * strides_[1] : 0);
      std::memcpy(storage_.data() + static_cast<size_t>(at) * dtype.size, from + static_cast<size_t>(i) * dtype.size, dtype.size);
    }
    value_ = dense;
    value_.tensor.data = storage_.data();
    value_.storage_data = storage_.data();
    value_.storage_bytes = storage_.size();
    if (device != kDLCPU) PutOn(model, device, count);
    value_.tensor.byte_offset = static_cast<uint64_t>(offset) * dtype.size;
    value_.tensor.shape = shape_.data();
    value_.tensor.strides = strides_.data();
  }
  Elsewhere(const Elsewhere&) = delete;
  Elsewhere& operator=(const Elsewhere&) = delete;
  const aoti_value& value() const { return value_; }

 private:
  // The whole storage, as one row.
  void PutOn(Model& model, DLDeviceType device, int64_t count) {
    int64_t stride = 1;
    aoti_value row = value_;
    row.tensor.byte_offset = 0;
    row.tensor.ndim = 1;
    row.tensor.shape = &count;
    row.tensor.strides = &stride;
    auto copy = model.CopyTo({{device, 0}}, std::span(&row, 1));
    if (!copy) throw std::runtime_error("a view cannot be put on its device: " + copy.refusal().ToString());
    copy_.emplace(std::move(*copy));
    const aoti_value& there = copy_->values()[0];
    value_.tensor.data = value_.storage_data = static_cast<char*>(there.tensor.data) + there.tensor.byte_offset;
    value_.tensor.device = there.tensor.device;
  }

  Shape shape_, strides_;
  std::vector<char> storage_;
  std::optional<Outputs> copy_;  // of the storage, on a device
  aoti_value value_{};
};

// Each constant in turn comes as a view, the others dense; afterwards all are those of set 1 and the answer is theirs.
std::string ComplaintAboutView(Trial& t, View view, size_t which) {
  Model model = t.Load();
  auto listed = model.ListConstants();
  if (!listed) return listed.refusal().ToString();
  const auto constants = ConstantsByFormula(t.package(), *listed);
  if (which >= constants.size()) return "it is not among the constants";
  Weights weights(t.program(), model, constants, 1);
  const Elsewhere elsewhere(model, weights.HostValue(which), view, constants[which].spec->device);
  if (const auto refusal = model.UpdateConstants(weights.Values(Part::kAll), {})) return refusal->ToString();
  const aoti_named_value changed{constants[which].name.c_str(), elsewhere.value()};
  if (const auto refusal = model.UpdateConstants(std::span(&changed, 1), {})) return refusal->ToString();
  const CallInputs inputs = t.Inputs(t.ExampleCall());
  auto outputs = model.Run(inputs.values());
  if (!outputs) return "the next call was " + outputs.refusal().ToString();
  const Comparison comparison = CompareOutputs(outputs->values(), t.golden(CallWith(t.program(), {1, 1})), t.latitude(), inputs.values());
  return comparison.equal ? "" : "the next call is not that of the new weights: " + comparison.message;
}

void UpdateFromViews(Trial& t, View view) {
  t.StopKeeping("the test changes constants, each time in a process of its own");
  size_t tried = 0;
  size_t position = 0;
  for (const ConstantSpec& spec : t.package().constants) {
    const size_t which = position++;
    if (view == View::kTransposed && spec.shape.size() != 2) continue;
    const std::string complaint = InAChild([&] { return ComplaintAboutView(t, view, which); });
    t.Check(complaint.empty(), fmt::format("{} from a view: {}", spec.names[0], complaint));
    ++tried;
  }
  t.Check(tried > 0, "no constant can be such a view");
}

const bool kViewsAreRegistered = [] {
  for (const auto& [view, name] : {std::pair{View::kAtAnOffset, "rows_inside_a_tensor"}, std::pair{View::kEverySecondColumn, "every_second_column"},
                                   std::pair{View::kTransposed, "a_transposed_tensor"}}) {
    Properties().push_back({.requirement = "CONST_2",
                            .sentence = fmt::format("update_takes_{}", name),
                            .on_cuda = true,
                            .capability = "constants",
                            .deadline_seconds = kSequenceDeadline,
                            .targets = WithSets(IsPlain),
                            .body = [view = view](Trial& t) { UpdateFromViews(t, view); }});
  }
  return true;
}();

// Constants on a device, given in host memory: some releases copy them, others refuse them and have update_constant_buffer_from_cpu() beside it.
std::string ComplaintAboutHostMemory(Trial& t) {
  Model model = t.Load();
  auto listed = model.ListConstants();
  if (!listed) return listed.refusal().ToString();
  const auto constants = ConstantsByFormula(t.package(), *listed);
  Weights on_host(t.program(), constants, 1);
  const auto refusal = model.UpdateConstants(on_host.Values(Part::kAll), {.check_full = true});
  if (refusal && refusal->status != AOTI_REFUSED) return refusal->ToString();
  const Call& promised = refusal ? t.ExampleCall() : CallWith(t.program(), {1, 1});
  const CallInputs inputs = t.Inputs(t.ExampleCall());
  auto outputs = model.Run(inputs.values());
  if (!outputs) return "the next call was " + outputs.refusal().ToString();
  const Comparison comparison = CompareOutputs(outputs->values(), t.golden(promised), t.latitude(), inputs.values());
  if (comparison.equal) return "";
  return fmt::format("an update was {}, and the next call is not that of the {} weights: {}", refusal ? refusal->ToString() : "accepted",
                     refusal ? "old" : "new", comparison.message);
}

const Registered kFromHostMemory{{.requirement = "CONST_2",
                                  .sentence = "update_from_host_memory_shows_or_is_refused",
                                  .on_cuda = true,
                                  .capability = "constants",
                                  .targets = WithSets([](const Case& c) { return c.needs_cuda() && !Folds(c); }),
                                  .body = [](Trial& t) {
                                    t.StopKeeping("the test changes constants, in a process of its own");
                                    const std::string complaint = InAChild([&] { return ComplaintAboutHostMemory(t); });
                                    t.Check(complaint.empty(), complaint);
                                  }}};

// --- weights in a file ----------------------------------------------------------------------------------------------------------

bool InAFile(const Case& c) { return c.packaging.contains("in_file"); }

std::filesystem::path WeightsFile() {
  for (const std::filesystem::path& folder : {SandboxTemporary(), ExtractionFolder()}) {
    if (folder.empty()) continue;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      if (entry.path().extension() == ".blob") return entry.path();
    }
  }
  return {};
}

// From now on memory of the host that is given back does not keep what it held, so that whoever reads it still is seen: glibc overwrites it, or the
// returned function does, for small blocks that glibc keeps at hand as they are.
std::function<void()> OverwriteFreedMemory(size_t block) {
  constexpr int kOther = 0x5a;
  mallopt(M_PERTURB, kOther);
  return [block] {
    constexpr int kBlocks = 16;  // more than are kept at hand
    std::vector<std::vector<char>> taken;
    for (int i = 0; i < kBlocks; ++i) taken.emplace_back(block, static_cast<char>(kOther));
  };
}

// interface.h: "Load weights from a single blob". After other weights, or after the file itself, the weights are those of the file.
std::string ComplaintAboutFile(Trial& t, bool after_an_update) {
  Model model = t.Load();
  const std::filesystem::path file = WeightsFile();
  if (file.empty()) return "there is no file of weights";
  const CallInputs inputs = t.Inputs(t.ExampleCall());
  const auto complaint_of = [&](const Call& call, const std::string& when) -> std::string {
    auto outputs = model.Run(inputs.values());
    if (!outputs) return when + " a call was " + outputs.refusal().ToString();
    const Comparison comparison = CompareOutputs(outputs->values(), t.golden(call), t.latitude(), inputs.values());
    return comparison.equal ? "" : when + " the answer is not that of its weights: " + comparison.message;
  };
  if (after_an_update) {
    auto listed = model.ListConstants();
    if (!listed) return listed.refusal().ToString();
    const auto constants = ConstantsByFormula(t.package(), *listed);
    Weights weights(t.program(), model, constants, 1);
    if (const auto refusal = model.UpdateConstants(weights.Values(Part::kAll), {.check_full = true})) return refusal->ToString();
    if (auto complaint = complaint_of(CallWith(t.program(), {1, 1}), "after an update"); !complaint.empty()) return complaint;
  }
  const auto overwrite = OverwriteFreedMemory(std::filesystem::file_size(file));
  if (const auto refusal = model.LoadConstantsFromFile(file)) return refusal->ToString();
  overwrite();
  return complaint_of(t.ExampleCall(), "after loading from the file");
}

void LoadFromFile(Trial& t, bool after_an_update) {
  t.StopKeeping("the test loads constants from a file, in a process of its own");
  const std::string complaint = InAChild([&] { return ComplaintAboutFile(t, after_an_update); });
  t.Check(complaint.empty(), complaint);
}

const Registered kFileAfterUpdate{{.requirement = "CONST_4",
                                   .sentence = "weights_file_replaces_an_update",
                                   .on_cuda = true,
                                   .capability = "constants_from_file",
                                   .deadline_seconds = kSequenceDeadline,
                                   .targets = WithSets(InAFile),
                                   .body = [](Trial& t) { LoadFromFile(t, true); }}};
const Registered kFileTwice{{.requirement = "CONST_4",
                             .sentence = "weights_file_can_be_loaded_again",
                             .on_cuda = true,
                             .capability = "constants_from_file",
                             .deadline_seconds = kSequenceDeadline,
                             .targets = WithSets(InAFile),
                             .body = [](Trial& t) { LoadFromFile(t, false); }}};

// --- memory ----------------------------------------------------------------------------------------------------------------------

// Field report pytorch#125657: each update of the inactive buffer took memory anew.
void UpdateOverAndOver(Trial& t) {
  constexpr int kRounds = 6;
  Model model = t.Load();
  auto listed = model.ListConstants();
  if (!t.Check(bool{listed}, "the constants cannot be listed")) return;
  const auto constants = ConstantsByFormula(t.package(), *listed);
  Weights weights(t.program(), model, constants, 0);
  t.JudgeCall(model, t.ExampleCall(), "before any update");
  const auto round = [&] {
    if (const auto refusal = model.UpdateConstants(weights.Values(Part::kAll), {.inactive = true})) t.Fail("an update was " + refusal->ToString());
    if (const auto refusal = model.SwapConstants()) t.Fail("a swap was " + refusal->ToString());
    t.JudgeCall(model, t.ExampleCall(), "after an update and a swap");
  };
  round();
  round();  // both buffers have been filled
  const int64_t before = TakenBytes(t);
  for (int i = 0; i < kRounds; ++i) round();
  const int64_t grown = TakenBytes(t) - before;
  const auto bytes = static_cast<int64_t>(t.program().weight_bytes);
  t.Check(grown < bytes, fmt::format("{} updates of {} bytes of weights took {} bytes more", kRounds, bytes, grown));
}

const Registered kUpdatesTakeNoMemory{{.requirement = "CONST_1",
                                       .sentence = "updates_take_no_more_memory_each_time",
                                       .undisturbed = true,
                                       .on_cuda = true,
                                       .capability = "constant_buffers",
                                       .targets = WithVisibleWeights,
                                       .body = [](Trial& t) { WhereItLies(t, UpdateOverAndOver); }}};

// Field report pytorch#193915: the weights stay mapped after the model is gone.
void UnloadAndLookForWeights(Trial& t) {
  {
    Model model = t.Load();
    t.JudgeCall(model, t.ExampleCall());
  }
  std::string found;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find(".blob") != std::string::npos) found = line;
  }
  t.Check(found.empty(), "the file of weights is mapped after unloading: " + found);
}

const Registered kUnmapped{{.requirement = "CONST_1",
                            .sentence = "weights_file_is_unmapped_when_the_model_is_unloaded",
                            .on_cuda = true,
                            .targets = WithSets(InAFile),
                            .body = UnloadAndLookForWeights}};

// --- what nothing is promised about ------------------------------------------------------------------------------------------------

// Runs in a child what may end the process, and records in a word what became of it.
void ObserveInAChild(Trial& t, const std::function<std::string()>& body) {
  t.StopKeeping("the test changes constants, in a process of its own");
  const std::string said = InAChild(body);
  const size_t colon = said.find(": ");
  const bool word = colon != std::string::npos && !said.starts_with("SIG");
  t.Observe(word ? said.substr(0, colon) : said.starts_with("SIG") ? "crash" : "hang", word ? said.substr(colon + 2) : said);
}

// "correct: ..." where the answer is that of the weights, "silently_wrong: ..." where it is not.
std::string AnswerAfter(Trial& t, Model& model, const WeightSets& sets, const std::string& what) {
  const CallInputs inputs = t.Inputs(t.ExampleCall());
  auto outputs = model.Run(inputs.values());
  if (!outputs) return "refused: " + what + ", the next call: " + outputs.refusal().ToString();
  const Comparison comparison = CompareOutputs(outputs->values(), t.golden(CallWith(t.program(), sets)), t.latitude(), inputs.values());
  return comparison.equal ? "correct: " + what : "silently_wrong: " + what + ": " + comparison.message;
}

enum class Misfit { kSmaller, kAnotherDType, kAnotherRank };

std::string UpdateWithAMisfit(Trial& t, Misfit misfit) {
  Model model = t.Load();
  auto listed = model.ListConstants();
  if (!listed) return "refused: " + listed.refusal().ToString();
  const auto constants = ConstantsByFormula(t.package(), *listed);
  const KnownConstant& first = constants[0];
  const Shape shape = misfit == Misfit::kSmaller       ? Shape{3}
                      : misfit == Misfit::kAnotherRank ? Shape{ElementCount(first.spec->shape)}
                                                       : first.spec->shape;
  const DType dtype = misfit == Misfit::kAnotherDType ? DType::kInt32 : first.dtype;
  HostTensor tensor("misfit", dtype, shape, {1, 9, 0}, GuardSide::kEnd);
  std::optional<Outputs> there;
  if (first.spec->device != kDLCPU) there.emplace(t.Require(model.CopyTo({{first.spec->device, 0}}, {{tensor.AsValue()}}), "copying to the device"));
  const aoti_named_value value{first.name.c_str(), there ? there->values()[0] : tensor.AsValue()};
  const std::string what =
      fmt::format("{} {} of {} given as {} {}", first.name, first.spec->dtype, ToString(first.spec->shape), InfoOf(dtype).name, ToString(shape));
  if (const auto refusal = model.UpdateConstants(std::span(&value, 1), {})) return "refused: " + what + " was " + refusal->ToString();
  return AnswerAfter(t, model, {0, 0}, what + " was accepted");
}

const bool kMisfitsAreRegistered = [] {
  for (const auto& [misfit, name] : {std::pair{Misfit::kSmaller, "a_smaller_shape"}, std::pair{Misfit::kAnotherDType, "another_dtype"},
                                     std::pair{Misfit::kAnotherRank, "another_rank"}}) {
    Properties().push_back({.requirement = "CONST_5",
                            .sentence = fmt::format("update_with_{}", name),
                            .judged = false,
                            .on_cuda = true,
                            .capability = "constants",
                            .targets = WithSets(IsPlain),
                            .body = [misfit = misfit](Trial& t) { ObserveInAChild(t, [&] { return UpdateWithAMisfit(t, misfit); }); }});
  }
  return true;
}();

const Registered kBare{{.requirement = "CONST_5",
                        .sentence = "first_call_without_weights",
                        .judged = false,
                        .on_cuda = true,
                        .capability = "constants",
                        .targets = WithSets([](const Case& c) { return c.packaging.contains("absent"); }),
                        .body = [](Trial& t) {
                          ObserveInAChild(t, [&]() -> std::string {
                            Model model = t.LoadBare(t.package().path);
                            return AnswerAfter(t, model, {0, 0}, "no weights were given");
                          });
                        }}};

// What a buffer is that was never filled, or was freed: folded, then read by a call; extracted.
const Registered kFoldEmpty{{.requirement = "CONST_5",
                             .sentence = "folding_an_empty_buffer_and_swapping_to_it",
                             .judged = false,
                             .on_cuda = true,
                             .capability = "constant_buffers",
                             .targets = WithSets(),
                             .body = [](Trial& t) {
                               ObserveInAChild(t, [&]() -> std::string {
                                 Model model = t.Load();
                                 if (const auto refusal = model.FoldConstants(true)) return "refused: folding was " + refusal->ToString();
                                 if (const auto refusal = model.SwapConstants()) return "refused: the swap was " + refusal->ToString();
                                 return AnswerAfter(t, model, {0, 0}, "a buffer that was never filled was folded and swapped to");
                               });
                             }}};

const Registered kExtractFreed{{.requirement = "CONST_5",
                                .sentence = "extracting_a_freed_buffer",
                                .judged = false,
                                .on_cuda = true,
                                .capability = "constant_buffers",
                                .targets = WithSets(IsPlain),
                                .body = [](Trial& t) {
                                  ObserveInAChild(t, [&]() -> std::string {
                                    Model model = t.Load();
                                    auto listed = model.ListConstants();
                                    if (!listed) return "refused: " + listed.refusal().ToString();
                                    const auto constants = ConstantsByFormula(t.package(), *listed);
                                    Weights weights(t.program(), model, constants, 1);
                                    if (const auto refusal = model.UpdateConstants(weights.Values(Part::kAll), {.inactive = true}))
                                      return "refused: " + refusal->ToString();
                                    if (const auto refusal = model.FreeInactiveConstants()) return "refused: " + refusal->ToString();
                                    auto extracted = model.ExtractConstants(true);
                                    if (!extracted) return "refused: " + extracted.refusal().ToString();
                                    const size_t count = extracted->values().size();
                                    return fmt::format("{}: {} constants come out of a buffer that was freed",
                                                       count == 0 ? "nothing" : "freed_memory", count);
                                  });
                                }}};

// A call that has returned and whose work a stream holds back reads the weights when it is done, not when it is made.
enum class Renewal { kUpdate, kSwapAndUpdate };

void RenewUnderACallInFlight(Trial& t, Renewal renewal) {
  Model model = t.Load();
  const auto listed = t.Require(model.ListConstants(), "the list of constants");
  const auto constants = ConstantsByFormula(t.package(), listed);
  Weights first(t.program(), model, constants, 1), second(t.program(), model, constants, 2);
  DeviceCall call(t, model, t.ExampleCall());
  CudaStream stream(t.cuda());
  call.WarmUp(stream);
  const auto require = [&](const std::optional<Refusal>& refusal) {
    if (refusal) t.Require(Answer<int>(*refusal), "a change of constants");
  };
  if (renewal == Renewal::kSwapAndUpdate) require(model.UpdateConstants(second.Values(Part::kAll), {.inactive = true}));  // it takes its memory now
  call.FillOn(stream);
  stream.Synchronize();
  Gate gate(stream);
  const Outputs outputs = call.RunOn(stream);
  if (stream.IsIdle() || gate.GaveWay()) return t.Observe("no_call_in_flight", "the run waits for its own work");
  if (renewal == Renewal::kSwapAndUpdate) require(model.SwapConstants());
  require(model.UpdateConstants(first.Values(Part::kAll), {.inactive = renewal == Renewal::kSwapAndUpdate}));
  const bool waited = gate.GaveWay();
  gate.Open();
  call.FetchOn(stream, outputs);
  stream.Synchronize();
  const auto is_of = [&](const WeightSets& sets) { return call.FetchedAre(t.golden(CallWith(t.program(), sets))); };
  const char* observed = is_of({0, 0}) ? "the_weights_from_before" : is_of({1, 1}) ? "the_new_weights" : "neither";
  t.Observe(observed, fmt::format("a call in flight reads {}; {}", observed, waited ? "the update waits for it" : "nobody waits for it"));
}

const bool kRenewalsAreRegistered = [] {
  for (const auto& [renewal, name, capability] :
       {std::tuple{Renewal::kUpdate, "an_update", "constants"}, std::tuple{Renewal::kSwapAndUpdate, "a_swap_and_an_update", "constant_buffers"}}) {
    Properties().push_back({.requirement = "CONST_5",
                            .sentence = fmt::format("weights_of_a_call_in_flight_after_{}", name),
                            .judged = false,
                            .on_cuda = true,
                            .capability = capability,
                            .targets = WithSets([](const Case& c) { return IsPlain(c) && c.weight_sets > 2 && !OncePerCudaCase(c).empty(); }),
                            .body = [renewal = renewal](Trial& t) { OnCuda(t, [&] { RenewUnderACallInFlight(t, renewal); }); }});
  }
  return true;
}();

// Buffers that an update of the inactive buffer leaves out are taken from the active one. With user-managed weights they are shared with it.
const Registered kManagedPartly{{.requirement = "CONST_5",
                                 .sentence = "user_managed_update_that_leaves_a_buffer_out",
                                 .judged = false,
                                 .on_cuda = true,
                                 .capability = "user_managed_constants",
                                 .targets = WithSets([](const Case& c) { return IsPlain(c) && c.origin() == "replaced_buffers"; }),
                                 .body = [](Trial& t) {
                                   ObserveInAChild(t, [&]() -> std::string {
                                     Model model = t.Load();
                                     auto listed = model.ListConstants();
                                     if (!listed) return "refused: " + listed.refusal().ToString();
                                     const auto constants = ConstantsByFormula(t.package(), *listed);
                                     Weights same(t.program(), model, constants, 0), other(t.program(), model, constants, 1);
                                     std::vector<aoti_named_value> parameters = same.Values(Part::kAll);
                                     std::erase_if(parameters, [&](const aoti_named_value& value) {
                                       return std::any_of(constants.begin(), constants.end(), [&](const KnownConstant& constant) {
                                         return constant.name == value.name && constant.spec->kind == "buffer";
                                       });
                                     });
                                     if (const auto refusal = model.UpdateConstants(parameters, {.inactive = true, .user_managed = true}))
                                       return "refused: " + refusal->ToString();
                                     if (const auto refusal = model.SwapConstants()) return "refused: " + refusal->ToString();
                                     if (const auto refusal = model.UpdateConstants(other.Values(Part::kAll), {.inactive = true}))
                                       return "refused: " + refusal->ToString();
                                     return AnswerAfter(t, model, {0, 0}, "buffers were left out, then the other buffer was updated");
                                   });
                                 }}};

}  // namespace
}  // namespace aoti_cts
