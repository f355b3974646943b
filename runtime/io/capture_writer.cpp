// SPDX-License-Identifier: Apache-2.0
#include "runtime/io/capture_writer.h"

#include <pcap/pcap.h>

#include <filesystem>
#include <system_error>

#include "runtime/io/heap_frames.h"

namespace sluice {

struct CaptureWriter::File {
    explicit File(std::string name)
        : path(std::move(name)),
          format(pcap_open_dead_with_tstamp_precision(DLT_EN10MB, HeapFrames::longest_capture_bytes,
                                                      PCAP_TSTAMP_PRECISION_NANO)),
          dumper(pcap_dump_open(format, path.c_str())) {}
    ~File() {
        if (dumper != nullptr) pcap_dump_close(dumper);
        pcap_close(format);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;

    std::string path;
    pcap_t* format;
    pcap_dumper_t* dumper;
};

CaptureWriter::CaptureWriter(const std::string& directory, std::span<const std::string_view> port_names) {
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error) {
        problem_ = directory + ": " + error.message();
        return;
    }
    for (const std::string_view name : port_names) {
        // The name comes from the image: it must not lead out of the directory.
        if (name.empty() || name.front() == '.' || name.find('/') != std::string_view::npos) {
            problem_ = "the port name \"" + std::string(name) + "\" can't be a file name";
            return;
        }
        auto file = std::make_unique<File>((std::filesystem::path(directory) / name).string() + ".pcap");
        if (file->dumper == nullptr) {
            problem_ = pcap_geterr(file->format);
            return;
        }
        files_.push_back(std::move(file));
    }
}

CaptureWriter::~CaptureWriter() = default;

void CaptureWriter::write(const Frame& frame, Time time) {
    if (!problem_.empty()) return;
    pcap_pkthdr header{};
    header.ts.tv_sec = static_cast<time_t>(time / nanoseconds_per_second);
    header.ts.tv_usec = static_cast<suseconds_t>(time % nanoseconds_per_second);
    header.caplen = header.len = frame.length;
    pcap_dump(reinterpret_cast<u_char*>(files_[frame.port]->dumper), &header, frame.data);
}

bool CaptureWriter::finish() {
    for (const auto& file : files_) {
        const bool written = pcap_dump_flush(file->dumper) == 0 && ferror(pcap_dump_file(file->dumper)) == 0;
        if (!written && problem_.empty()) problem_ = file->path + ": not everything could be written";
    }
    return problem_.empty();
}

}  // namespace sluice
