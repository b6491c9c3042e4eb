# Programs that measure; tests/bench/run builds and runs them. Not part of `all`.
add_executable(inbound_bench EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/tests/bench/inbound_bench.c)
target_link_libraries(inbound_bench PRIVATE refgate_gateway)
