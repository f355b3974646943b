# SPDX-License-Identifier: Apache-2.0
# Language, warnings, architecture, sanitizers: the same for every target of ours.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(sluice_options INTERFACE)
target_include_directories(sluice_options INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
target_compile_options(sluice_options INTERFACE -Wall -Wextra -Werror -Wshadow -Wnon-virtual-dtor -Wcast-align
                       -Woverloaded-virtual)
# gcc 12 sees an overlap in `"text" + std::string` that is not there (gcc bug 105651).
target_compile_options(sluice_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
# clang's -Wall has it; gcc must see the same faults, since the quick builds are gcc's.
target_compile_options(sluice_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wunused-const-variable=1>)
# FlatBuffers' own limit is 32; every file must agree on it (see schemas/image.fbs).
target_compile_definitions(sluice_options INTERFACE FLATBUFFERS_MAX_ALIGNMENT=64)
if(SLUICE_SANITIZE)
  target_compile_options(sluice_options INTERFACE -fsanitize=${SLUICE_SANITIZE} -fno-sanitize-recover=all
                         -fno-omit-frame-pointer)
  target_link_options(sluice_options INTERFACE -fsanitize=${SLUICE_SANITIZE})
endif()
# pkg-config --cflags libdpdk carries -march=corei7, which would override an earlier -march: ours is a global option that
# comes last on the command line because CMAKE_CXX_FLAGS_<CONFIG> precede and target options follow (dependencies.cmake
# drops DPDK's).
target_compile_options(sluice_options INTERFACE -march=${SLUICE_ARCH})

function(sluice_library name)
  add_library(${name} STATIC ${ARGN})
  target_link_libraries(${name} PUBLIC sluice_options)
endfunction()
function(sluice_program name)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE sluice_options)
endfunction()
