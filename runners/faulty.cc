// SPDX-License-Identifier: Apache-2.0
// Runner `faulty`: wraps another runner and breaks one promise, chosen by name. What the suite must notice is written beside each fault, and
// `aoti-cts mutate` proves it. To add a fault: one row in kFaults with the function that spoils outputs, or with a place below that asks IsFault().
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "runners/answer.h"
#include "runners/aoti_runner.h"
#include "runners/faulty_outputs.h"

namespace aoti_runners {
namespace {

using nlohmann::json;

struct Fault {
  const char* name;
  const char* what;
  const char* killed_by;                           // requirement/sentence that must turn red
  void (*spoil)(OwnedOutputs& outputs) = nullptr;  // what it does to the outputs of every call
};

uint8_t poison_byte = 0;

void UnwriteLast(OwnedOutputs& outputs) {
  if (auto* last = LastElement<float>(outputs)) std::memset(last, poison_byte, sizeof *last);
}

constexpr Fault kFaults[] = {
    {"none", "nothing is broken: the control", ""},
    {"last_element", "the last element of the last output is off by one part in a thousand", "NUM_1/outputs_match_the_reference", ChangeLastElement},
    {"wrong_stride", "outputs come back transposed in memory, values and shape right", "NUM_1/outputs_match_the_reference", Transpose},
    {"wrong_dtype", "float32 outputs come back as float64", "NUM_1/outputs_match_the_reference", Widen},
    {"wrong_shape", "the first two sizes of an output are swapped", "NUM_1/outputs_match_the_reference", SwapSizes},
    {"output_missing", "the last output is dropped", "NUM_1/outputs_match_the_reference", DropLast},
    {"nan_in_output", "the first element of the first output is NaN", "NUM_1/outputs_match_the_reference", PutNaN},
    {"aliased_input", "the first output lies in the memory of the first input", "NUM_1/outputs_match_the_reference"},
    {"input_overwritten", "a run changes the caller's first input", "NUM_1/outputs_match_the_reference"},
    {"input_overread", "a run reads one byte past the end of the first input", "NUM_1/outputs_match_the_reference"},
    {"memory_not_guarded", "guards and poison are asked for, and there are none", "NUM_1/no_allocation_is_overrun"},
    {"unwritten_element", "the last element of the last output is never written", "NUM_1/unwritten_memory_stays_out_of_outputs", UnwriteLast},
    {"output_reused", "the next run writes into the outputs of the one before", "NUM_6/outputs_outlive_later_calls_and_the_loader"},
    {"crash_on_third_call", "the third call of a process ends it with SIGSEGV", "NUM_6/outputs_outlive_later_calls_and_the_loader"},
    {"hang_on_third_call", "the third call of a process never returns", "NUM_6/outputs_outlive_later_calls_and_the_loader"},
    {"checks_ignored", "AOTI_RUNTIME_CHECK_INPUTS has no effect", "DYN_1/size_outside_the_range_is_refused"},
    {"refused_call_returns", "a refused call returns the outputs of the last good one, or none", "DYN_1/size_outside_the_range_is_refused"},
    {"unsupported_in_secret", "a call that would be refused is answered as if there were no such operation",
     "DYN_1/size_outside_the_range_is_refused"},
    {"refusal_without_words", "every refusal says only that something is invalid", "ERR_1/refusal_names_input_dimension_and_size"},
    {"stuck_after_refusal", "after one refusal no call succeeds", "DYN_6/next_good_call_after_refusals_is_golden"},
    {"swapped_results", "threads get each other's results", "THR_1/every_thread_gets_its_own_answer_4x2"},
    {"cold_start_hangs", "two first calls of a fresh loader at once never return", "THR_3/first_calls_at_once_all_return_1_runner"},
    {"later_loads_fail", "the tenth load of a process, and all after it, are refused", "THR_4/loaders_constructed_in_turn_all_work"},
    {"refusal_lost_under_load", "a call that would be refused returns once several threads have called",
     "THR_7/each_request_gets_its_own_answer_or_refusal"},
    {"cached_result", "a second call with the same shapes gets the first one's result", "NUM_1/outputs_follow_the_inputs"},
    {"lost_metadata", "the device key is missing from the metadata of a loaded model", "PKG_2/metadata_of_package_and_model_agree"},
    {"damage_accepted", "a package that cannot be loaded loads as a model without outputs", "PKG_3/truncated_package_is_refused"},
    {"python_mapped", "a library called libpython is mapped while a model is loaded", "LOAD_2/no_python_is_mapped"},
    {"file_left_behind", "unloading leaves a file in TMPDIR", "LIFE_1/unloading_leaves_no_file"},
    {"folder_left_elsewhere", "packages are extracted outside TMPDIR, and unloading leaves them there", "LIFE_1/unloading_leaves_no_file"},
    {"offset_ignored", "an input is read from the beginning of its storage", "DYN_5/input_at_an_offset_is_answered_right"},
    {"first_layout_assumed", "dtype, rank and strides of an input are taken to be those of the first call",
     "DYN_5/wrong_dtype_is_refused_or_answered_right"},
    {"state_forgotten", "every call starts from the buffers of the package", "THR_6/each_call_goes_on_from_the_one_before"},
    {"loader_reused", "a package that is loaded is not loaded again: both loaders are one", "THR_6/each_loader_has_state_of_its_own"},
    {"refused_call_counts", "a refused call runs the program with the last good inputs", "THR_6/refused_call_leaves_state_alone"},
    {"calls_in_turn", "one call at a time, however many runners there are", "THR_2/calls_overlap_where_each_has_a_runner"},
    {"first_package_answers", "the calls of every later package go to the first one", "NUM_5/packages_in_a_row_are_golden"},
    {"wrong_with_grad_mode", "the last element is off where the caller has grad mode on", "LOAD_3/answer_is_right_in_every_grad_mode",
     ChangeLastElement},
    {"grad_leaks", "outputs require grad where inputs do", "LOAD_3/answer_is_right_in_every_grad_mode", RequireGrad},
    {"wrong_when_single_threaded", "the last element is off where run_single_threaded is on", "LOAD_4/single_threaded_loader_is_golden",
     ChangeLastElement},
    {"compiler_is_run", "loading runs a program and waits for it", "LOAD_2/no_compiler_or_other_process_is_run"},
    {"weights_per_runner", "each runner after the first holds the package once more", "CONST_1/weights_are_held_once_by_all_runners"},
    {"call_missing_in_trace", "a trace lacks one of its calls", "PROF_1/trace_holds_every_call_and_no_gpu_work"},
    {"library_needs_python", "the library of a package names a Python library as needed", "ABI_1/library_needs_no_python"},
    {"entry_point_missing", "the library of a package does not export its run function", "ABI_1/library_exports_the_entry_points"},
    {"cpp_symbol_wanted", "the library of a package takes a function of PyTorch's C++", "ABI_1/library_takes_only_c_functions_of_torch"},
    {"count_ignored", "surplus and missing inputs are made up for in silence", "LOAD_5/wrong_input_count_is_refused"},
};

const aoti_runner_api* inner = nullptr;
const Fault* fault = &kFaults[0];
std::string inner_name;

bool IsFault(std::string_view name) { return name == fault->name; }

// --- faults between calls --------------------------------------------------------------------------------------------

std::mutex between_calls;
std::atomic<int> calls{0};
std::atomic<bool> refused_once{false};
std::atomic<bool> several_threads{false};  // calls have come from more than one thread
std::atomic<int> loads{0};
std::atomic<int> under_way{0};
std::atomic<int> finished{0};

std::string ShapesKey(const aoti_value* inputs, size_t count) {
  std::string key;
  for (size_t i = 0; i < count; ++i) {
    for (int32_t d = 0; d < inputs[i].tensor.ndim; ++d) key += std::to_string(inputs[i].tensor.shape[d]) + ",";
    key += ";";
  }
  return key;
}

aoti_outputs OutputsOf(OwnedOutputs& owned) { return {owned.values.data(), owned.values.size(), nullptr}; }

// Gives this caller the result of the previous one, if that was another thread.
std::unique_ptr<OwnedOutputs> Swapped(std::unique_ptr<OwnedOutputs> mine) {
  static std::thread::id last_thread;
  static std::unique_ptr<OwnedOutputs> last;
  const std::lock_guard lock(between_calls);
  auto kept = CopyOf(OutputsOf(*mine));
  const bool other = last != nullptr && last_thread != std::this_thread::get_id();
  std::unique_ptr<OwnedOutputs> given = other ? std::move(last) : std::move(mine);
  last = std::move(kept);
  last_thread = std::this_thread::get_id();
  return given;
}

std::unique_ptr<OwnedOutputs> Cached(const std::string& key, std::unique_ptr<OwnedOutputs> mine) {
  static std::map<std::string, std::unique_ptr<OwnedOutputs>> cache;
  const std::lock_guard lock(between_calls);
  auto& entry = cache[key];
  if (!entry) entry = CopyOf(OutputsOf(*mine));
  return CopyOf(OutputsOf(*entry));
}

// Lends every caller the same buffers, as a runtime does that forgets who owns an output.
void GiveReused(std::unique_ptr<OwnedOutputs> mine, aoti_outputs* outputs) {
  static OwnedOutputs* shared = nullptr;
  const std::lock_guard lock(between_calls);
  const bool same = shared != nullptr && shared->data.size() == mine->data.size() && shared->shapes == mine->shapes;
  if (!same) shared = CopyOf(OutputsOf(*mine)).release();  // lives as long as the process
  for (size_t i = 0; i < mine->data.size(); ++i) std::memcpy(shared->data[i].data(), mine->data[i].data(), mine->data[i].size());
  *outputs = {shared->values.data(), shared->values.size(), nullptr};
}

// Marks a call as under way for as long as it lives.
class CallUnderWay {
 public:
  CallUnderWay() {
    static const std::thread::id first = std::this_thread::get_id();
    if (first != std::this_thread::get_id()) several_threads = true;
    ++under_way;
  }
  ~CallUnderWay() {
    --under_way;
    ++finished;
  }
  CallUnderWay(const CallUnderWay&) = delete;
  CallUnderWay& operator=(const CallUnderWay&) = delete;
};

// As a lock taken twice does: waits a while for another first call, and where there is one, for ever.
void HangAtColdStart() {
  constexpr auto kLongEnough = std::chrono::milliseconds(200);
  const auto start = std::chrono::steady_clock::now();
  while (finished == 0 && std::chrono::steady_clock::now() - start < kLongEnough) {
    while (under_way > 1) std::this_thread::sleep_for(std::chrono::hours(1));
  }
}

void OnThirdCall() {
  const int number = ++calls;
  if (number != 3) return;
  if (IsFault("crash_on_third_call")) raise(SIGSEGV);
  while (IsFault("hang_on_third_call")) std::this_thread::sleep_for(std::chrono::hours(1));
}

std::mutex one_at_a_time;
std::unique_ptr<OwnedOutputs> last_good_inputs;  // copied

void RunAgain(aoti_model* model, const aoti_run_options* options) {
  aoti_outputs outputs{};
  const auto error = std::make_unique<aoti_error>();
  if (last_good_inputs == nullptr) return;
  const std::vector<aoti_value>& inputs = last_good_inputs->values;
  if (inner->run(model, inputs.data(), inputs.size(), options, &outputs, error.get()) == AOTI_OK) inner->release_outputs(&outputs);
}

// The inputs as they come, or as the fault takes them to be.
std::vector<aoti_value> AsGiven(const aoti_value* inputs, size_t count) {
  static std::vector<aoti_value> first;
  static std::vector<std::vector<int64_t>> shapes, strides;
  std::vector<aoti_value> given(inputs, inputs + count);
  if (IsFault("offset_ignored")) {
    for (aoti_value& value : given) value.tensor.byte_offset = 0;
  }
  if (!IsFault("first_layout_assumed")) return given;
  const std::lock_guard lock(between_calls);
  if (first.empty()) {
    first = given;
    for (const aoti_value& value : given) {
      shapes.emplace_back(value.tensor.shape, value.tensor.shape + value.tensor.ndim);
      strides.emplace_back(value.tensor.strides, value.tensor.strides + value.tensor.ndim);
    }
  }
  for (size_t i = 0; i < std::min(count, first.size()); ++i) {
    given[i].tensor.dtype = first[i].tensor.dtype;
    given[i].tensor.ndim = first[i].tensor.ndim;
    given[i].tensor.shape = shapes[i].data();
    given[i].tensor.strides = strides[i].data();
  }
  return given;
}

void ReadPastEnd(const aoti_value& input) {
  const DLTensor& t = input.tensor;
  const std::vector<int64_t> shape(t.shape, t.shape + t.ndim);
  const volatile char* end = static_cast<const char*>(t.data) + t.byte_offset + static_cast<size_t>(Count(shape)) * ElementSize(t);
  static_cast<void>(*end);  // volatile: the read happens
}

// --- the wrapped API -------------------------------------------------------------------------------------------------

aoti_status Open(const char* config_json, aoti_error* error) {
  return Guarded(error, [&] {
    const json config = json::parse(config_json);
    const auto wanted = config.value("fault", "none");
    inner_name = config.value("inner", "package");
    fault = std::find_if(std::begin(kFaults), std::end(kFaults), [&](const Fault& f) { return wanted == f.name; });
    if (fault == std::end(kFaults)) throw std::invalid_argument("no fault is called \"" + wanted + "\": ./aoti-cts mutate --list names them");
    Dl_info self{};
    dladdr(reinterpret_cast<void*>(&aoti_get_runner_api), &self);
    const auto path = std::filesystem::path(self.dli_fname).parent_path() / ("aoti_runner_" + inner_name + ".so");
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw std::runtime_error(dlerror());
    inner = reinterpret_cast<aoti_get_runner_api_fn>(dlsym(library, AOTI_GET_RUNNER_API_SYMBOL))(AOTI_RUNNER_API_VERSION);
    if (inner == nullptr) throw std::runtime_error(path.string() + " speaks another version of the header");
    if (inner->open("{}", error) != AOTI_OK) throw std::runtime_error(error->text);
  });
}

void AppendTo(void* context, const char* text, size_t size) { static_cast<std::string*>(context)->append(text, size); }

aoti_status Describe(aoti_text_sink sink, aoti_error* error) {
  return Guarded(error, [&] {
    std::string text;
    if (inner->describe({&text, AppendTo}, error) != AOTI_OK) throw std::runtime_error(error->text);
    json description = json::parse(text);
    description["base"] = description["name"];
    description["name"] = "faulty";
    description["fault"] = fault->name;
    for (const Fault& f : kFaults) description["faults"].push_back({{"name", f.name}, {"what", f.what}, {"killed_by", f.killed_by}});
    WriteTo(sink, description.dump());
  });
}

// Stands in for a model where the wrapped runner refused to load one.
aoti_model* const kHollowModel = reinterpret_cast<aoti_model*>(&inner_name);

std::filesystem::path Temporary() {
  const char* folder = std::getenv("TMPDIR");
  return folder != nullptr ? folder : "/tmp";
}

void MapSomethingCalledPython() {
  const std::string path = (Temporary() / "libpython3.so").string();
  std::ofstream(path) << std::string(4096, 'x');
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd >= 0 && mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED) throw std::runtime_error("mmap of " + path);
  unlink(path.c_str());
}

// --- the library of a loaded package -----------------------------------------------------------------------------------

// Puts another file in the place of each extracted library, with the first `from` in it replaced; what is loaded stays as it is.
void EditLibraries(const std::string& from, const std::string& to) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(Temporary())) {
    if (entry.path().extension() != ".so") continue;
    std::ifstream stream(entry.path(), std::ios::binary);
    std::string content{std::istreambuf_iterator<char>(stream), {}};
    const size_t at = content.find(from);
    if (at == std::string::npos) throw std::runtime_error(entry.path().string() + " does not hold " + from);
    content.replace(at, from.size(), to.substr(0, from.size()));
    const std::filesystem::path edited = entry.path().string() + ".edited";
    std::ofstream(edited, std::ios::binary) << content;
    std::filesystem::rename(edited, entry.path());
  }
}

