// SPDX-License-Identifier: Apache-2.0
// SEC_1: what the library inside a package asks of the memory it will lie in, and who can change it while it lies on the disk. To add a property: one
// more Registered below.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "fixtures/extraction.h"
#include "fixtures/property.h"
#include "fixtures/sandbox.h"

namespace aoti_cts {
namespace {

Property OfLibrary(const std::string& sentence, void (*look)(Trial&, const SharedLibrary&)) {
  return {.requirement = "SEC_1",
          .sentence = sentence,
          .sampled = true,
          .on_cuda = true,
          .capability = "package",
          .targets = OncePerCase,
          .body = [look](Trial& t) { look(t, ExtractedLibrary(t)); }};
}

const Registered kStack{OfLibrary("library_asks_for_no_executable_stack", [](Trial& t, const SharedLibrary& library) {
  t.Check(!library.executable_stack, "the library asks for an executable stack (PT_GNU_STACK)");
})};

const Registered kReadOnly{OfLibrary("library_has_read_only_relocations", [](Trial& t, const SharedLibrary& library) {
  t.Check(library.relocations_read_only, "what is relocated stays writable: the library has no PT_GNU_RELRO");
})};

const Registered kText{OfLibrary("library_has_no_text_relocations", [](Trial& t, const SharedLibrary& library) {
  t.Check(!library.text_relocations, "code must be written while the library is loaded (DT_TEXTREL)");
})};

const Registered kCode{OfLibrary("library_has_no_writable_code", [](Trial& t, const SharedLibrary& library) {
  t.Check(library.writable_code == 0, fmt::format("{} segments of the library can be written and executed", library.writable_code));
})};

const Registered kPaths{OfLibrary("library_names_no_folder_of_the_machine_that_built_it", [](Trial& t, const SharedLibrary& library) {
  t.Check(library.search_paths.empty(), fmt::format("the library has others looked for in {}", fmt::join(library.search_paths, ", ")));
})};

// The caller's umask must not decide who can replace a library between its unpacking and its loading.
void LookAtModes(Trial& t) {
  umask(0);
  Model model = t.Load();
  t.JudgeCall(model, t.ExampleCall());
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SandboxTemporary())) {
    ++files;
    const auto others = entry.status().permissions() & (std::filesystem::perms::group_all | std::filesystem::perms::others_all);
    t.Check(others == std::filesystem::perms::none, fmt::format("{} lies open to other users (mode {:o})", entry.path().filename().string(),
                                                                static_cast<unsigned>(entry.status().permissions())));
  }
  if (files == 0) t.EndUnavailable("the runtime unpacks nothing below TMPDIR");
}

const Registered kModes{{.requirement = "SEC_1",
                         .sentence = "unpacked_files_are_closed_to_other_users",
                         .sampled = true,
                         .on_cuda = true,
                         .capability = "package",
                         .targets = OncePerCase,
                         .body = LookAtModes}};

}  // namespace
}  // namespace aoti_cts
