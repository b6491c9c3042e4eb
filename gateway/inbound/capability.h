/* capability: what this gateway says of itself at GET [base]/metadata. Pure. */
#ifndef GATEWAY_INBOUND_CAPABILITY_H
#define GATEWAY_INBOUND_CAPABILITY_H

#include "base/arena.h"
#include "gateway/setup/setup.h"

/* A CapabilityStatement (http://hl7.org/fhir/R4/capabilitystatement.html) as text. */
const char *capability_statement(const struct setup *setup, struct arena *arena);

#endif
