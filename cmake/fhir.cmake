# Tables that generators make for fhir/ at build time, from data in the tree.

# hash_name() of base/hash.h for the generators below.
set(name_hash ${CMAKE_SOURCE_DIR}/fhir/name_hash.py)

# The R4 type model: fhir/model/definitions/*.json -> constant tables (fhir/model/definitions.h).
set(definition_tables ${CMAKE_BINARY_DIR}/generated/definition_tables.c)
set(definition_folder ${CMAKE_SOURCE_DIR}/fhir/model/definitions)
add_custom_command(OUTPUT ${definition_tables}
  COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/generated
  COMMAND ${Python3_EXECUTABLE} -B ${definition_folder}/generate.py ${definition_folder}
          ${definition_tables}
  DEPENDS ${definition_folder}/generate.py ${definition_folder}/presence.py ${name_hash}
          ${definition_folder}/structures.json
          ${definition_folder}/valuesets.json ${definition_folder}/valuesets-extra.json
          ${definition_folder}/search-parameters.json
  COMMENT "FHIR R4 definitions to tables" VERBATIM)
target_sources(refgate_fhir_model PRIVATE ${definition_tables})

# Code tables, the record vocabulary and what modifier elements say: fhir/codes/*.csv -> constant
# tables (fhir/codes/coding.h, fhir/record/vocabulary.h, fhir/codes/standing.h).
set(codes_folder ${CMAKE_SOURCE_DIR}/fhir/codes)
set(codes_out ${CMAKE_BINARY_DIR}/generated/codes)
file(GLOB codes_data CONFIGURE_DEPENDS ${codes_folder}/*.csv)
set(codes_tables ${codes_out}/coding_tables.c ${codes_out}/record_tables.c
    ${codes_out}/standing_tables.c)
add_custom_command(OUTPUT ${codes_tables}
  COMMAND ${Python3_EXECUTABLE} -B ${codes_folder}/generate.py ${codes_folder} ${codes_out}
  DEPENDS ${codes_folder}/generate.py ${name_hash} ${codes_data}
  COMMENT "Code tables and record vocabulary" VERBATIM)
target_sources(refgate_fhir_codes PRIVATE ${codes_out}/coding_tables.c ${codes_out}/standing_tables.c)
target_sources(refgate_fhir_record PRIVATE ${codes_out}/record_tables.c)
foreach(page records mapping)
  add_test(NAME docs.${page} COMMAND ${Python3_EXECUTABLE} -B ${codes_folder}/document.py --check
           ${CMAKE_SOURCE_DIR}/docs/${page}.md)
endforeach()
add_test(NAME docs.check COMMAND ${Python3_EXECUTABLE} -B ${CMAKE_SOURCE_DIR}/tools/check-docs)

# tests/bench/fhir.sh runs it; not part of `all`.
add_executable(fhir_bench EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/tests/bench/fhir_bench.c)
target_link_libraries(fhir_bench PRIVATE refgate_fhir)
