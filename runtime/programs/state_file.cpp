// SPDX-License-Identifier: Apache-2.0
#include "runtime/programs/state_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>

namespace sluice {
namespace {

constexpr mode_t owner_only = 0600;

struct Descriptor {
    explicit Descriptor(int opened) : number(opened) {}
    ~Descriptor() {
        if (number >= 0) close(number);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int number;
};

std::string why() {
    return std::strerror(errno);
}

bool read_all(int file, std::span<std::uint8_t> bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::read(file, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    return true;
}

bool write_all(int file, std::span<const std::uint8_t> bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::write(file, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    return true;
}

}  // namespace

std::optional<BootId> read_boot_id() {
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::string text;
    file >> text;
    std::erase(text, '-');
    BootId id{};
    if (text.size() != 2 * id.size()) return std::nullopt;
    for (std::size_t i = 0; i < id.size(); ++i) {
        const char* digits = text.data() + 2 * i;
        if (std::from_chars(digits, digits + 2, id[i], 16).ptr != digits + 2) return std::nullopt;
    }
    return id;
}

std::variant<std::vector<std::uint8_t>, NoStateFile, std::string> take_state_file(const std::string& path) {
    const Descriptor file(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (file.number < 0 && errno == ENOENT) return NoStateFile{};
    if (file.number < 0) return fmt::format("it can't be opened: {}", why());
    // Before a byte of it is looked at: whatever it does to this process, it does once.
    if (unlink(path.c_str()) != 0) return fmt::format("it can't be removed: {}", why());
    struct stat status {};
    if (fstat(file.number, &status) != 0) return why();
    if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & 077) != 0) {
        return fmt::format(
            "expected a file that nobody but user {} may touch, found one of user {} with mode {:o}", geteuid(),
            status.st_uid, status.st_mode & 07777);
    }
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(status.st_size));
    if (!read_all(file.number, bytes)) return std::string("it can't be read to its end");
    return bytes;
}

std::optional<std::string> leave_state_file(const std::string& path, std::span<const std::uint8_t> bytes) {
    const std::string beside = path + ".new";
    unlink(beside.c_str());
    const Descriptor file(
        open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, owner_only));
    if (file.number < 0) return fmt::format("{}: {}", beside, why());
    // Memory alone keeps it where the folder is in memory, as /run is; no need to outlive the machine.
    if (!write_all(file.number, bytes) || rename(beside.c_str(), path.c_str()) != 0) {
        const std::string problem = fmt::format("{}: {}", beside, why());
        unlink(beside.c_str());
        return problem;
    }
    return std::nullopt;
}

}  // namespace sluice
