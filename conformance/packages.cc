// SPDX-License-Identifier: Apache-2.0
// EXP, PKG: what a package says of itself, and files that are no package. To add a property: one more Registered below.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "fixtures/property.h"
#include "fixtures/sandbox.h"

namespace aoti_cts {
namespace {

std::string InWords(const std::variant<int64_t, DimRange>& dim) {
  if (const auto* size = std::get_if<int64_t>(&dim)) return fmt::format("the static size {}", *size);
  const auto& range = std::get<DimRange>(dim);
  return fmt::format("the range [{}, {}]", range.min, range.max);
}

// The size or range that the case declares for one dimension of an input.
std::variant<int64_t, DimRange> Declared(const Case& c, const SizeSpec& size) {
  if (size.dim.empty()) return size.plus;
  for (const DimSpec& spec : c.dims) {
    if (spec.name == size.dim) return DimRange{size.times * spec.min + size.plus, size.times * spec.max + size.plus};
  }
  return DimRange{};
}

void CompareExportedRanges(Trial& t) {
  const auto& exported = t.package().exported_inputs;
  if (!t.Check(exported.size() == t.program().inputs.size(),
               fmt::format("the exported program has {} inputs, the case declares {}", exported.size(), t.program().inputs.size())))
    return;
  for (size_t i = 0; i < exported.size(); ++i) {
    const InputSpec& input = t.program().inputs[i];
    if (!t.Check(exported[i].size() == input.shape.size(),
                 fmt::format("input {} was exported with {} dimensions, declared are {}", input.name, exported[i].size(), input.shape.size())))
      return;
    for (size_t d = 0; d < input.shape.size(); ++d) {
      const std::string promised = InWords(Declared(t.program(), input.shape[d]));
      const std::string actual = InWords(exported[i][d]);
      t.Check(promised == actual, fmt::format("dimension {} of input {} was declared with {} and exported with {}", d, input.name, promised, actual));
    }
  }
}

const Registered kRanges{{.requirement = "EXP_1",
                          .sentence = "exported_sizes_are_the_declared_ones",
                          .on_cuda = true,
                          .by_export = true,
                          .targets = OncePerCase,
                          .body = CompareExportedRanges}};

void CompareMetadata(Trial& t) {
  auto of_package = t.runner().PackageMetadata(t.package().path);
  if (!of_package) {
    t.Fail("the metadata of the package cannot be read: " + of_package.refusal().ToString());
    return;
  }
  Model model = t.Load();
  auto of_model = model.Metadata();
  if (!of_model) {
    t.Fail("the metadata of the loaded model cannot be read: " + of_model.refusal().ToString());
    return;
  }
  t.Check(*of_package == *of_model, fmt::format("the package says {}, the loaded model says {}", of_package->dump(), of_model->dump()));
  const std::string device = of_package->value("AOTI_DEVICE_KEY", "");
  const std::string promised = t.program().needs_cuda() ? "cuda" : "cpu";  // the compiler names a hybrid program's by the one that is not the CPU
  t.Check(device == promised, fmt::format("AOTI_DEVICE_KEY is \"{}\", the program was compiled for {}", device, t.program().device));
}

const Registered kMetadata{{.requirement = "PKG_2",
                            .sentence = "metadata_of_package_and_model_agree",
                            .sampled = true,
                            .on_cuda = true,
                            .capability = "metadata",
                            .targets = OncePerCase,
                            .body = CompareMetadata}};

void LoadWrongName(Trial& t) {
  t.RequireRefusal(t.TryLoad(t.package().path, {.model_name = "no_such_model"}), "loading a model that is not in the package");
  Model model = t.Load();
  t.JudgeCall(model, t.ExampleCall(), "the model that is there");
}

const Registered kWrongName{{.requirement = "PKG_1",
                             .sentence = "wrong_model_name_is_refused",
                             .sampled = true,
                             .on_cuda = true,
                             .capability = "package",
                             .targets = OncePerCase,
                             .body = LoadWrongName}};

// Both models of one file, loaded beside each other.
void RunModelBeside(Trial& t) {
  Model own = t.Load();
  Model other = t.Load({.model_name = t.call().name});
  t.JudgeCall(own, t.ExampleCall(), "the model called model");
  t.JudgeCall(other, t.call(), "the model called " + t.call().name);
  t.JudgeCall(own, t.ExampleCall(), "the model called model, once more");
}

const Registered kBeside{{.requirement = "PKG_1",
                          .sentence = "each_model_of_a_package_is_golden",
                          .on_cuda = true,
                          .capability = "package",
                          .targets = CallsInCells({"beside"}),
                          .body = RunModelBeside}};

// Programs with several models carry a word of their author: "case", the name of the case that was written.
void ReadAuthorsMetadata(Trial& t) {
  const auto check = [&](Answer<nlohmann::json> metadata, const std::string& whose) {
    if (!metadata) return t.Fail(fmt::format("the metadata of the {} cannot be read: {}", whose, metadata.refusal().ToString()));
    t.Check(metadata->value("case", "") == t.program().origin(),
            fmt::format("the author's key \"case\": \"{}\" is not in the metadata of the {}: {}", t.program().origin(), whose, metadata->dump()));
  };
  check(t.runner().PackageMetadata(t.package().path), "package");
  Model model = t.Load();
  check(model.Metadata(), "loaded model");
}

const Registered kAuthors{{.requirement = "PKG_2",
                           .sentence = "metadata_of_the_author_are_read_back",
                           .on_cuda = true,
                           .capability = "metadata",
                           .targets = OnceWhereCell("beside"),
                           .body = ReadAuthorsMetadata}};

// The loader has unpacked the archive below TMPDIR; a copy of that is what an ordinary tool unpacks, as far as the model goes.
std::filesystem::path UnpackedCopy(Trial& t) {
  Model model = t.Load();
  std::vector<std::filesystem::path> folders;
  for (const auto& entry : std::filesystem::directory_iterator(SandboxTemporary())) folders.push_back(entry.path());
  if (folders.empty()) t.EndUnavailable("the runtime unpacks nothing below TMPDIR");
  const auto copy = SandboxTemporary() / "unpacked";
  std::filesystem::copy(folders.front(), copy, std::filesystem::copy_options::recursive);
  return copy;
}

const Registered kUnpacked{{.requirement = "PKG_5",
                            .sentence = "unpacked_package_is_golden",
                            .sampled = true,
                            .on_cuda = true,
                            .capability = "package",
                            .targets = OncePerCase,
                            .body = [](Trial& t) {
                              const auto folder = UnpackedCopy(t);
                              Model model = t.LoadFrom(folder);
                              t.JudgeCall(model, t.ExampleCall());
                            }}};

const Registered kWhere{{.requirement = "LIFE_1",
                         .sentence = "where_a_package_is_unpacked",
                         .judged = false,
                         .sampled = true,
                         .on_cuda = true,
                         .capability = "package",
                         .targets = OncePerCase,
                         .body = [](Trial& t) {
                           Model model = t.Load();
                           const bool below = !std::filesystem::is_empty(SandboxTemporary());
                           t.Observe(below ? "below_tmpdir" : "elsewhere", below ? "TMPDIR is honoured" : "nothing lies below TMPDIR");
                         }}};

// A file in the test's own temporary folder with the first `bytes` bytes of the package.
std::filesystem::path Truncated(Trial& t, uint64_t bytes) {
  std::ifstream from(t.package().path, std::ios::binary);
  std::string content(bytes, '\0');
  from.read(content.data(), static_cast<std::streamsize>(bytes));
  const auto path = SandboxTemporary() / "truncated.pt2";
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

const Registered kMissing{
    {.requirement = "PKG_3",
     .sentence = "missing_package_is_refused",
     .sampled = true,
     .capability = "package",
     .targets = OncePerCase,
     .body = [](Trial& t) { t.RequireRefusal(t.runner().Load(SandboxTemporary() / "no_such_file.pt2"), "loading a file that does not exist"); }}};

const Registered kNotAnArchive{{.requirement = "PKG_3",
                                .sentence = "file_that_is_no_archive_is_refused",
                                .sampled = true,
                                .capability = "package",
                                .targets = OncePerCase,
                                .body = [](Trial& t) {
                                  const auto path = SandboxTemporary() / "text.pt2";
                                  std::ofstream(path) << "this is a text of some length and no zip archive at all, whatever its name says\n";
                                  t.RequireRefusal(t.runner().Load(path), "loading a text file");
                                  t.RequireRefusal(t.TryLoad(Truncated(t, 0)), "loading an empty file");
                                }}};

const Registered kTruncated{{.requirement = "PKG_3",
                             .sentence = "truncated_package_is_refused",
                             .sampled = true,
                             .capability = "package",
                             .targets = OncePerCase,
                             .body = [](Trial& t) {
                               for (const double part : {0.1, 0.5, 0.9, 0.999}) {
                                 const auto bytes = static_cast<uint64_t>(static_cast<double>(t.package().bytes) * part);
                                 t.RequireRefusal(t.TryLoad(Truncated(t, bytes)),
                                                  fmt::format("loading the first {} of {} bytes", bytes, t.package().bytes));
                               }
                             }}};

}  // namespace
}  // namespace aoti_cts
