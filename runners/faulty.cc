// SPDX-License-Identifier: Apache-2.0
// Runner `faulty`: wraps another runner and breaks one promise, chosen by name. What the suite must notice is written beside each fault, and
// `aoti-cts mutate` proves it. To add a fault: one row in faults.h with the function that spoils outputs, or with a place below that asks IsFault().
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cfenv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <locale>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "runners/answer.h"
#include "runners/aoti_runner.h"
#include "runners/faults.h"
#include "runners/faulty_constants.h"
#include "runners/faulty_outputs.h"

namespace aoti_runners {
namespace {

using nlohmann::json;

const aoti_runner_api* inner = nullptr;
const Fault* fault = &kFaults[0];
std::string inner_name;  // of the runner in the same folder, or its path
std::string cuda_library = "libcuda.so.1";

bool IsFault(std::string_view name) { return name == fault->name; }

// --- faults between calls --------------------------------------------------------------------------------------------

std::mutex between_calls;
std::atomic<int> calls{0};
std::atomic<bool> refused_once{false};
std::atomic<std::thread::id> last_refused;           // the thread of the last refused call
std::atomic<const aoti_model*> last_model{nullptr};  // the model of the last call
std::atomic<bool> several_threads{false};            // calls have come from more than one thread
std::atomic<int> loads{0};
std::atomic<int> under_way{0};
std::atomic<int> finished{0};
std::atomic<bool> unloaded_once{false};
std::atomic<bool> starved_once{false};  // a load has had no file descriptors
std::atomic<bool> other_rank{false};    // an input has had another rank than in the first call

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

bool AssumesFirst() {
  return IsFault("first_layout_assumed") || IsFault("first_sizes_assumed") || IsFault("first_rank_assumed") || IsFault("first_strides_assumed");
}

// The inputs with what the fault takes from the first call of the process.
void AssumeFirst(std::vector<aoti_value>& given) {
  static std::vector<aoti_value> first;
  static std::vector<std::vector<int64_t>> shapes, strides;
  const std::lock_guard lock(between_calls);
  if (first.empty()) {
    first = given;
    for (const aoti_value& value : given) {
      shapes.emplace_back(value.tensor.shape, value.tensor.shape + value.tensor.ndim);
      strides.emplace_back(value.tensor.strides, value.tensor.strides + value.tensor.ndim);
    }
  }
  for (size_t i = 0; i < std::min(given.size(), first.size()); ++i) {
    DLTensor& tensor = given[i].tensor;
    other_rank = other_rank || tensor.ndim != first[i].tensor.ndim;
    if (IsFault("first_strides_assumed") && tensor.ndim != first[i].tensor.ndim) continue;
    tensor.strides = strides[i].data();
    if (IsFault("first_strides_assumed")) continue;
    tensor.ndim = first[i].tensor.ndim;
    tensor.shape = shapes[i].data();
    if (IsFault("first_layout_assumed")) tensor.dtype = first[i].tensor.dtype;
  }
}

bool HasSizesOf(const aoti_value& other, const aoti_value& value) {
  const DLTensor &a = other.tensor, &b = value.tensor;
  return std::equal(a.shape, a.shape + a.ndim, b.shape, b.shape + b.ndim);
}

// Gives inputs the sizes of the first one where that is nothing new in the first call of the process.
void GiveOneSize(std::vector<aoti_value>& given) {
  static const std::vector<bool> same = [&] {
    std::vector<bool> found;
    for (const aoti_value& value : given) found.push_back(HasSizesOf(given[0], value));
    return found;
  }();
  for (size_t i = 0; i < std::min(given.size(), same.size()); ++i) {
    if (same[i]) given[i].tensor.shape = given[0].tensor.shape;
  }
}

// The inputs as they come, or as the fault takes them to be.
std::vector<aoti_value> AsGiven(const aoti_value* inputs, size_t count) {
  std::vector<aoti_value> given(inputs, inputs + count);
  if (IsFault("offset_ignored") || IsFault("offset_on_device_ignored")) {
    for (aoti_value& value : given) {
      if (value.storage_data != nullptr) value.tensor.data = value.storage_data;
      value.tensor.byte_offset = 0;
    }
  }
  if (IsFault("one_size_for_all")) GiveOneSize(given);
  if (AssumesFirst()) AssumeFirst(given);
  return given;
}

bool BeginsWithOddSize(const aoti_value* inputs, size_t count) {
  return count > 0 && inputs[0].tensor.ndim > 0 && inputs[0].tensor.shape[0] % 2 == 1;
}

// Why a call is refused that a sound runtime takes; empty: it is not.
std::string Unwanted(const aoti_value* inputs, size_t count) {
  const bool checks = std::getenv("AOTI_RUNTIME_CHECK_INPUTS") != nullptr;
  if (IsFault("odd_sizes_refused") && checks && BeginsWithOddSize(inputs, count)) return "an odd size";
  const bool offset = std::any_of(inputs, inputs + count, [](const aoti_value& value) { return value.tensor.byte_offset != 0; });
  return IsFault("offset_refused") && checks && offset ? "an input does not begin where its storage does" : "";
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
    cuda_library = config.value("cuda", cuda_library);
    std::filesystem::path path = inner_name;
    if (!path.has_parent_path()) path = std::filesystem::path(self.dli_fname).parent_path() / ("aoti_runner_" + inner_name + ".so");
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
    const bool on_device = fault->on_cuda || IsFault("none");
    if (!on_device) description["devices"] = {"cpu"};  // the other faults take values for memory of the host
    description["fault"] = fault->name;
    for (const Fault& f : kFaults)
      description["faults"].push_back({{"name", f.name}, {"what", f.what}, {"killed_by", f.killed_by}, {"on_cuda", f.on_cuda}});
    WriteTo(sink, description.dump());
  });
}

