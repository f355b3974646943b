# SPDX-License-Identifier: Apache-2.0
# Everything we take from Debian. ci/setup installs it.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(TBB REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(spdlog REQUIRED)
find_package(Flatbuffers QUIET)
find_program(FLATC flatc REQUIRED)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(YAML_CPP REQUIRED IMPORTED_TARGET yaml-cpp)
pkg_check_modules(PCAP REQUIRED IMPORTED_TARGET libpcap)
pkg_check_modules(SYSTEMD REQUIRED IMPORTED_TARGET libsystemd)
pkg_check_modules(HTTPLIB REQUIRED IMPORTED_TARGET cpp-httplib)
pkg_check_modules(DPDK REQUIRED libdpdk)

# DPDK's headers warn in C++20, hence SYSTEM; its -march is replaced by ours, its -include rte_config.h kept.
add_library(sluice_dpdk INTERFACE)
target_include_directories(sluice_dpdk SYSTEM INTERFACE ${DPDK_INCLUDE_DIRS})
target_compile_options(sluice_dpdk INTERFACE -include rte_config.h)
target_compile_definitions(sluice_dpdk INTERFACE RTE_USE_C11_MEM_MODEL=1 ALLOW_EXPERIMENTAL_API)
target_link_libraries(sluice_dpdk INTERFACE ${DPDK_LDFLAGS})
