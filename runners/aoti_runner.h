/* SPDX-License-Identifier: Apache-2.0
 *
 * The one C header behind which a runtime for AOTInductor packages (.pt2) is put to be judged by AOTI-CTS.
 *
 * A runner is a shared library that exports aoti_get_runner_api(). It answers; it never judges. The suite loads one runner per process, calls
 * open() once, and then forks a child per test: so open() and describe() must run no tensor operation and start no thread, and everything
 * else runs in a child that may be killed.
 *
 * Draft, version 1: fields may still move until the version is frozen. Every struct that may grow opens with its own size.
 */
#ifndef AOTI_RUNNER_H_
#define AOTI_RUNNER_H_

#include <stddef.h>
#include <stdint.h>

#include "dlpack/dlpack.h"

#ifdef __cplusplus
extern "C" {
#endif

#define AOTI_RUNNER_API_VERSION 1u

typedef enum aoti_status {
  AOTI_OK = 0,          /* done */
  AOTI_REFUSED = 1,     /* the runtime said no, and lives: aoti_error holds its own words */
  AOTI_UNSUPPORTED = 2, /* this runner, or the runtime behind it, has no such operation */
  AOTI_FAILED = 3       /* the runner itself failed before the runtime could answer: aoti_error says why */
} aoti_status;

/* Why a call did not succeed. Owned by the caller, filled by the callee, both texts end in NUL and are cut where they do not fit. */
typedef struct aoti_error {
  char kind[128];   /* class of the error, for example "c10::Error" */
  char text[16384]; /* the runtime's own words, untouched */
} aoti_error;

/* Receives `size` bytes of UTF-8 text, not NUL-terminated, once per answer. The bytes are borrowed for the call. */
typedef struct aoti_text_sink {
  void* context;
  void (*write)(void* context, const char* text, size_t size);
} aoti_text_sink;

typedef enum aoti_value_kind { AOTI_TENSOR = 0, AOTI_NONE = 1 } aoti_value_kind;

enum { AOTI_FLAG_CONJ = 1u, AOTI_FLAG_NEG = 2u, AOTI_FLAG_REQUIRES_GRAD = 4u };

/* A leaf of the flattened inputs or outputs, in the order of the package's call spec.
 * tensor: strides are never NULL and count elements; data + byte_offset is the first element.
 * storage: the whole allocation the tensor is a view of, in bytes; {NULL, 0} where the runtime does not tell. */
typedef struct aoti_value {
  int32_t kind;   /* aoti_value_kind; the fields below hold for AOTI_TENSOR only */
  uint32_t flags; /* AOTI_FLAG_*: what DLPack cannot carry */
  DLTensor tensor;
  void* storage_data;
  uint64_t storage_bytes;
} aoti_value;

/* Outputs of one run. Owned by the caller from run() until release_outputs(), also after the model is unloaded. */
typedef struct aoti_outputs {
  const aoti_value* values;
  size_t count;
  void* owner; /* the runner's own */
} aoti_outputs;

/* A constant of a model: a parameter, a buffer, or another tensor that the program holds. */
typedef struct aoti_named_value {
  const char* name; /* its fully qualified name in the exported program, as torch.nn.Module.state_dict() has it */
  aoti_value value;
} aoti_named_value;

/* Constants as extract_constants() found them, on the device where the model has each. They are borrowed from the model and hold until its constants
 * change or it is unloaded; the array is the caller's until release_constants(). */
typedef struct aoti_constants {
  const aoti_named_value* values;
  size_t count;
  void* owner; /* the runner's own */
} aoti_constants;

typedef struct aoti_update_options {
  uint32_t struct_size;
  int32_t inactive;     /* 0: the buffer of constants that calls read, 1: the other one */
  int32_t check_full;   /* 1: refuse an update that leaves a parameter out; 0: what is left out stays as it is */
  int32_t user_managed; /* 1: the runtime reads the caller's memory from now on instead of copying it; the caller keeps it as long as it is read */
} aoti_update_options;

typedef struct aoti_model aoti_model; /* opaque: one loaded package */
typedef struct aoti_graph aoti_graph; /* opaque: one run of a model, captured into a CUDA graph */

typedef struct aoti_load_options {
  uint32_t struct_size;
  const char* package_path;
  const char* model_name;      /* "model" unless the package holds several */
  int32_t num_runners;         /* model instances that may run at the same time, >= 1 */
  int32_t run_single_threaded; /* 0 or 1 */
  int32_t device_index;        /* -1: the default device */
} aoti_load_options;

typedef struct aoti_run_options {
  uint32_t struct_size;
  int32_t grad_mode;         /* 1: the caller has autograd on, as is PyTorch's default; 0: off */
  int32_t inference_mode;    /* 1: the caller is inside c10::InferenceMode */
  int32_t stream_is_current; /* 1: `stream` is the calling thread's current stream for this run, and the runtime is handed none */
  void* stream; /* a stream (CUstream) of the device's primary context that the runtime is handed; NULL: none, so that it takes the current one */
} aoti_run_options;

/* Where the runtime's own allocations lie, for tests that look for reads outside them and for memory that was never written. */
typedef enum aoti_memory_mode {
  AOTI_MEMORY_PLAIN = 0,      /* the runtime's usual allocator */
  AOTI_MEMORY_GUARD_END = 1,  /* each allocation ends at an unreadable page and is filled with `poison` */
  AOTI_MEMORY_GUARD_START = 2 /* each allocation begins after an unreadable page and is filled with `poison` */
} aoti_memory_mode;

typedef struct aoti_runner_api {
  uint32_t struct_size;
  uint32_t api_version; /* AOTI_RUNNER_API_VERSION the runner was built with */

  /* Prepares the process. config_json: what a person gave for this runner, "{}" for nothing. Called once, before anything else. */
  aoti_status (*open)(const char* config_json, aoti_error* error);

  /* What this runner is, as JSON: name, torch {version, git, library}, devices ["cpu", "cuda"], capabilities {name: supported | broken |
   * unsupported}, and for a runner broken on purpose: faults. Written once, after open().
   *
   * Capabilities, beyond load() and run():
   *   package         reads a .pt2 archive itself: its models by name, archives that are missing or damaged, without Python
   *   metadata        model_metadata() and package_metadata()
   *   guarded_memory  set_memory() with the guarded modes
   *   input_checks    AOTI_RUNTIME_CHECK_INPUTS=1 has dtype, rank and layout of inputs checked
   *   custom_operators  a library that registers operators with PyTorch's dispatcher, loaded into the process, serves packages that use them
   *   runs_at_once    run() of one model in several threads really runs at the same time, as many calls as num_runners says: each call reads its
   *                   own inputs, where they lie, without waiting for another to have read its
   *   current_stream  run() with stream_is_current = 1
   *   cuda_graphs     capture_run(), replay_graph() and release_graph(), for a model loaded with run_single_threaded = 1
   *   trace           start_trace() and stop_trace()
   *   constants       list_constants(), update_constants() and extract_constants() of the buffer that calls read
   *   constant_names  update_constants() refuses a name that the model does not have
   *   constant_buffers        a second buffer: inactive = 1, swap_constants(), free_inactive_constants() and fold_constants()
   *   user_managed_constants  user_managed = 1
   *   constants_from_file     load_constants_from_file()
   * One that is left out counts as supported. Tests of an unsupported one are not begun: their verdict is `unsupported`, which is no pass.
   * An operation may answer AOTI_UNSUPPORTED only for what is declared so; `broken` is tried like `supported`. */
  aoti_status (*describe)(aoti_text_sink sink, aoti_error* error);

  /* Loads a package. On AOTI_OK *model is the caller's until unload(). */
  aoti_status (*load)(const aoti_load_options* options, aoti_model** model, aoti_error* error);
  void (*unload)(aoti_model* model);

  /* Runs the model. inputs: borrowed for the call. outputs: filled on AOTI_OK only. May be called from several threads at once. */
  aoti_status (*run)(aoti_model* model, const aoti_value* inputs, size_t count, const aoti_run_options* options, aoti_outputs* outputs,
                     aoti_error* error);
  void (*release_outputs)(aoti_outputs* outputs);

  /* Copies values to devices, values[i] to devices[i], and waits until they are there: dtype, shape and strides stay as they are. A copy's first
   * element is as many bytes from the beginning of an allocation as that of the value is from the beginning of its storage, and the bytes before it
   * come along: so a view stays one, and what is aligned otherwise than an allocation stays so. `copies` are the caller's until release_outputs(),
   * also after a model is unloaded. run() takes a program's inputs, and update_constants() its constants, on the devices that it was compiled for;
   * the suite makes and reads all values in host memory. A runner for the CPU alone answers AOTI_UNSUPPORTED and names no other device in describe().
   */
  aoti_status (*copy_values)(const aoti_value* values, size_t count, const DLDevice* devices, aoti_outputs* copies, aoti_error* error);

  /* Captures one run into a CUDA graph, on options->stream, which must be handed over; nothing is computed. Each replay reads `inputs` and writes
   * `outputs` where they lie now: the caller keeps the inputs, and the outputs until release_outputs(), as long as the graph is replayed. */
  aoti_status (*capture_run)(aoti_model* model, const aoti_value* inputs, size_t count, const aoti_run_options* options, aoti_graph** graph,
                             aoti_outputs* outputs, aoti_error* error);
  /* Puts the work of the graph on `stream`, and does not wait for it. */
  aoti_status (*replay_graph)(aoti_graph* graph, void* stream, aoti_error* error);
  void (*release_graph)(aoti_graph* graph);

  /* Metadata of a loaded model, and of a package that is not loaded, as a flat JSON object of strings. */
  aoti_status (*model_metadata)(aoti_model* model, aoti_text_sink sink, aoti_error* error);
  aoti_status (*package_metadata)(const char* package_path, const char* model_name, aoti_text_sink sink, aoti_error* error);

  /* From now on, in this process. mode: aoti_memory_mode. */
  aoti_status (*set_memory)(int32_t mode, uint8_t poison, aoti_error* error);

  /* Between the two the runtime's own profiler is on in this process, for the calling thread; the second writes what it saw to `path`, as
   * JSON in Chrome's trace format. Each run() in between is an event named "aoti_run". */
  aoti_status (*start_trace)(aoti_error* error);
  aoti_status (*stop_trace)(const char* path, aoti_error* error);

  /* The constants of a loaded model, which all its instances share. Calls may be made between runs, and where the runtime promises it while
   * others run. A runtime without them answers AOTI_UNSUPPORTED to each and declares the capabilities above.
   *
   * list: a JSON array of objects: name as in aoti_named_value, dtype as PyTorch calls it ("float32"), and where the runtime tells them bytes
   * (an integer) and folded (true for what the runtime computes from other constants itself: it is neither updated nor extracted). */
  aoti_status (*list_constants)(aoti_model* model, aoti_text_sink sink, aoti_error* error);
  /* Values are copied unless they are user-managed. Each lies on the device where the program has the constant; a runtime may take one in host memory
   * too, or refuse it. An update that is refused changes nothing. */
  aoti_status (*update_constants)(aoti_model* model, const aoti_named_value* values, size_t count, const aoti_update_options* options,
                                  aoti_error* error);
  aoti_status (*extract_constants)(aoti_model* model, int32_t inactive, aoti_constants* constants, aoti_error* error);
  void (*release_constants)(aoti_constants* constants);
  /* From now on calls read the other buffer. */
  aoti_status (*swap_constants)(aoti_model* model, aoti_error* error);
  /* Gives back what the buffer that calls do not read holds. */
  aoti_status (*free_inactive_constants)(aoti_model* model, aoti_error* error);
  /* Computes now what depends on the constants of that buffer alone. A call does it by itself where it has not been done. */
  aoti_status (*fold_constants)(aoti_model* model, int32_t inactive, aoti_error* error);
  /* All constants from the one file that a package compiled with package_constants_on_disk_format = "binary_blob" brings along. load() has done
   * it once. */
  aoti_status (*load_constants_from_file)(aoti_model* model, const char* path, aoti_error* error);
} aoti_runner_api;

/* The one symbol a runner exports. Returns NULL where it cannot speak `api_version`. The table lives as long as the process. */
#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
const aoti_runner_api*
aoti_get_runner_api(uint32_t api_version);

typedef const aoti_runner_api* (*aoti_get_runner_api_fn)(uint32_t api_version);
#define AOTI_GET_RUNNER_API_SYMBOL "aoti_get_runner_api"

#ifdef __cplusplus
}
#endif

#endif /* AOTI_RUNNER_H_ */