// Stands in for a model where the wrapped runner refused to load one.
aoti_model* const kHollowModel = reinterpret_cast<aoti_model*>(&inner_name);

std::filesystem::path Temporary() {
  const char* folder = std::getenv("TMPDIR");
  return folder != nullptr ? folder : "/tmp";
}

void MapSomethingCalled(const char* name) {
  const std::string path = (Temporary() / name).string();
  std::ofstream(path) << std::string(4096, 'x');
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd >= 0 && mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED) throw std::runtime_error("mmap of " + path);
  unlink(path.c_str());
}

// --- the library of a loaded package -----------------------------------------------------------------------------------

// Puts another file in the place of each extracted library; what is loaded stays as it is.
void EditLibraries(const std::function<void(std::string& content)>& edit) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(Temporary())) {
    if (entry.path().extension() != ".so") continue;
    std::ifstream stream(entry.path(), std::ios::binary);
    std::string content{std::istreambuf_iterator<char>(stream), {}};
    edit(content);
    const std::filesystem::path edited = entry.path().string() + ".edited";
    std::ofstream(edited, std::ios::binary) << content;
    std::filesystem::rename(edited, entry.path());
  }
}

// The first `from` becomes `to`, of the same length.
void Rename(const std::string& from, const std::string& to) {
  EditLibraries([&](std::string& content) {
    const size_t at = content.find(from);
    if (at == std::string::npos) throw std::runtime_error("the library does not hold " + from);
    content.replace(at, from.size(), to);
  });
}

template <typename T>
void EditTable(std::string& content, uint64_t offset, uint64_t count, const std::function<void(T&)>& edit) {
  for (uint64_t number = 0; number < count; ++number) {
    T row;
    std::memcpy(&row, content.data() + offset + number * sizeof row, sizeof row);
    edit(row);
    std::memcpy(content.data() + offset + number * sizeof row, &row, sizeof row);
  }
}

void EditSegments(const std::function<void(Elf64_Phdr&)>& edit) {
  EditLibraries([&](std::string& content) {
    Elf64_Ehdr header;
    std::memcpy(&header, content.data(), sizeof header);
    EditTable<Elf64_Phdr>(content, header.e_phoff, header.e_phnum, edit);
  });
}

// Gives the entry that counts relative relocations, which nobody needs, another meaning.
void PutDynamic(int64_t tag) {
  EditLibraries([&](std::string& content) {
    Elf64_Ehdr header;
    std::memcpy(&header, content.data(), sizeof header);
    EditTable<Elf64_Phdr>(content, header.e_phoff, header.e_phnum, [&](Elf64_Phdr& segment) {
      if (segment.p_type != PT_DYNAMIC) return;
      EditTable<Elf64_Dyn>(content, segment.p_offset, segment.p_filesz / sizeof(Elf64_Dyn),
                           [&](Elf64_Dyn& entry) { entry.d_tag = entry.d_tag == DT_RELACOUNT ? tag : entry.d_tag; });
    });
  });
}

void SpoilLibraries() {
  if (IsFault("library_needs_python")) Rename(std::string("\0libtorch.so", 12), std::string("\0libpython.3", 12));
  if (IsFault("entry_point_missing"))
    Rename(std::string("\0AOTInductorModelContainerRun\0", 30), std::string("\0AOTInductorModelContainerRuX\0", 30));
  if (IsFault("unlisted_function_wanted"))
    Rename(std::string("\0aoti_torch_delete_tensor_object", 32), std::string("\0aoti_torch_delete_tensor_objecs", 32));
  if (IsFault("cuda_function_wanted"))
    Rename(std::string("\0aoti_torch_delete_tensor_object", 32), std::string("\0aoti_torch_delete_cuda_guard\0\0\0", 32));
  if (IsFault("unlisted_cuda_function_wanted"))
    Rename(std::string("\0aoti_torch_create_cuda_stream_guard", 36), std::string("\0aoti_torch_cuda_create_stream_guard", 36));
  if (IsFault("declared_entry_point_missing"))
    Rename(std::string("\0AOTInductorModelContainerGetNumInputs", 38), std::string("\0AOTInductorModelContainerGetNumInputX", 38));
  if (IsFault("cpp_symbol_wanted"))
    Rename(std::string("\0aoti_torch_delete_tensor_object", 32), std::string("\0_ZN2at6detail9addmm_outERNS_6Te", 32));
  if (IsFault("relocations_stay_writable"))
    EditSegments([](Elf64_Phdr& segment) { segment.p_type = segment.p_type == PT_GNU_RELRO ? PT_NULL : segment.p_type; });
  if (IsFault("code_is_writable")) EditSegments([](Elf64_Phdr& segment) { segment.p_flags |= (segment.p_flags & PF_X) != 0 ? PF_W : 0U; });
  if (IsFault("code_is_relocated")) PutDynamic(DT_TEXTREL);
  if (IsFault("search_path_named")) PutDynamic(DT_RUNPATH);
}

// --- what lies in TMPDIR -------------------------------------------------------------------------------------------------

