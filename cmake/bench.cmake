# Programs that measure; built by the scripts of tests/bench (`./dev bench`). Not part of `all`.
add_executable(inbound_bench EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/tests/bench/inbound_bench.c)
target_link_libraries(inbound_bench PRIVATE refgate_gateway)
add_executable(hostile_bench EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/tests/bench/hostile_bench.c)
target_link_libraries(hostile_bench PRIVATE refgate_gateway)
target_include_directories(hostile_bench PRIVATE ${CMAKE_SOURCE_DIR}/tests)
add_executable(outbound_bench EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/tests/bench/outbound_bench.c)
target_link_libraries(outbound_bench PRIVATE refgate_gateway)
# The load generator shares nothing with the product.
file(GLOB loadgen_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/bench/loadgen/*.c)
add_executable(loadgen EXCLUDE_FROM_ALL ${loadgen_files})
target_link_libraries(loadgen PRIVATE refgate_options PkgConfig::openssl)