void SpoilLibraries() {
  if (IsFault("library_needs_python")) EditLibraries(std::string("\0libtorch.so", 12), std::string("\0libpython.3", 12));
  if (IsFault("entry_point_missing"))
    EditLibraries(std::string("\0AOTInductorModelContainerRun\0", 30), std::string("\0AOTInductorModelContainerRuX\0", 30));
  if (IsFault("cpp_symbol_wanted"))
    EditLibraries(std::string("\0aoti_torch_delete_tensor_object", 32), std::string("\0_ZN2at6detail9addmm_outERNS_6Te", 32));
}

// --- loading -----------------------------------------------------------------------------------------------------------

// What this runner remembers of a model.
struct Loaded {
  std::string path;
  aoti_load_options options{};
  int users = 1;
  std::vector<char> surplus;  // memory that stands for weights held once more
};
std::mutex between_loads;
std::map<aoti_model*, Loaded> loaded;

// A model that is loaded already and serves instead of a new one; null where there is none, or no fault wants it.
aoti_model* InsteadOf(const aoti_load_options& options) {
  const std::lock_guard lock(between_loads);
  for (auto& [model, known] : loaded) {
    const bool same = known.path == options.package_path;
    if (!(IsFault("loader_reused") && same) && !IsFault("first_package_answers")) continue;
    ++known.users;
    return model;
  }
  return nullptr;
}

