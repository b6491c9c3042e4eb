# What is installed, and the Debian package (cpack -G DEB in the build folder): the program, its manual
# page and shell completion (both printed by the program), the systemd unit, the documents.
if(NOT TARGET refgate)
  return()
endif()
include(GNUInstallDirs)

set(printed ${CMAKE_BINARY_DIR}/printed)
file(MAKE_DIRECTORY ${printed})
add_custom_command(OUTPUT ${printed}/refgate.1.gz ${printed}/refgate.bash ${printed}/changelog.gz
  COMMAND refgate --man > ${printed}/refgate.1
  COMMAND gzip -9nf ${printed}/refgate.1
  COMMAND refgate --completion bash > ${printed}/refgate.bash
  COMMAND gzip -9nc ${CMAKE_SOURCE_DIR}/packaging/debian/changelog > ${printed}/changelog.gz
  DEPENDS refgate packaging/debian/changelog VERBATIM)
add_custom_target(printed ALL
  DEPENDS ${printed}/refgate.1.gz ${printed}/refgate.bash ${printed}/changelog.gz)

install(TARGETS refgate RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES ${printed}/refgate.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${printed}/refgate.bash
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME refgate)
install(FILES packaging/refgate.service DESTINATION lib/systemd/system)
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md")
install(DIRECTORY config/examples DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES LICENSE NOTICE CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES packaging/debian/copyright ${printed}/changelog.gz DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES packaging/default DESTINATION /etc/default RENAME refgate)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME refgate)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "The refgate authors <refgate@refgate.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Gateway for referrals and progress notes between clinics")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"Each practice runs one small gateway next to its own system. Gateways speak
FHIR R4 messages over mutual TLS; a practice speaks plain files: JSON or CSV
with one vocabulary, in and out. Nothing accepted is lost, nothing leaves
without consent, every referral is closed or visibly open.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "ca-certificates, tzdata")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "libengine-pkcs11-openssl")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  "${CMAKE_SOURCE_DIR}/packaging/debian/postinst;${CMAKE_SOURCE_DIR}/packaging/debian/prerm;${CMAKE_SOURCE_DIR}/packaging/debian/postrm;${CMAKE_BINARY_DIR}/conffiles")
file(WRITE ${CMAKE_BINARY_DIR}/conffiles "/etc/default/refgate\n")
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
include(CPack)
