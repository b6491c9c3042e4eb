/* map: the mapping tables as fhir/message sees them: the parts that a message is composed of and
 * their tables (part), and what the reading of a message asks about single elements: numbers of the
 * client (client_number) and of records (identifier), the sections of a document (section), times
 * (timing), the resources of one visit (visit). docs/mapping.md tells the tables in words. */
#ifndef FHIR_MAP_MAP_H
#define FHIR_MAP_MAP_H

#include "fhir/map/client_number.h"
#include "fhir/map/identifier.h"
#include "fhir/map/part.h"
#include "fhir/map/section.h"
#include "fhir/map/timing.h"
#include "fhir/map/visit.h"

#endif