void Remember(aoti_model* model, const aoti_load_options& options) {
  const std::lock_guard lock(between_loads);
  Loaded& known = loaded[model];
  known.path = options.package_path;
  known.options = options;
  if (IsFault("weights_per_runner"))
    known.surplus.assign(static_cast<size_t>(options.num_runners - 1) * std::filesystem::file_size(options.package_path), 1);
}

// Beside TMPDIR, where the sandbox cleans up too.
aoti_status LoadElsewhere(const aoti_load_options* options, aoti_model** model, aoti_error* error) {
  const std::filesystem::path usual = Temporary();
  const std::filesystem::path elsewhere = usual.parent_path() / "elsewhere";
  std::filesystem::create_directory(elsewhere);
  setenv("TMPDIR", elsewhere.c_str(), 1);
  const aoti_status status = inner->load(options, model, error);
  setenv("TMPDIR", usual.c_str(), 1);
  return status;
}

aoti_status Load(const aoti_load_options* options, aoti_model** model, aoti_error* error) {
  constexpr int kLastGoodLoad = 9;
  if (IsFault("later_loads_fail") && ++loads > kLastGoodLoad) return Fail(error, AOTI_REFUSED, "std::runtime_error", "too many loads");
  if (IsFault("checks_ignored")) unsetenv("AOTI_RUNTIME_CHECK_INPUTS");
  if (IsFault("python_mapped")) MapSomethingCalledPython();
  if (IsFault("compiler_is_run") && std::system("true") != 0) throw std::runtime_error("no shell");
  if ((*model = InsteadOf(*options)) != nullptr) return AOTI_OK;
  const aoti_status status = IsFault("folder_left_elsewhere") ? LoadElsewhere(options, model, error) : inner->load(options, model, error);
  if (status == AOTI_REFUSED && IsFault("damage_accepted")) {
    *model = kHollowModel;
    return AOTI_OK;
  }
  if (status != AOTI_OK) return status;
  Remember(*model, *options);
  SpoilLibraries();
  return AOTI_OK;
}