std::vector<std::filesystem::path> FoldersInTemporary() {
  std::vector<std::filesystem::path> folders;
  std::error_code missing;  // a test may have taken TMPDIR, or all descriptors, away
  for (const auto& entry : std::filesystem::directory_iterator(Temporary(), missing)) {
    if (entry.is_directory()) folders.push_back(entry.path());
  }
  return folders;
}

void SpoilTemporary(const std::vector<std::filesystem::path>& there_before, bool refused) {
  if (IsFault("writes_outside_extraction_folder")) {
    for (const auto& folder : there_before) std::ofstream(folder / "escaped") << "x";
  }
  if (IsFault("refused_load_leaves_file") && refused) std::ofstream(Temporary() / "left_behind") << "x";
  if (IsFault("unpacked_files_open")) {
    for (const auto& folder : FoldersInTemporary()) std::filesystem::permissions(folder, std::filesystem::perms(0755));
  }
}

// Whether the name of the first file in an archive, which stands in its first header, is that of a source file.
bool BeginsWithSource(const char* package) {
  constexpr size_t kHeader = 30, kLengthAt = 26;
  std::ifstream stream(package, std::ios::binary);
  std::string begin(kHeader + 4096, '\0');
  stream.read(begin.data(), static_cast<std::streamsize>(begin.size()));
  const size_t length = static_cast<uint8_t>(begin[kLengthAt]) + 256U * static_cast<uint8_t>(begin[kLengthAt + 1]);
  return std::string_view(begin).substr(kHeader, length).ends_with(".cpp");
}

// --- loading -----------------------------------------------------------------------------------------------------------

// What this runner remembers of a model.
struct Loaded {
  std::string path;
  uintmax_t bytes = 0;
  pid_t thread = 0;  // a std::thread::id would come back with the next thread
  aoti_load_options options{};
  int users = 1;
  std::vector<char> surplus;   // memory that stands for weights held once more
  aoti_model* twin = nullptr;  // the same package loaded once more, never updated
  int runs = 0, updates = 0;
  bool freed = false;
  bool unfolded = false;  // the inactive buffer was updated and not folded since
  bool stale = false;     // calls read a buffer that was not folded
  OwnedConstants extracted;
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

// Does the fault answer some calls with the weights of the package?
bool NeedsTwin() { return IsFault("update_reaches_one_runner") || IsFault("folding_not_repeated") || IsFault("refused_call_resets_weights"); }

void Remember(aoti_model* model, const aoti_load_options& options, aoti_model* twin) {
  const std::lock_guard lock(between_loads);
  Loaded& known = loaded[model];
  known.path = options.package_path;
  if (IsFault("package_read_again")) known.bytes = std::filesystem::file_size(known.path);
  known.thread = gettid();
  known.options = options;
  known.twin = twin;
  if (IsFault("weights_per_runner"))
    known.surplus.assign(static_cast<size_t>(options.num_runners - 1) * std::filesystem::file_size(options.package_path), 1);
}

std::atomic<char*> last_kept{nullptr};  // seen by others: the compiler may not leave the memory out

// Memory that nobody frees; it is written, so that it is there.
void Keep(size_t bytes) {
  last_kept = new char[bytes];
  std::memset(last_kept, 1, bytes);
}

void LeaveBehind() {
  constexpr size_t kMuch = 65536;
  if (IsFault("loads_keep_memory")) Keep(kMuch);
  if (IsFault("descriptor_left_open") && ::open("/dev/null", O_RDONLY | O_CLOEXEC) < 0) throw std::runtime_error("/dev/null cannot be opened");
  if (IsFault("thread_left_running")) std::thread([] { std::this_thread::sleep_for(std::chrono::hours(1)); }).detach();
}

// --- what a load asks of the process that it happens in ----------------------------------------------------------------

bool IsPlain(const std::string& path) {
  return std::all_of(path.begin(), path.end(), [](unsigned char c) { return std::isalnum(c) != 0 || std::strchr("._-/", c) != nullptr; });
}

bool DescriptorsAreOut() {
  const int descriptor = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (descriptor >= 0) close(descriptor);
  return descriptor < 0;
}

// What this fault lacks; empty where it has all it wants.
std::string Lacking(const std::filesystem::path& package) {
  std::error_code missing;
  if (IsFault("absolute_paths_only") && package.is_relative()) return "no such file: /" + package.string();
  if (IsFault("plain_names_only") && !IsPlain(package)) return "no such file";
  if (IsFault("links_not_followed") && std::filesystem::is_symlink(package)) return "not a package";
  if (IsFault("working_directory_wanted") && std::filesystem::current_path(missing).empty()) return "no working directory";
  if (IsFault("home_wanted") && std::getenv("HOME") == nullptr) return "HOME is not set";
  if (IsFault("plain_temporary_only") && !IsPlain(Temporary())) return "no such folder";
  if (IsFault("standard_error_wanted") && fcntl(STDERR_FILENO, F_GETFD) < 0) return "no standard error";
  if (IsFault("stuck_without_descriptors") && starved_once.exchange(starved_once || DescriptorsAreOut())) return "not usable after an error";
  return "";
}

void ChangeTheProcess(const std::filesystem::path& package) {
  if (IsFault("package_written_to")) std::filesystem::last_write_time(package, std::filesystem::file_time_type::clock::now());
  if (IsFault("ends_without_temporary") && !std::filesystem::exists(Temporary())) std::abort();
  if (IsFault("exit_with_a_model"))
    std::atexit([] {
      if (!unloaded_once) std::abort();
    });
  if (IsFault("exit_after_a_model"))
    std::atexit([] {
      if (unloaded_once) std::abort();
    });
  if (!IsFault("signals_unblocked")) return;
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, SIGUSR1);
  pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
}

