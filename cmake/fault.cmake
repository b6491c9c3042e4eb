# The shim by which system calls fail (tests/fault/shim.c). Plain C: a sanitizer's own shims come first.
if(NOT REFGATE_SANITIZE)
  add_library(fault_shim SHARED ${CMAKE_SOURCE_DIR}/tests/fault/shim.c)
  target_compile_definitions(fault_shim PRIVATE _GNU_SOURCE)
  target_compile_options(fault_shim PRIVATE -Wall -Wextra -Werror -U_FORTIFY_SOURCE)
  set_target_properties(fault_shim PROPERTIES PREFIX "" C_EXTENSIONS ON)
  target_link_libraries(fault_shim PRIVATE ${CMAKE_DL_LIBS})
endif()