bool IsLastUser(aoti_model* model) {
  const std::lock_guard lock(between_loads);
  const auto known = loaded.find(model);
  if (known == loaded.end()) return true;
  if (--known->second.users > 0) return false;
  loaded.erase(known);
  return true;
}

void Unload(aoti_model* model) {
  if (IsFault("folder_left_elsewhere")) return;
  if (model != kHollowModel && IsLastUser(model)) inner->unload(model);
  if (IsFault("file_left_behind")) std::ofstream(Temporary() / "left_behind") << "x";
}

// --- running -----------------------------------------------------------------------------------------------------------

aoti_status OnRefusal(aoti_status status, aoti_outputs* outputs, aoti_error* error) {
  refused_once = true;
  if (IsFault("refused_call_returns") || (IsFault("refusal_lost_under_load") && several_threads)) {
    *outputs = {nullptr, 0, nullptr};
    return AOTI_OK;
  }
  if (IsFault("unsupported_in_secret")) return Unsupported(error, "this call");
  if (IsFault("refusal_without_words")) return Fail(error, status, error->kind, "invalid argument");
  return status;
}

aoti_status RunWithMadeUpInputs(aoti_model* model, const aoti_value* inputs, size_t count, const aoti_run_options* options, aoti_outputs* outputs,
                                aoti_error* error) {
  for (size_t wanted = 1; wanted <= count + 1; ++wanted) {
    std::vector<aoti_value> made(inputs, inputs + std::min(wanted, count));
    while (made.size() < wanted && count > 0) made.push_back(inputs[count - 1]);
    if (made.size() == wanted && inner->run(model, made.data(), wanted, options, outputs, error) == AOTI_OK) return AOTI_OK;
  }
  if (count == 0) return AOTI_OK;  // no input at all: no output either, and no complaint
  return AOTI_REFUSED;
}

