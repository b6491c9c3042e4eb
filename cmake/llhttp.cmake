# llhttp, the HTTP/1.1 parser, compiled from the C sources in Debian's node-llhttp package: from
# /usr/share/llhttp where that package is installed, else from REFGATE_LLHTTP_DIR, into which
# cmake/unpack-llhttp.sh unpacks the package without installing it (it would pull in Node.js).
# Strict mode, no warnings: the code is generated and not ours.
set(REFGATE_LLHTTP_DIR ${CMAKE_SOURCE_DIR}/.cache/llhttp CACHE PATH "where node-llhttp is unpacked")

set(llhttp_share /usr/share)
if(NOT EXISTS ${llhttp_share}/llhttp/llhttp.c)
  set(llhttp_share ${REFGATE_LLHTTP_DIR}/usr/share)
endif()
if(NOT EXISTS ${llhttp_share}/llhttp/llhttp.c)
  execute_process(COMMAND sh ${CMAKE_SOURCE_DIR}/cmake/unpack-llhttp.sh ${REFGATE_LLHTTP_DIR}
                  RESULT_VARIABLE llhttp_result)
  if(llhttp_result OR NOT EXISTS ${llhttp_share}/llhttp/llhttp.c)
    message(FATAL_ERROR "llhttp: found no /usr/share/llhttp and could not fetch the package "
      "node-llhttp; as root run `apt-get update`, then configure again")
  endif()
endif()

add_library(llhttp STATIC ${llhttp_share}/llhttp/api.c ${llhttp_share}/llhttp/http.c
            ${llhttp_share}/llhttp/llhttp.c)
target_compile_definitions(llhttp PUBLIC LLHTTP_STRICT_MODE=1)
target_compile_options(llhttp PRIVATE -w -O2)
target_include_directories(llhttp SYSTEM PUBLIC ${llhttp_share}/include/llhttp)
