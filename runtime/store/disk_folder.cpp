// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "runtime/image/image_file.h"
#include "runtime/store/store_folder.h"

namespace sluice {
namespace {

constexpr std::uint64_t longest_text_bytes = 16 << 20;
constexpr mode_t file_mode = 0640;
const std::string lock_name = "lock";

class DiskFolder final : public StoreFolder {
  public:
    explicit DiskFolder(const std::string& path);
    ~DiskFolder() override;
    DiskFolder(const DiskFolder&) = delete;
    DiskFolder& operator=(const DiskFolder&) = delete;

    std::vector<std::string> names() override;
    std::optional<std::uint64_t> size(const std::string& name) override;
    std::optional<std::string> read_text(const std::string& name) override;
    std::variant<SealedMemory, ImageError> read_image(const std::string& name) override {
        return read_image_file(path_ + "/" + name);
    }
    void create(const std::string& name) override;
    void write(const std::string& name, std::uint64_t offset, std::span<const std::uint8_t> bytes) override;
    void sync(const std::string& name) override;
    void rename(const std::string& from, const std::string& to) override;
    void remove(const std::string& name) override;
    void sync_folder() override;

  private:
    [[noreturn]] void fail(const std::string& what, const std::string& name) const {
        throw StoreFailure(fmt::format("{}/{}: cannot be {}: {}", path_, name, what, std::strerror(errno)));
    }
    void take_lock();

    const std::string path_;
    int folder_ = -1;
    int lock_ = -1;
};

/// Closes itself.
struct Descriptor {
    int number;
    explicit Descriptor(int opened) : number(opened) {}
    ~Descriptor() {
        if (number >= 0) close(number);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
};

DiskFolder::DiskFolder(const std::string& path) : path_(path) {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) throw StoreFailure(fmt::format("{}: the folder can't be made: {}", path, error.message()));
    folder_ = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder_ < 0) throw StoreFailure(fmt::format("{}: {}", path, std::strerror(errno)));
    try {
        take_lock();
    } catch (...) {
        if (lock_ >= 0) close(lock_);
        close(folder_);
        throw;
    }
}

DiskFolder::~DiskFolder() {
    close(lock_);
    close(folder_);
}

void DiskFolder::take_lock() {
    lock_ = openat(folder_, lock_name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, file_mode);
    if (lock_ < 0) fail("opened", lock_name);
    if (flock(lock_, LOCK_EX | LOCK_NB) != 0) {
        throw StoreFailure(fmt::format(
            "another gateway uses the images in {}: stop it, or give this one another images.directory in the "
            "host file",
            path_));
    }
}

std::vector<std::string> DiskFolder::names() {
    DIR* folder = opendir(path_.c_str());
    if (folder == nullptr) fail("read", ".");
    std::vector<std::string> names;
    while (const dirent* entry = readdir(folder)) {
        const std::string name = entry->d_name;
        if (name != "." && name != ".." && name != lock_name) names.push_back(name);
    }
    closedir(folder);
    std::ranges::sort(names);
    return names;
}

std::optional<std::uint64_t> DiskFolder::size(const std::string& name) {
    struct stat status {};
    if (fstatat(folder_, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode)) {
        return std::nullopt;
    }
    return static_cast<std::uint64_t>(status.st_size);
}

std::optional<std::string> DiskFolder::read_text(const std::string& name) {
    const auto bytes = size(name);
    if (!bytes || *bytes > longest_text_bytes) return std::nullopt;
    const Descriptor file(openat(folder_, name.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.number < 0) fail("read", name);
    std::string text(*bytes, '\0');
    for (std::size_t done = 0; done < text.size();) {
        const ssize_t count = ::read(file.number, text.data() + done, text.size() - done);
        if (count < 0 && errno != EINTR) fail("read", name);
        if (count == 0) break;
        if (count > 0) done += static_cast<std::size_t>(count);
    }
    return text;
}

void DiskFolder::create(const std::string& name) {
    const Descriptor file(
        openat(folder_, name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, file_mode));
    if (file.number < 0) fail("written", name);
}

void DiskFolder::write(const std::string& name, std::uint64_t offset, std::span<const std::uint8_t> bytes) {
    const Descriptor file(openat(folder_, name.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC));
    if (file.number < 0) fail("written", name);
    while (!bytes.empty()) {
        const ssize_t count = pwrite(file.number, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (count < 0 && errno != EINTR) fail("written", name);
        if (count <= 0) continue;
        bytes = bytes.subspan(static_cast<std::size_t>(count));
        offset += static_cast<std::uint64_t>(count);
    }
}

void DiskFolder::sync(const std::string& name) {
    const Descriptor file(openat(folder_, name.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.number < 0 || fsync(file.number) != 0) fail("synced to disk", name);
}

void DiskFolder::rename(const std::string& from, const std::string& to) {
    if (renameat(folder_, from.c_str(), folder_, to.c_str()) != 0) fail("renamed to " + to, from);
}

void DiskFolder::remove(const std::string& name) {
    if (unlinkat(folder_, name.c_str(), 0) != 0 && errno != ENOENT) fail("removed", name);
}

void DiskFolder::sync_folder() {
    if (fsync(folder_) != 0) fail("synced to disk", ".");
}

}  // namespace

std::unique_ptr<StoreFolder> open_store_folder(const std::string& path) {
    return std::make_unique<DiskFolder>(path);
}

}  // namespace sluice
