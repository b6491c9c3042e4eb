# Files that stand in the program.
include(cmake/embed.cmake)
file(GLOB schema_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/gateway/store/schema/*.sql)
embed(refgate_gateway_store store_schema ${schema_files})
file(GLOB story_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/gateway/demo/story/*.json
  ${CMAKE_SOURCE_DIR}/config/examples/records/0*.json
  ${CMAKE_SOURCE_DIR}/config/examples/records/1[1-3]*.json
  ${CMAKE_SOURCE_DIR}/config/examples/records/2[14]*.json
  ${CMAKE_SOURCE_DIR}/config/examples/records/directory.csv)
embed(refgate_gateway_demo demo_samples ${story_files})
