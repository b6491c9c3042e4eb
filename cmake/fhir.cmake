# Tables that generators make for fhir/ at build time, from data in the tree.

# The R4 type model: fhir/definitions/*.json -> constant tables (fhir/definitions.h).
set(definition_tables ${CMAKE_BINARY_DIR}/generated/definition_tables.c)
set(definition_folder ${CMAKE_SOURCE_DIR}/fhir/definitions)
add_custom_command(OUTPUT ${definition_tables}
  COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/generated
  COMMAND ${Python3_EXECUTABLE} ${definition_folder}/generate.py ${definition_folder}
          ${definition_tables}
  DEPENDS ${definition_folder}/generate.py ${definition_folder}/structures.json
          ${definition_folder}/valuesets.json ${definition_folder}/search-parameters.json
  COMMENT "FHIR R4 definitions to tables" VERBATIM)
target_sources(refgate_fhir PRIVATE ${definition_tables})