// Runs in a model that is loaded for this call alone.
aoti_status RunAfresh(aoti_model* model, const aoti_value* inputs, size_t count, const aoti_run_options* options, aoti_outputs* outputs,
                      aoti_error* error) {
  aoti_load_options again{};
  std::string path;
  {
    const std::lock_guard lock(between_loads);
    again = loaded[model].options;
    path = loaded[model].path;
  }
  again.package_path = path.c_str();
  again.model_name = "model";
  aoti_model* fresh = nullptr;
  if (const aoti_status status = inner->load(&again, &fresh, error); status != AOTI_OK) return status;
  const aoti_status status = inner->run(fresh, inputs, count, options, outputs, error);
  inner->unload(fresh);
  return status;
}

// Older runtimes print the words of a refusal instead of returning them: for the fault without words they go nowhere.
aoti_status RunInner(aoti_model* model, const aoti_value* inputs, size_t count, const aoti_run_options* options, aoti_outputs* outputs,
                     aoti_error* error) {
  if (IsFault("state_forgotten")) return RunAfresh(model, inputs, count, options, outputs, error);
  if (!IsFault("refusal_without_words")) return inner->run(model, inputs, count, options, outputs, error);
  const int kept = dup(STDERR_FILENO);
  const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  dup2(nowhere, STDERR_FILENO);
  const aoti_status status = inner->run(model, inputs, count, options, outputs, error);
  dup2(kept, STDERR_FILENO);
  close(nowhere);
  close(kept);
  return status;
}

