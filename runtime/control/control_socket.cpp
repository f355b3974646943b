// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "runtime/control/control_server.h"

namespace sluice {
namespace {

std::runtime_error failure(const std::string& what) {
    return std::runtime_error(what + ": " + std::strerror(errno));
}

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) throw std::runtime_error(path + ": too long for a socket");
    path.copy(address.sun_path, path.size());
    return address;
}

bool same_file(int descriptor, const std::string& path) {
    struct stat open_file {};
    struct stat named_file {};
    return fstat(descriptor, &open_file) == 0 && stat(path.c_str(), &named_file) == 0 &&
           open_file.st_dev == named_file.st_dev && open_file.st_ino == named_file.st_ino;
}

}  // namespace

ControlSocket::ControlSocket(std::string path) : path_(std::move(path)), lock_path_(path_ + ".lock") {
    std::error_code error;
    std::filesystem::create_directories(std::filesystem::path(path_).parent_path(), error);
    if (error) throw std::runtime_error(path_ + ": its folder can't be made: " + error.message());
    take_lock();
    try {
        refuse_living_socket();
        listen_on_path();
    } catch (...) {
        if (listener_ >= 0) close(listener_);
        give_up_lock();
        throw;
    }
}

ControlSocket::~ControlSocket() {
    unlink(path_.c_str());
    close(listener_);
    give_up_lock();
}

// The holder of the lock removes its file before it lets go; whoever waited for a removed file starts over.
void ControlSocket::take_lock() {
    for (;;) {
        lock_ = open(lock_path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
        if (lock_ < 0) throw failure(lock_path_);
        if (flock(lock_, LOCK_EX | LOCK_NB) != 0) {
            char holder[16] = "";
            const ssize_t length = pread(lock_, holder, sizeof holder - 1, 0);
            close(lock_);
            throw std::runtime_error(fmt::format(
                "another gateway (process {}) has the control socket {}: stop it, or give this one another "
                "control.socket in the host file",
                length > 0 ? holder : "unknown", path_));
        }
        if (same_file(lock_, lock_path_)) break;
        close(lock_);
    }
    const std::string process = std::to_string(getpid());
    if (ftruncate(lock_, 0) != 0 || pwrite(lock_, process.data(), process.size(), 0) < 0) {
        const auto error = failure(lock_path_);
        give_up_lock();
        throw error;
    }
}

void ControlSocket::give_up_lock() {
    unlink(lock_path_.c_str());
    close(lock_);
}

void ControlSocket::refuse_living_socket() const {
    struct stat status {};
    if (lstat(path_.c_str(), &status) != 0) return;
    if (!S_ISSOCK(status.st_mode)) {
        throw std::runtime_error(path_ +
                                 " is in the way: it is no socket; remove it or name another control.socket");
    }
    const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const sockaddr_un address = address_of(path_);
    const bool answered =
        connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 || errno == EAGAIN;
    close(probe);
    if (answered) {
        throw std::runtime_error("another program answers on " + path_ +
                                 ": stop it, or give this gateway another control.socket in the host file");
    }
    unlink(path_.c_str());
}

void ControlSocket::listen_on_path() {
    const sockaddr_un address = address_of(path_);
    listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener_ < 0) throw failure("socket");
    // The mode must be right from the first moment on: a later chmod leaves a gap.
    const mode_t previous = umask(0117);
    const int bound = bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    umask(previous);
    if (bound != 0 || listen(listener_, 16) != 0) throw failure(path_);
}

}  // namespace sluice
