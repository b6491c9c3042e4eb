# One cmocka program per source file: tests/unit/<layer>/<...>/<stem>_test.c, linked to its layer.
pkg_check_modules(cmocka REQUIRED IMPORTED_TARGET cmocka)
# The longest start first, so that no core waits for one of them at the end.
set(long_tests gateway_store_store_recovery_test gateway_store_store_upgrade_test gateway_store_journal_test
    gateway_inbound_hostile_test gateway_inbound_effect_test fhir_message_style_test)
file(GLOB_RECURSE unit_tests CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/*_test.c)
foreach(source ${unit_tests})
  file(RELATIVE_PATH relative ${CMAKE_SOURCE_DIR}/tests/unit ${source})
  string(REGEX REPLACE "/.*" "" layer_name ${relative})
  string(REGEX REPLACE "\\.c$" "" name ${relative})
  string(REPLACE "/" "_" name ${name})
  if(TARGET refgate_${layer_name})
    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE refgate_${layer_name} PkgConfig::cmocka)
    target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
    target_compile_definitions(${name} PRIVATE SOURCE_DIR="${CMAKE_SOURCE_DIR}"
                               BINARY_DIR="${CMAKE_BINARY_DIR}")
    add_test(NAME unit.${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    if(name IN_LIST long_tests)
      set_tests_properties(unit.${name} PROPERTIES COST 100)
    endif()
    set_tests_properties(unit.${name} PROPERTIES
                         ENVIRONMENT "UBSAN_OPTIONS=print_stacktrace=1;TZ=UTC")
  endif()
endforeach()
