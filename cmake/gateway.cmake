# The gateway: library refgate_gateway of gateway/ (all but main.c), and the program refgate.
include(cmake/llhttp.cmake)

set(gateway_sees)
foreach(name certs config fhir base)
  if(TARGET refgate_${name})
    list(APPEND gateway_sees ${name})
  endif()
endforeach()
layer(gateway ${gateway_sees})
target_link_libraries(refgate_gateway PUBLIC PkgConfig::libuv
  PRIVATE PkgConfig::libcurl PkgConfig::sqlite3 PkgConfig::openssl llhttp Threads::Threads)

if(EXISTS ${CMAKE_SOURCE_DIR}/gateway/main.c)
  add_executable(refgate gateway/main.c)
  target_link_libraries(refgate PRIVATE refgate_gateway)
endif()

include(cmake/embed.cmake)
file(GLOB schema_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/gateway/store/schema/*.sql)
embed(store_schema ${schema_files})
file(GLOB story_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/gateway/demo/story/*.json
  ${CMAKE_SOURCE_DIR}/config/examples/records/0*.json
  ${CMAKE_SOURCE_DIR}/config/examples/records/1[1-3]*.json
  ${CMAKE_SOURCE_DIR}/config/examples/records/2[14]*.json
  ${CMAKE_SOURCE_DIR}/config/examples/records/directory.csv)
embed(demo_samples ${story_files})
