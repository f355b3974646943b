# SPDX-License-Identifier: Apache-2.0
# Every header compiles alone: `cmake --build build --target header_check`.
file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}
     schemas/*.h compiler/*.h runtime/*.h tests/*.h bench/*.h)
foreach(header ${headers})
  set(source ${PROJECT_BINARY_DIR}/header_check/${header}.cpp)
  file(GENERATE OUTPUT ${source} CONTENT "#include \"${header}\"\n")
  list(APPEND header_check_sources ${source})
endforeach()
add_library(header_check OBJECT EXCLUDE_FROM_ALL ${header_check_sources})
add_dependencies(header_check sluice_schema_header)
target_compile_options(header_check PRIVATE -O0)
target_link_libraries(header_check PRIVATE sluice_options sluice_dpdk)
foreach(library sluice_schemas sluice_gtest fmt::fmt TBB::tbb nlohmann_json::nlohmann_json PkgConfig::YAML_CPP PkgConfig::PCAP PkgConfig::SODIUM)
  if(TARGET ${library})
    target_link_libraries(header_check PRIVATE ${library})
  endif()
endforeach()