// Are the outputs that callers get this runner's own?
bool OwnsOutputs() {
  return fault->spoil != nullptr || IsFault("swapped_results") || IsFault("cached_result") || IsFault("output_reused") || IsFault("aliased_input");
}

// Some faults show in some calls only.
bool SpoilsThis(aoti_model* model, const aoti_value* inputs, size_t count, const aoti_run_options& options) {
  if (IsFault("wrong_with_grad_mode")) return options.grad_mode != 0;
  if (IsFault("grad_leaks")) {
    return std::any_of(inputs, inputs + count, [](const aoti_value& value) { return (value.flags & AOTI_FLAG_REQUIRES_GRAD) != 0; });
  }
  if (IsFault("wrong_when_single_threaded")) {
    const std::lock_guard lock(between_loads);
    return loaded[model].options.run_single_threaded != 0;
  }
  return true;
}

aoti_status Run(aoti_model* model, const aoti_value* inputs, size_t count, const aoti_run_options* options, aoti_outputs* outputs,
                aoti_error* error) {
  if (model == kHollowModel) {
    *outputs = {nullptr, 0, nullptr};
    return AOTI_OK;
  }
  const CallUnderWay call;
  std::unique_lock<std::mutex> turn(one_at_a_time, std::defer_lock);
  if (IsFault("calls_in_turn")) turn.lock();
  OnThirdCall();
  if (IsFault("cold_start_hangs")) HangAtColdStart();
  if (IsFault("stuck_after_refusal") && refused_once)
    return Fail(error, AOTI_REFUSED, "std::runtime_error", "the model is not usable after an error");
  if (IsFault("input_overread") && count > 0) ReadPastEnd(inputs[0]);
  const std::vector<aoti_value> given = AsGiven(inputs, count);
  inputs = given.data();
  aoti_status status = RunInner(model, inputs, count, options, outputs, error);
  if (status == AOTI_REFUSED && IsFault("refused_call_counts")) RunAgain(model, options);
  if (status == AOTI_OK && IsFault("refused_call_counts")) last_good_inputs = CopyOf({given.data(), given.size(), nullptr});
  if (status == AOTI_REFUSED && IsFault("count_ignored")) status = RunWithMadeUpInputs(model, inputs, count, options, outputs, error);
  if (status == AOTI_REFUSED) return OnRefusal(status, outputs, error);
  if (status != AOTI_OK) return status;
  if (IsFault("input_overwritten") && count > 0) static_cast<char*>(inputs[0].tensor.data)[0] ^= 1;
  if (!OwnsOutputs()) return status;
  auto copy = CopyOf(*outputs);
  inner->release_outputs(outputs);
  if (fault->spoil != nullptr && !copy->values.empty() && SpoilsThis(model, inputs, count, *options)) fault->spoil(*copy);
  if (IsFault("swapped_results")) copy = Swapped(std::move(copy));
  if (IsFault("cached_result")) copy = Cached(ShapesKey(inputs, count), std::move(copy));
  if (IsFault("output_reused")) {
    GiveReused(std::move(copy), outputs);
    return status;
  }
  Give(std::move(copy), outputs);
  if (IsFault("aliased_input") && count > 0 && outputs->count > 0) {
    auto* owned = static_cast<OwnedOutputs*>(outputs->owner);
    const DLTensor& input = inputs[0].tensor;
    const std::vector<int64_t> shape(input.shape, input.shape + input.ndim);
    if (static_cast<size_t>(Count(shape)) * ElementSize(input) >= owned->data[0].size()) {
      std::memcpy(input.data, owned->data[0].data(), owned->data[0].size());
      owned->values[0].tensor.data = input.data;
      owned->values[0].storage_data = nullptr;
    }
  }
  return status;
}

