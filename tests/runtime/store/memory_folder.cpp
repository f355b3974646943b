// SPDX-License-Identifier: Apache-2.0
#include "tests/runtime/store/memory_folder.h"

#include <algorithm>
#include <cstring>
#include <random>

namespace sluice::test {

bool MemoryFolder::step() {
    return operations_++ == trouble_at_;
}

void MemoryFolder::stop() const {
    if (trouble_ == Trouble::failure) throw StoreFailure("the disk is full");
    throw PowerLoss();
}

MemoryFolder::File& MemoryFolder::file(const std::string& name) {
    const auto found = now_.find(name);
    if (found == now_.end()) throw StoreFailure(name + ": no such file");
    return *found->second;
}

MemoryFolder MemoryFolder::after_loss(Survives survives, std::uint64_t seed) const {
    std::mt19937_64 random(seed);
    const auto survived = [&] {
        return survives == Survives::all || (survives == Survives::some && random() % 2 == 0);
    };
    MemoryFolder left;
    std::vector<std::string> names;
    for (const auto& [name, file] : now_) names.push_back(name);
    for (const auto& [name, file] : durable_) {
        if (!now_.contains(name)) names.push_back(name);
    }
    for (const std::string& name : names) {
        const Names& source = survived() ? now_ : durable_;
        const auto found = source.find(name);
        if (found == source.end()) continue;
        auto file = std::make_shared<File>();
        file->now = survived() ? found->second->now : found->second->durable;
        if (survives == Survives::some && random() % 4 == 0) file->now.resize(found->second->durable.size());
        file->durable = file->now;
        left.now_[name] = file;
    }
    left.durable_ = left.now_;
    return left;
}

void MemoryFolder::flip_a_byte(const std::string& name, std::size_t at) {
    file(name).now.at(at) ^= 1;
}

void MemoryFolder::truncate(const std::string& name, std::size_t bytes) {
    file(name).now.resize(bytes);
}

std::vector<std::string> MemoryFolder::names() {
    std::vector<std::string> result;
    for (const auto& [name, file] : now_) result.push_back(name);
    return result;
}

std::optional<std::uint64_t> MemoryFolder::size(const std::string& name) {
    const auto found = now_.find(name);
    if (found == now_.end()) return std::nullopt;
    return found->second->now.size();
}

std::optional<std::string> MemoryFolder::read_text(const std::string& name) {
    const auto found = now_.find(name);
    if (found == now_.end()) return std::nullopt;
    return std::string(found->second->now.begin(), found->second->now.end());
}

std::variant<SealedMemory, ImageError> MemoryFolder::read_image(const std::string& name) {
    const auto found = now_.find(name);
    if (found == now_.end()) return ImageError{ImageError::Kind::unreadable, "cannot be read: no such file"};
    const Bytes& bytes = found->second->now;
    auto memory = SealedMemory::allocate(bytes.size());
    if (!bytes.empty()) std::memcpy(memory->writable().data(), bytes.data(), bytes.size());
    return std::move(*memory);
}

void MemoryFolder::create(const std::string& name) {
    if (step()) stop();
    if (const auto found = now_.find(name); found != now_.end()) {
        found->second->now.clear();
    } else {
        now_[name] = std::make_shared<File>();
    }
}

void MemoryFolder::write(const std::string& name, std::uint64_t offset, std::span<const std::uint8_t> bytes) {
    const bool half = step();
    if (half) bytes = bytes.first(bytes.size() / 2);
    Bytes& now = file(name).now;
    now.resize(std::max<std::size_t>(now.size(), offset + bytes.size()));
    std::copy(bytes.begin(), bytes.end(), now.begin() + static_cast<std::ptrdiff_t>(offset));
    if (half) stop();
}

void MemoryFolder::sync(const std::string& name) {
    if (step()) stop();
    file(name).durable = file(name).now;
}

void MemoryFolder::rename(const std::string& from, const std::string& to) {
    if (step()) stop();
    now_[to] = now_.at(from);
    now_.erase(from);
}

void MemoryFolder::remove(const std::string& name) {
    if (step()) stop();
    now_.erase(name);
}

void MemoryFolder::sync_folder() {
    if (step()) stop();
    durable_ = now_;
}

}  // namespace sluice::test
