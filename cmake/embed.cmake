# embed(NAME FILES...): generated/gateway/NAME.h with the files as constant arrays (tools/embed.py).
function(embed name)
  set(header ${CMAKE_BINARY_DIR}/generated/gateway/${name}.h)
  add_custom_command(OUTPUT ${header}
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/embed.py ${name} ${header} ${ARGN}
    DEPENDS ${CMAKE_SOURCE_DIR}/tools/embed.py ${ARGN} VERBATIM)
  add_custom_target(embed_${name} DEPENDS ${header})
  add_dependencies(refgate_gateway embed_${name})
endfunction()
