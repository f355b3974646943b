// SPDX-License-Identifier: Apache-2.0
#include "compiler/front/files.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

namespace sluice::front {

Files::Text DiskFiles::read(const std::string& path) const {
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (status.type() == std::filesystem::file_type::not_found) return {{}, "no such file"};
    if (error) return {{}, error.message()};
    if (std::filesystem::is_directory(status)) return {{}, "it is a directory"};
    if (!std::filesystem::is_regular_file(status)) return {{}, "it is not a regular file"};
    if (std::filesystem::file_size(path, error) > longest_policy_bytes || error) {
        return {{}, "it is longer than 256 MiB"};
    }
    std::ifstream stream(path, std::ios::binary);
    if (!stream) return {{}, "permission denied"};
    std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    if (stream.bad()) return {{}, "reading it failed"};
    return {std::move(text), {}};
}

bool DiskFiles::is_directory(const std::string& path) const {
    std::error_code error;
    return std::filesystem::is_directory(path, error);
}

MemoryFiles::MemoryFiles(std::map<std::string, std::string> texts) : texts_(std::move(texts)) {}

Files::Text MemoryFiles::read(const std::string& path) const {
    const auto found = texts_.find(path);
    if (found == texts_.end()) return {{}, "no such file"};
    return {found->second, {}};
}

bool MemoryFiles::is_directory(const std::string& path) const {
    const auto found = texts_.lower_bound(path + "/");
    return found != texts_.end() && found->first.starts_with(path + "/");
}

}  // namespace sluice::front
