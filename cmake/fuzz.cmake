# Fuzz targets: tests/fuzz/NAME_fuzz.c -> fuzz_NAME (libFuzzer with address and undefined-behaviour
# sanitizers). Seeds stand in tests/fuzz/NAME, the dictionary in tests/fuzz/NAME.dict.
# `./dev fuzz [NAME] [SECONDS]` configures with -DREFGATE_FUZZ=ON -DCMAKE_C_COMPILER=clang.
if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
  message(FATAL_ERROR "REFGATE_FUZZ needs clang: add -DCMAKE_C_COMPILER=clang")
endif()
target_compile_options(refgate_options INTERFACE
  -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
target_link_options(refgate_options INTERFACE -fsanitize=address,undefined)
file(GLOB fuzz_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/fuzz/*_fuzz.c)
foreach(source ${fuzz_sources})
  get_filename_component(name ${source} NAME_WE)
  string(REGEX REPLACE "_fuzz$" "" name ${name})
  add_executable(fuzz_${name} ${source})
  target_include_directories(fuzz_${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_link_libraries(fuzz_${name} PRIVATE refgate_fhir)
  if(TARGET refgate_gateway)
    target_link_libraries(fuzz_${name} PRIVATE refgate_gateway)
  endif()
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
endforeach()
