# room(PATH [SEES ROOM...] DOORS HEADER...): the library of the sources below PATH.
#
# It sees the headers of the rooms in SEES, and of those that they see, through a folder that holds
# one link: an include that points upward does not compile. That a room is entered by its doors only,
# and by nobody else than SEES says, is checked by tools/check-layers, which reads the same table
# (cmake/rooms.cmake). Rooms stand there bottom up, so they cannot form a circle.
function(room path)
  cmake_parse_arguments(ROOM "" "" "SEES;DOORS" ${ARGN})
  string(REPLACE "/" "_" name refgate_${path})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${path}/*.c)
  add_library(${name} STATIC ${sources})
  get_filename_component(above rooms/${name}/${path} DIRECTORY)
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/${above})
  file(CREATE_LINK ${CMAKE_SOURCE_DIR}/${path} ${CMAKE_BINARY_DIR}/rooms/${name}/${path} SYMBOLIC)
  target_include_directories(${name} PUBLIC ${CMAKE_BINARY_DIR}/rooms/${name}
                             PRIVATE ${CMAKE_BINARY_DIR}/generated/${name})
  target_link_libraries(${name} PUBLIC refgate_options)
  foreach(seen ${ROOM_SEES})
    string(REPLACE "/" "_" seen refgate_${seen})
    target_link_libraries(${name} PUBLIC ${seen})
  endforeach()
  if(path MATCHES "^([a-z]+)/")
    set(wing refgate_${CMAKE_MATCH_1}) # all rooms of a folder of the top level: for programs and tests
    if(NOT TARGET ${wing})
      add_library(${wing} INTERFACE)
    endif()
    target_link_libraries(${wing} INTERFACE ${name})
  endif()
endfunction()
