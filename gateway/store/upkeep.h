/* upkeep: the store as its keepers see it: copies (backup), counts (figures), the rows of a partner
 * as a whole (partners), what has outlived its term (retention). Called by backup, maintenance,
 * monitor and commands. */
#ifndef GATEWAY_STORE_UPKEEP_H
#define GATEWAY_STORE_UPKEEP_H

#include "gateway/store/backup.h"
#include "gateway/store/figures.h"
#include "gateway/store/partners.h"
#include "gateway/store/retention.h"

#endif
