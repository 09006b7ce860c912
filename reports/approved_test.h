// SPDX-License-Identifier: Apache-2.0
// The comparison of what a report writes with the text that a person has approved, in approved/. A text that differs is left beside it.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace aoti_cts {

inline std::string ReadFile(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

inline void ExpectApproved(const std::string& file_name, const std::string& text) {
  const std::filesystem::path approved = std::filesystem::path(REPORTS_DIR) / "approved" / file_name;
  const std::filesystem::path unapproved = approved.string() + ".unapproved";
  if (ReadFile(approved) == text) {
    std::filesystem::remove(unapproved);
    return;
  }
  std::ofstream(unapproved, std::ios::binary) << text;
  ADD_FAILURE() << approved.string() << " is not what was written now. Look at the difference:\n  diff " << approved.string() << " "
                << unapproved.string() << "\nand if it is what you meant, approve it:\n  mv " << unapproved.string() << " " << approved.string();
}

}  // namespace aoti_cts
