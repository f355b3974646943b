// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/image_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "schemas/layout/image_header.h"

namespace sluice {
namespace {

class FileDescriptor {
  public:
    explicit FileDescriptor(int number) : number_(number) {}
    FileDescriptor(const FileDescriptor&) = delete;
    FileDescriptor& operator=(const FileDescriptor&) = delete;
    ~FileDescriptor() {
        if (number_ >= 0) close(number_);
    }
    int number() const { return number_; }

  private:
    int number_;
};

ImageError unreadable(const std::string& why) {
    return {ImageError::Kind::unreadable, "cannot be read: " + why};
}

// 0: complete; otherwise errno, or ENODATA where the file ends early.
int read_fully(int file, std::span<std::uint8_t> into) {
    for (std::size_t done = 0; done < into.size();) {
        const ssize_t count = read(file, into.data() + done, into.size() - done);
        if (count > 0) {
            done += static_cast<std::size_t>(count);
        } else if (count == 0) {
            return ENODATA;
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

}  // namespace

std::variant<SealedMemory, ImageError> read_image_file(const std::string& path) {
    // Not blocking: opening a pipe by mistake should say so, not wait for a writer.
    const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (file.number() < 0) return unreadable(std::strerror(errno));
    struct stat status {};
    if (fstat(file.number(), &status) != 0) return unreadable(std::strerror(errno));
    if (!S_ISREG(status.st_mode)) return unreadable("it is not a regular file");
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (size > longest_image_bytes) {
        return unreadable("it has " + std::to_string(size) + " bytes, an image at most " +
                          std::to_string(longest_image_bytes));
    }
    auto memory = SealedMemory::allocate(size);
    if (!memory) return unreadable("no memory for its " + std::to_string(size) + " bytes");
    const int error = read_fully(file.number(), memory->writable());
    if (error == ENODATA) return unreadable("it became shorter while it was read");
    if (error != 0) return unreadable(std::strerror(error));
    return std::move(*memory);
}

}  // namespace sluice
