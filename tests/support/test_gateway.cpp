// SPDX-License-Identifier: Apache-2.0
#include "tests/support/test_gateway.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "runtime/shard/saved_state.h"

namespace sluice::test {
namespace {

constexpr std::uint16_t headroom_bytes = 128;
constexpr std::uint32_t tailroom_bytes = 64;
constexpr BootId test_boot{1, 2, 3};

}  // namespace

std::string name_of(CacheTiers tiers) {
    constexpr const char* names[] = {"no_cache", "flow_table", "trace_cache"};
    return names[static_cast<std::size_t>(tiers)];
}

HeapFrames::~HeapFrames() {
    for (std::uint8_t* buffer : buffers_) delete[] buffer;
}

Frame HeapFrames::allocate(std::uint32_t length) {
    auto* buffer = new std::uint8_t[headroom_bytes + length + tailroom_bytes];
    buffers_.insert(buffer);
    return {.data = buffer + headroom_bytes,
            .length = length,
            .tailroom = tailroom_bytes,
            .headroom = headroom_bytes,
            .port = 0,
            .buffer = buffer};
}

Frame HeapFrames::copy_of(std::span<const std::uint8_t> bytes, std::uint16_t port) {
    Frame frame = allocate(static_cast<std::uint32_t>(bytes.size()));
    std::copy(bytes.begin(), bytes.end(), frame.data);
    frame.port = port;
    return frame;
}

void HeapFrames::free(const Frame& frame) {
    auto* buffer = static_cast<std::uint8_t*>(frame.buffer);
    if (buffers_.erase(buffer) == 0) throw std::logic_error("a frame came back that was not out");
    delete[] buffer;
}

TestGateway::TestGateway(const Image& image, const ShardSettings& settings)
    : image_(&image), settings_(settings), shard_(image, settings, frames_) {}

TestGateway::~TestGateway() {
    release_held();
}

void TestGateway::release_held() {
    shard_.release_held(output_);
    collect();
}

std::vector<std::uint8_t> TestGateway::save() {
    release_held();
    return shard_.save(test_boot);
}

std::unique_ptr<TestGateway> TestGateway::resume(std::vector<std::uint8_t> bytes, const Image& loaded,
                                                 ShardSettings settings, Time now) {
    const auto opened = SavedState::open(std::move(bytes), test_boot, now, settings.timeouts.tcp_established);
    if (const auto* problem = std::get_if<std::string>(&opened)) throw std::runtime_error(*problem);
    const SavedState& state = std::get<SavedState>(opened);
    auto image = loaded.renumbered(state.numbering());
    if (!image) throw std::runtime_error("the numbering is another image's");
    settings.seed = state.seed();
    std::unique_ptr<TestGateway> next(new TestGateway(std::move(image), settings, now));
    next->resumed_ = next->shard_.resume(state);
    return next;
}

std::unique_ptr<TestGateway> TestGateway::restart(const Image& loaded) {
    const std::vector<std::uint8_t> bytes = save();
    auto next = resume(bytes, loaded, settings_, now_);
    if (next->save() != bytes) throw std::logic_error("the next process does not know what this one knew");
    return next;
}

std::vector<SentFrame> TestGateway::inject(std::uint16_t port, std::span<const Bytes> burst) {
    std::vector<Frame> frames;
    for (const Bytes& bytes : burst) frames.push_back(frames_.copy_of(bytes, port));
    shard_.process(frames, now_, output_);
    return collect();
}

std::vector<SentFrame> TestGateway::inject(std::span<const SentFrame> burst) {
    std::vector<Frame> frames;
    for (const SentFrame& frame : burst) frames.push_back(frames_.copy_of(frame.bytes, frame.port));
    shard_.process(frames, now_, output_);
    return collect();
}

std::vector<SentFrame> TestGateway::advance(Time duration) {
    now_ += duration;
    shard_.advance(now_, output_);
    return collect();
}

void TestGateway::activate(const Image& next, std::uint32_t forgotten) {
    auto followed = next.follow(*image_, forgotten);
    if (!followed) throw std::logic_error("the image does not follow");
    const auto activation = shard_.prepare(*followed);
    shard_.activate(*activation);
    followed_ = std::move(followed);  // what the shard ran until now goes
    image_ = followed_.get();
}

std::vector<SentFrame> TestGateway::collect() {
    std::vector<SentFrame> sent;
    for (const Frame& frame : output_.transmitted) {
        sent.push_back({frame.port, Bytes(frame.data, frame.data + frame.length)});
        frames_.free(frame);
    }
    for (const Frame& frame : output_.released) frames_.free(frame);
    events_ = output_.events;
    blocks_ = output_.blocks;
    output_.clear();
    return sent;
}

std::uint16_t TestGateway::port_of(std::string_view name) const {
    const auto names = image_->port_names();
    const auto at = std::find(names.begin(), names.end(), name);
    if (at == names.end()) throw std::invalid_argument("no port " + std::string(name));
    return static_cast<std::uint16_t>(at - names.begin());
}

std::size_t TestGateway::count_by(std::string_view port, std::span<const SentFrame> sent) const {
    return static_cast<std::size_t>(std::ranges::count(sent, port_of(port), &SentFrame::port));
}

std::uint64_t TestGateway::drops(std::string_view component, DropReason reason) {
    const Counters& counters = shard_.counters();
    const auto& names = counters.component_names;
    const auto at = std::find(names.begin(), names.end(), component);
    if (at == names.end()) throw std::invalid_argument("no component " + std::string(component));
    return counters.drops[static_cast<std::size_t>(at - names.begin())][static_cast<std::size_t>(reason)];
}

}  // namespace sluice::test
