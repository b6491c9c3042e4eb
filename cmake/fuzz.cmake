# Fuzz targets: tests/fuzz/NAME_fuzz.c -> NAME_fuzz (libFuzzer with address and undefined-behaviour
# sanitizers). Seeds stand in tests/fuzz/seeds/NAME, the dictionary in tests/fuzz/NAME.dict.
# Configure with -DREFGATE_FUZZ=ON -DCMAKE_C_COMPILER=clang.
if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
  message(FATAL_ERROR "REFGATE_FUZZ needs clang: add -DCMAKE_C_COMPILER=clang")
endif()
target_compile_options(refgate_options INTERFACE
  -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -O1)
target_link_options(refgate_options INTERFACE -fsanitize=address,undefined)
file(GLOB fuzz_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/fuzz/*_fuzz.c)
foreach(source ${fuzz_sources})
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} ${source})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_link_libraries(${name} PRIVATE refgate_fhir)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
endforeach()
