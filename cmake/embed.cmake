# embed(ROOM NAME FILES...): NAME.h for the sources of ROOM, with the files as constant arrays
# (tools/embed.py).
function(embed room name)
  set(header ${CMAKE_BINARY_DIR}/generated/${room}/${name}.h)
  add_custom_command(OUTPUT ${header}
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/embed.py ${name} ${header} ${ARGN}
    DEPENDS ${CMAKE_SOURCE_DIR}/tools/embed.py ${ARGN} VERBATIM)
  add_custom_target(embed_${name} DEPENDS ${header})
  add_dependencies(${room} embed_${name})
endfunction()
