# The simulator: production code of several gateways in one process (tests/sim). Run by ./dev test.
file(GLOB sim_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/sim/*.c)
add_executable(sim ${sim_sources})
target_link_libraries(sim PRIVATE refgate_gateway)
target_include_directories(sim PRIVATE ${CMAKE_SOURCE_DIR})
