# SPDX-License-Identifier: Apache-2.0
# What an installation has, and the Debian package made of it (ci/package): programs, unit, schemas, manual, example
# policies; no benchmarks, no tests.
include(GNUInstallDirs)
set(documentation ${CMAKE_INSTALL_DATADIR}/doc/sluice)
install(TARGETS sluicec sluicectl sluice-replay RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS sluiced RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})
# Where dpkg and systemd look, whatever the prefix.
install(FILES packaging/sluiced.service DESTINATION /lib/systemd/system)
install(FILES packaging/host.yaml DESTINATION /etc/sluice)
install(DIRECTORY DESTINATION /etc/sluice/keys)
install(FILES schemas/policy.schema.json schemas/tenant.schema.json schemas/image.fbs
        DESTINATION ${CMAKE_INSTALL_DATADIR}/sluice/schemas)
install(FILES README.md packaging/copyright DESTINATION ${documentation})
install(DIRECTORY docs DESTINATION ${documentation} FILES_MATCHING PATTERN *.md)
install(DIRECTORY rules/ DESTINATION ${documentation}/examples PATTERN README.md EXCLUDE)
install(FILES ${PROJECT_BINARY_DIR}/packaging/changelog.gz DESTINATION ${documentation} OPTIONAL)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME sluice)
set(CPACK_PACKAGE_VENDOR "the Sluice maintainers")
set(CPACK_PACKAGE_CONTACT "The Sluice maintainers <maintainers@sluice.example>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "multi-tenant edge gateway on DPDK")
set(CPACK_PACKAGE_DESCRIPTION "Many customers' networks, with overlapping addresses, share one box that
routes, filters and translates for each of them and never mixes them up.
A compiler turns policies in YAML into one checked, reproducible image; a
lock-free runtime on DPDK maps the image and forwards packets by it.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# DPDK loads its drivers at run time: no linker sees them.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "librte-meta-bus, librte-meta-mempool, librte-meta-net")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "dpdk, minisign")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/packaging/conffiles
    ${PROJECT_SOURCE_DIR}/packaging/postinst ${PROJECT_SOURCE_DIR}/packaging/prerm ${PROJECT_SOURCE_DIR}/packaging/postrm)
include(CPack)