aoti_status OnLoadRefusal(aoti_status status, aoti_model** model, aoti_error* error) {
  if (IsFault("no_words_without_temporary")) error->text[0] = '\0';
  const bool no_device = std::regex_search(error->text, std::regex("cuda", std::regex::icase));
  const bool accepted = IsFault("damage_accepted") || IsFault("half_extracted") || IsFault("missing_operator_accepted") ||
                        (IsFault("package_for_cuda_accepted") && no_device);
  if (!accepted) return status;
  *model = kHollowModel;
  return AOTI_OK;
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
  if (const std::string lacking = Lacking(options->package_path); !lacking.empty()) return Fail(error, AOTI_REFUSED, "std::runtime_error", lacking);
  ChangeTheProcess(options->package_path);
  aoti_load_options on_default_device = *options;
  on_default_device.device_index = -1;
  if (IsFault("device_index_ignored")) options = &on_default_device;
  constexpr int kLastGoodLoad = 9;
  if (IsFault("later_loads_fail") && ++loads > kLastGoodLoad) return Fail(error, AOTI_REFUSED, "std::runtime_error", "too many loads");
  if (IsFault("checks_ignored")) unsetenv("AOTI_RUNTIME_CHECK_INPUTS");
  LeaveBehind();
  if (IsFault("python_mapped")) MapSomethingCalled("libpython3.so");
  if (IsFault("torch_tensorrt_wanted")) MapSomethingCalled("libtorchtrt_runtime.so");
  if (IsFault("compiler_is_run") && std::system("true") != 0) throw std::runtime_error("no shell");
  if ((*model = InsteadOf(*options)) != nullptr) return AOTI_OK;
  if (IsFault("order_of_entries_matters") && !BeginsWithSource(options->package_path))
    return Fail(error, AOTI_REFUSED, "std::runtime_error", "the first entry is no source file");
  if (IsFault("folder_refused") && std::filesystem::is_directory(options->package_path))
    return Fail(error, AOTI_REFUSED, "std::runtime_error", "this is a folder");
  aoti_load_options asked = *options;
  if (IsFault("first_model_answers")) asked.model_name = "model";
  const auto there_before = FoldersInTemporary();
  const aoti_status status = IsFault("folder_left_elsewhere") ? LoadElsewhere(&asked, model, error) : inner->load(&asked, model, error);
  SpoilTemporary(there_before, status == AOTI_REFUSED);
  if (status == AOTI_REFUSED && IsFault("refused_load_aborts")) std::abort();
  if (status == AOTI_REFUSED) return OnLoadRefusal(status, model, error);
  if (status != AOTI_OK) return status;
  aoti_model* twin = nullptr;
  if (NeedsTwin()) {
    if (const aoti_status second = inner->load(options, &twin, error); second != AOTI_OK) return second;
  }
  Remember(*model, *options, twin);
  if (IsFault("weights_stay_mapped")) MapSomethingCalled("weights.blob");
  SpoilLibraries();
  return AOTI_OK;
}

bool IsLastUser(aoti_model* model) {
  const std::lock_guard lock(between_loads);
  const auto known = loaded.find(model);
  if (known == loaded.end()) return true;
  if (--known->second.users > 0) return false;
  if (known->second.twin != nullptr) inner->unload(known->second.twin);
  loaded.erase(known);
  return true;
}

aoti_value first_on_device{};  // the first output of the first run

void OverwriteFirst() {
  static const std::vector<char> zeros(first_on_device.storage_bytes);
  void* driver = dlopen(cuda_library.c_str(), RTLD_NOW | RTLD_LOCAL);
  const auto copy = reinterpret_cast<int (*)(uint64_t, const void*, size_t, void*)>(dlsym(driver, "cuMemcpyHtoDAsync_v2"));
  copy(reinterpret_cast<uint64_t>(first_on_device.storage_data), zeros.data(), zeros.size(), nullptr);
  reinterpret_cast<int (*)(void*)>(dlsym(driver, "cuStreamSynchronize"))(nullptr);
}

void Unload(aoti_model* model) {
  unloaded_once = true;
  if (IsFault("outputs_end_with_their_model") && first_on_device.storage_data != nullptr) OverwriteFirst();
  if (IsFault("folder_left_elsewhere")) return;
  if (model != kHollowModel && IsLastUser(model)) inner->unload(model);
  if (IsFault("file_left_behind")) std::ofstream(Temporary() / "left_behind") << "x";
}

// --- running -----------------------------------------------------------------------------------------------------------