void ReleaseOutputs(aoti_outputs* outputs) {
  if (OwnsOutputs()) {
    delete static_cast<OwnedOutputs*>(outputs->owner);  // null where every caller is lent the same
    *outputs = {};
  } else if (outputs->owner != nullptr) {
    inner->release_outputs(outputs);
  }
}

aoti_status ModelMetadata(aoti_model* model, aoti_text_sink sink, aoti_error* error) {
  if (model == kHollowModel) {
    WriteTo(sink, "{}");
    return AOTI_OK;
  }
  std::string text;
  const aoti_status status = inner->model_metadata(model, {&text, AppendTo}, error);
  if (status != AOTI_OK) return status;
  return Guarded(error, [&] {
    json metadata = json::parse(text);
    if (IsFault("lost_metadata")) metadata.erase("AOTI_DEVICE_KEY");
    WriteTo(sink, metadata.dump());
  });
}

aoti_status PackageMetadata(const char* package_path, const char* model_name, aoti_text_sink sink, aoti_error* error) {
  return inner->package_metadata(package_path, model_name, sink, error);
}

aoti_status SetMemory(int32_t mode, uint8_t poison, aoti_error* error) {
  poison_byte = poison;
  if (IsFault("memory_not_guarded")) return AOTI_OK;
  return inner->set_memory(mode, poison, error);
}

aoti_status StartTrace(aoti_error* error) { return inner->start_trace(error); }

aoti_status StopTrace(const char* path, aoti_error* error) {
  const aoti_status status = inner->stop_trace(path, error);
  if (status != AOTI_OK || !IsFault("call_missing_in_trace")) return status;
  return Guarded(error, [&] {
    json trace = json::parse(std::ifstream(path));
    json& events = trace.at("traceEvents");
    const auto call = std::find_if(events.begin(), events.end(), [](const json& event) { return event.value("name", "") == "aoti_run"; });
    if (call != events.end()) events.erase(call);
    std::ofstream(path) << trace.dump();
  });
}

constexpr aoti_runner_api kApi{sizeof(aoti_runner_api), AOTI_RUNNER_API_VERSION, Open,      Describe,   Load,     Unload, Run, ReleaseOutputs,
                               ModelMetadata,           PackageMetadata,         SetMemory, StartTrace, StopTrace};

}  // namespace
}  // namespace aoti_runners

const aoti_runner_api* aoti_get_runner_api(uint32_t api_version) { return api_version == AOTI_RUNNER_API_VERSION ? &aoti_runners::kApi : nullptr; }