aoti_status OnRefusal(aoti_status status, aoti_outputs* outputs, aoti_error* error) {
  constexpr size_t kFewBytes = 100;
  if (IsFault("refusals_keep_memory")) Keep(kFewBytes);
  refused_once = true;
  last_refused = std::this_thread::get_id();
  const bool for_data = std::getenv("AOTI_RUNTIME_CHECK_INPUTS") == nullptr;  // nothing else is refused without checks
  if (IsFault("refused_call_returns") || (IsFault("refusal_lost_under_load") && several_threads) || (IsFault("data_error_returns") && for_data) ||
      (IsFault("data_error_lost_under_load") && for_data && several_threads)) {
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

bool IsRowMajor(const aoti_value& value) {
  const DLTensor& t = value.tensor;
  return value.kind == AOTI_TENSOR && std::equal(t.strides, t.strides + t.ndim, RowMajor({t.shape, t.shape + t.ndim}).begin());
}

// Copies of outputs, in host memory; null where there are none to be had.
std::unique_ptr<OwnedOutputs> OnHost(const aoti_outputs& outputs) {
  const std::vector<DLDevice> host(outputs.count, {kDLCPU, 0});
  aoti_outputs copies{};
  const auto error = std::make_unique<aoti_error>();
  if (!std::all_of(outputs.values, outputs.values + outputs.count, IsRowMajor)) return nullptr;
  if (inner->copy_values(outputs.values, outputs.count, host.data(), &copies, error.get()) != AOTI_OK) return nullptr;
  auto owned = CopyOf(copies);
  inner->release_outputs(&copies);
  return owned;
}

// --- constants ---------------------------------------------------------------------------------------------------------

bool SwapsInParts() { return IsFault("swap_is_torn") || IsFault("swap_comes_late"); }

// The model that answers a call: some faults have those with the weights of the package answer instead.
aoti_model* AnsweringInsteadOf(aoti_model* model) {
  if (!NeedsTwin()) return model;
  const std::lock_guard lock(between_loads);
  Loaded& known = loaded[model];
  const bool other_runner = IsFault("update_reaches_one_runner") && known.options.num_runners > 1 && known.runs++ % 2 == 1;
  const bool stale = IsFault("folding_not_repeated") && known.stale;
  const bool reset = IsFault("refused_call_resets_weights") && refused_once;
  return other_runner || stale || reset ? known.twin : model;
}

aoti_status ListConstants(aoti_model* model, aoti_text_sink sink, aoti_error* error) {
  std::string text;
  const aoti_status status = inner->list_constants(model, {&text, AppendTo}, error);
  if (status != AOTI_OK) return status;
  return Guarded(error, [&] {
    json listed = json::parse(text);
    const auto first = std::find_if(listed.begin(), listed.end(), [](const json& entry) { return !entry.value("folded", false); });
    if (IsFault("constant_missing") && first != listed.end()) listed.erase(first);
    WriteTo(sink, listed.dump());
  });
}

aoti_status Give(aoti_model* model, const std::vector<aoti_named_value>& values, bool inactive, aoti_error* error) {
  const aoti_update_options options{sizeof(aoti_update_options), inactive ? 1 : 0, 0, 0};
  return inner->update_constants(model, values.data(), values.size(), &options, error);
}

// The values whose names the model has.
std::vector<aoti_named_value> KnownOf(aoti_model* model, const aoti_named_value* values, size_t count) {
  const OwnedConstants held = ConstantsHeldBy(*inner, model, false);
  std::vector<aoti_named_value> known;
  for (size_t i = 0; i < count; ++i) {
    if (std::find(held.names.begin(), held.names.end(), values[i].name) != held.names.end()) known.push_back(values[i]);
  }
  return known;
}

// Is the update passed over in silence?
bool IsPassedOver(Loaded& known, const aoti_named_value* values, size_t count, const aoti_update_options& options) {
  ++known.updates;
  const auto lies_on_host = [](const aoti_named_value& value) { return value.value.tensor.device.device_type == kDLCPU; };
  if (IsFault("host_update_ignored") && std::any_of(values, values + count, lies_on_host)) return true;
  return (IsFault("update_ignored") && options.inactive == 0) || (IsFault("first_update_ignored") && calls == 0) ||
         (IsFault("third_update_ignored") && known.updates % 3 == 0);
}

// What an update does beside what it should.
void DoMore(aoti_model* model, Loaded& known, const aoti_named_value* values, size_t count, bool inactive, aoti_error* error) {
  const std::vector<aoti_named_value> given(values, values + count);
  if (IsFault("partial_update_zeroes_rest")) Give(model, ConstantsHeldBy(*inner, model, inactive).Zeroed(NamesOf(values, count)), inactive, error);
  if (IsFault("inactive_update_seen_at_once")) Give(model, given, false, error);
  if (IsFault("update_takes_memory")) {
    for (const aoti_named_value& value : given) known.surplus.resize(known.surplus.size() + value.value.storage_bytes, 1);
  }
  if (!IsFault("update_leaks_into_other_loader")) return;
  for (const auto& [other, unused] : loaded) Give(other, given, inactive, error);
}

aoti_status UpdateConstants(aoti_model* model, const aoti_named_value* values, size_t count, const aoti_update_options* options, aoti_error* error) {
  const std::lock_guard lock(between_loads);
  Loaded& known = loaded[model];
  if (IsPassedOver(known, values, count, *options)) return AOTI_OK;
  if (IsFault("freed_for_good") && known.freed) return Fail(error, AOTI_REFUSED, "std::runtime_error", "the buffer was freed");
  aoti_update_options changed = *options;
  if (IsFault("weights_not_copied")) changed.user_managed = 1;
  if (IsFault("user_managed_copied")) changed.user_managed = 0;
  if (IsFault("missing_parameter_accepted")) changed.check_full = 0;
  const aoti_status status = inner->update_constants(model, values, count, &changed, error);
  const bool inactive = options->inactive != 0;
  if (status == AOTI_REFUSED && (IsFault("unknown_name_accepted") || IsFault("refused_update_half_done"))) {
    const auto unused = std::make_unique<aoti_error>();
    const aoti_status second = Give(model, KnownOf(model, values, count), inactive, unused.get());
    return IsFault("unknown_name_accepted") ? second : status;
  }
  if (status != AOTI_OK) return status;
  known.unfolded = known.unfolded || inactive;
  DoMore(model, known, values, count, inactive, error);
  return AOTI_OK;
}

bool ExtractsCopies() { return IsFault("extract_is_stale") || IsFault("constants_extracted_to_host"); }

aoti_status ExtractConstants(aoti_model* model, int32_t inactive, aoti_constants* constants, aoti_error* error) {
  const aoti_status status = inner->extract_constants(model, inactive, constants, error);
  if (status != AOTI_OK || !ExtractsCopies()) return status;
  const std::lock_guard lock(between_loads);
  Loaded& known = loaded[model];
  if (IsFault("constants_extracted_to_host")) {
    known.extracted = CopyOfConstants(*constants, OnHost);
  } else if (known.extracted.names.empty()) {
    known.extracted = CopyOfConstants(*constants, CopyOf);
  }
  auto views = std::make_unique<std::vector<aoti_named_value>>(known.extracted.Views());
  inner->release_constants(constants);
  *constants = {views->data(), views->size(), views.get()};
  static_cast<void>(views.release());  // the caller's until ReleaseConstants()
  return AOTI_OK;
}

void ReleaseConstants(aoti_constants* constants) {
  if (!ExtractsCopies()) return inner->release_constants(constants);
  delete static_cast<std::vector<aoti_named_value>*>(constants->owner);
  *constants = {};
}

// The weights of the inactive buffer come into the active one bit by bit, or some time after the swap has returned.
aoti_status SwapInParts(aoti_model* model, aoti_error* error) {
  constexpr auto kAWhile = std::chrono::milliseconds(20);
  auto held = std::make_shared<OwnedConstants>(ConstantsHeldBy(*inner, model, true));
  if (IsFault("swap_comes_late")) {
    std::thread([held, model, kAWhile] {
      std::this_thread::sleep_for(kAWhile);
      const auto unused = std::make_unique<aoti_error>();
      const std::lock_guard lock(between_loads);
      if (loaded.contains(model)) inner->swap_constants(model, unused.get());
    }).detach();
    return AOTI_OK;
  }
  std::vector<aoti_named_value> half = held->Views();
  half.resize(half.size() / 2);
  if (const aoti_status status = Give(model, half, false, error); status != AOTI_OK) return status;
  std::this_thread::sleep_for(kAWhile);
  return inner->swap_constants(model, error);
}

aoti_status SwapConstants(aoti_model* model, aoti_error* error) {
  if (IsFault("swap_does_nothing")) return AOTI_OK;
  if (SwapsInParts()) return SwapInParts(model, error);
  if (IsFault("swap_copies")) return Give(model, ConstantsHeldBy(*inner, model, true).Views(), false, error);
  const std::lock_guard lock(between_loads);
  Loaded& known = loaded[model];
  known.stale = known.unfolded;
  known.unfolded = false;
  return inner->swap_constants(model, error);
}

aoti_status FreeInactiveConstants(aoti_model* model, aoti_error* error) {
  if (IsFault("free_does_nothing")) return AOTI_OK;
  const std::lock_guard lock(between_loads);
  loaded[model].freed = true;
  return inner->free_inactive_constants(model, error);
}

aoti_status FoldConstants(aoti_model* model, int32_t inactive, aoti_error* error) {
  const std::lock_guard lock(between_loads);
  (inactive != 0 ? loaded[model].unfolded : loaded[model].stale) = false;
  return inner->fold_constants(model, inactive, error);
}

aoti_status LoadConstantsFromFile(aoti_model* model, const char* path, aoti_error* error) {
  return inner->load_constants_from_file(model, path, error);
}

// --- on CUDA ----------------------------------------------------------------------------------------------------------

aoti_status CopyValues(const aoti_value* values, size_t count, const DLDevice* devices, aoti_outputs* copies, aoti_error* error) {
  return inner->copy_values(values, count, devices, copies, error);
}

aoti_graph* first_graph = nullptr;

aoti_status CaptureRun(aoti_model* model, const aoti_value* inputs, size_t count, const aoti_run_options* options, aoti_graph** graph,
                       aoti_outputs* outputs, aoti_error* error) {
  const aoti_status status = inner->capture_run(model, inputs, count, options, graph, outputs, error);
  if (status == AOTI_OK && first_graph == nullptr) first_graph = *graph;
  return status;
}

aoti_status ReplayGraph(aoti_graph* graph, void* stream, aoti_error* error) {
  if (IsFault("replay_does_nothing")) return AOTI_OK;
  return inner->replay_graph(IsFault("first_graph_replayed") ? first_graph : graph, IsFault("replay_on_default_stream") ? nullptr : stream, error);
}

void ReleaseGraph(aoti_graph* graph) { inner->release_graph(graph); }

// A run with what the fault makes of the caller's stream.
aoti_run_options ForStream(const aoti_run_options& options) {
  aoti_run_options other = options;
  const bool ignored = IsFault("stream_ignored") || (IsFault("current_stream_ignored") && options.stream_is_current != 0);
  if (ignored) {
    other.stream = nullptr;
    other.stream_is_current = 0;
  }
  return other;
}

// A function of the driver that takes a handle.
void AskDriver(const char* function, void* handle) {
  void* driver = dlopen(cuda_library.c_str(), RTLD_NOW | RTLD_LOCAL);
  reinterpret_cast<int (*)(void*)>(dlsym(driver, function))(handle);
}

void KeepCopies(const aoti_value* inputs, size_t count) {
  std::vector<DLDevice> devices;
  for (size_t i = 0; i < count; ++i) devices.push_back(inputs[i].tensor.device);
  aoti_outputs kept{};
  const auto error = std::make_unique<aoti_error>();
  inner->copy_values(inputs, count, devices.data(), &kept, error.get());  // never released
}

// Shapes and outputs of the last run of each shape, for the fault that gives them again. They are never released.
std::map<std::string, aoti_outputs> last_outputs;

// Puts each output that equals an earlier one into its memory: every value stays right.
void MergeEqual(aoti_outputs* outputs) {
  static std::deque<std::vector<aoti_value>> given;  // what callers look at; never released
  const auto owned = OnHost(*outputs);
  if (owned == nullptr) return;
  const std::lock_guard lock(between_calls);
  std::vector<aoti_value>& values = given.emplace_back(outputs->values, outputs->values + outputs->count);
  for (size_t later = 0; later < values.size(); ++later) {
    for (size_t earlier = 0; earlier < later; ++earlier) {
      const bool equal = owned->shapes[later] == owned->shapes[earlier] && owned->data[later] == owned->data[earlier];
      if (equal) values[later] = values[earlier];
    }
  }
  outputs->values = values.data();
}

// The outputs themselves are never released.
void PutBeside(const aoti_value& input, aoti_outputs* outputs) {
  const std::vector<DLDevice> there(outputs->count, input.tensor.device);
  aoti_outputs copies{};
  const auto error = std::make_unique<aoti_error>();
  if (inner->copy_values(outputs->values, outputs->count, there.data(), &copies, error.get()) == AOTI_OK) *outputs = copies;
}

void OnDevice(const aoti_value* inputs, size_t count, const aoti_run_options& options, aoti_outputs* outputs) {
  if (IsFault("device_left_changed")) AskDriver("cuCtxSetCurrent", nullptr);
  if (IsFault("device_calls_in_turn")) AskDriver("cuStreamSynchronize", options.stream);
  if (IsFault("device_memory_kept")) KeepCopies(inputs, count);
  if (IsFault("equal_outputs_in_one_memory")) MergeEqual(outputs);
  if (first_on_device.storage_data == nullptr && outputs->count > 0) first_on_device = outputs->values[0];
  if (IsFault("outputs_beside_an_input") && count > 0) PutBeside(inputs[count - 1], outputs);
  if (!IsFault("outputs_shared_by_streams")) return;
  *outputs = last_outputs.try_emplace(ShapesKey(inputs, count), *outputs).first->second;
  outputs->owner = nullptr;
}

// Older runtimes print the words of a refusal instead of returning them: for the fault without words they go nowhere.
aoti_status RunInner(aoti_model* model, const aoti_value* inputs, size_t count, const aoti_run_options* options, aoti_outputs* outputs,
                     aoti_error* error) {
  if (IsFault("state_forgotten")) return RunAfresh(model, inputs, count, options, outputs, error);
  const aoti_run_options given = ForStream(*options);
  if (!IsFault("refusal_without_words")) return inner->run(model, inputs, count, &given, outputs, error);
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

int OpenMpThreads() {
  void* library = dlopen("libgomp.so.1", RTLD_NOW | RTLD_NOLOAD);
  if (library == nullptr) return 0;
  return reinterpret_cast<int (*)()>(dlsym(library, "omp_get_max_threads"))();
}

// Some faults show in some calls only.
bool SpoilsThis(aoti_model* model, const aoti_value* inputs, size_t count, const aoti_run_options& options) {
  if (IsFault("wrong_after_data_error")) return refused_once;
  if (IsFault("wrong_at_odd_sizes")) return BeginsWithOddSize(inputs, count);
  if (IsFault("first_rank_assumed")) return other_rank;
  if (IsFault("refusal_hits_a_neighbour")) return refused_once && last_refused.load() != std::this_thread::get_id();
  if (IsFault("package_disturbs_another")) return last_model.exchange(model) != model && several_threads;
  if (IsFault("wrong_with_grad_mode")) return options.grad_mode != 0;
  if (IsFault("grad_leaks")) {
    return std::any_of(inputs, inputs + count, [](const aoti_value& value) { return (value.flags & AOTI_FLAG_REQUIRES_GRAD) != 0; });
  }
  if (IsFault("point_wanted")) return std::use_facet<std::numpunct<char>>(std::locale()).decimal_point() == ',';
  if (IsFault("openmp_threads_counted")) return OpenMpThreads() == 7;
  if (IsFault("unloading_harms_others")) return unloaded_once;
  if (IsFault("wrong_when_single_threaded")) {
    const std::lock_guard lock(between_loads);
    return loaded[model].options.run_single_threaded != 0;
  }
  return true;
}

// Why a model does not run that a sound runtime would; empty where it does.
std::string Stale(aoti_model* model) {
  if (!IsFault("package_read_again") && !IsFault("bound_to_its_thread")) return "";
  const std::lock_guard lock(between_loads);
  const Loaded& known = loaded[model];
  std::error_code missing;
  if (IsFault("package_read_again") && std::filesystem::file_size(known.path, missing) != known.bytes) return "the package has changed";
  if (IsFault("bound_to_its_thread") && known.thread != gettid()) return "the model belongs to another thread";
  return "";
}

aoti_status Run(aoti_model* model, const aoti_value* inputs, size_t count, const aoti_run_options* options, aoti_outputs* outputs,
                aoti_error* error) {
  if (model == kHollowModel) {
    *outputs = {nullptr, 0, nullptr};
    return AOTI_OK;
  }
  if (const std::string stale = Stale(model); !stale.empty()) return Fail(error, AOTI_REFUSED, "std::runtime_error", stale.c_str());
  if (const std::string unwanted = Unwanted(inputs, count); !unwanted.empty())
    return Fail(error, AOTI_REFUSED, "std::runtime_error", unwanted.c_str());
  const CallUnderWay call;
  std::unique_lock<std::mutex> turn(one_at_a_time, std::defer_lock);
  if (IsFault("calls_in_turn") || IsFault("device_calls_in_turn")) turn.lock();
  OnThirdCall();
  constexpr size_t kFewBytes = 100;
  if (IsFault("calls_keep_memory")) Keep(kFewBytes);
  if (IsFault("cold_start_hangs")) HangAtColdStart();
  if (IsFault("stuck_after_refusal") && refused_once)
    return Fail(error, AOTI_REFUSED, "std::runtime_error", "the model is not usable after an error");
  if (IsFault("input_overread") && count > 0) ReadPastEnd(inputs[0]);
  const std::vector<aoti_value> given = AsGiven(inputs, count);
  inputs = given.data();
  model = AnsweringInsteadOf(model);
  aoti_status status = RunInner(model, inputs, count, options, outputs, error);
  if (status == AOTI_REFUSED && IsFault("refused_call_counts")) RunAgain(model, options);
  if (status == AOTI_OK && IsFault("refused_call_counts")) last_good_inputs = CopyOf({given.data(), given.size(), nullptr});
  if (status == AOTI_REFUSED && IsFault("count_ignored")) status = RunWithMadeUpInputs(model, inputs, count, options, outputs, error);
  if (status == AOTI_REFUSED) return OnRefusal(status, outputs, error);
  if (status != AOTI_OK) return status;
  if (IsFault("rounding_left_changed")) std::fesetround(FE_DOWNWARD);
  if (IsFault("input_overwritten") && count > 0) static_cast<char*>(inputs[0].tensor.data)[0] ^= 1;
  if (fault->on_cuda) OnDevice(inputs, count, *options, outputs);
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
    if (IsFault("authors_metadata_lost")) metadata.erase("case");
    WriteTo(sink, metadata.dump());
  });
}

aoti_status PackageMetadata(const char* package_path, const char* model_name, aoti_text_sink sink, aoti_error* error) {
  if (!IsFault("capability_lost")) return inner->package_metadata(package_path, model_name, sink, error);
  std::string text;
  const aoti_status status = inner->package_metadata(package_path, model_name, {&text, AppendTo}, error);
  if (status != AOTI_OK) return status;
  return Guarded(error, [&] {
    json metadata = json::parse(text);
    metadata.erase("AOTI_COMPUTE_CAPABILITY");
    WriteTo(sink, metadata.dump());
  });
}

aoti_status SetMemory(int32_t mode, uint8_t poison, aoti_error* error) {
  poison_byte = poison;
  if (IsFault("memory_not_guarded")) return AOTI_OK;
  return inner->set_memory(mode, poison, error);
}

aoti_status StartTrace(aoti_error* error) { return inner->start_trace(error); }

aoti_status StopTrace(const char* path, aoti_error* error) {
  const aoti_status status = inner->stop_trace(path, error);
  if (status != AOTI_OK || (!IsFault("call_missing_in_trace") && !IsFault("gpu_work_in_trace"))) return status;
  return Guarded(error, [&] {
    json trace = json::parse(std::ifstream(path));
    json& events = trace.at("traceEvents");
    const auto call = std::find_if(events.begin(), events.end(), [](const json& event) { return event.value("name", "") == "aoti_run"; });
    if (call == events.end()) return;
    if (IsFault("call_missing_in_trace")) {
      events.erase(call);
    } else {
      json kernel = *call;
      kernel["cat"] = "kernel";
      kernel["name"] = "triton_poi_fused_0";
      events.push_back(kernel);
    }
    std::ofstream(path) << trace.dump();
  });
}

constexpr aoti_runner_api kApi{.struct_size = sizeof(aoti_runner_api),
                               .api_version = AOTI_RUNNER_API_VERSION,
                               .open = Open,
                               .describe = Describe,
                               .load = Load,
                               .unload = Unload,
                               .run = Run,
                               .release_outputs = ReleaseOutputs,
                               .copy_values = CopyValues,
                               .capture_run = CaptureRun,
                               .replay_graph = ReplayGraph,
                               .release_graph = ReleaseGraph,
                               .model_metadata = ModelMetadata,
                               .package_metadata = PackageMetadata,
                               .set_memory = SetMemory,
                               .start_trace = StartTrace,
                               .stop_trace = StopTrace,
                               .list_constants = ListConstants,
                               .update_constants = UpdateConstants,
                               .extract_constants = ExtractConstants,
                               .release_constants = ReleaseConstants,
                               .swap_constants = SwapConstants,
                               .free_inactive_constants = FreeInactiveConstants,
                               .fold_constants = FoldConstants,
                               .load_constants_from_file = LoadConstantsFromFile};

}  // namespace
}  // namespace aoti_runners

const aoti_runner_api* aoti_get_runner_api(uint32_t api_version) { return api_version == AOTI_RUNNER_API_VERSION ? &aoti_runners::kApi : nullptr; }
