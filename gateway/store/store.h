/* store: what is kept, as the work of every day sees it: rows and transactions (rows), the time
 * that the gateway has lived (lived), answers of partners that become files (answers), what a
 * restored gateway asks of its partners (recall).
 *
 * The only store behind it is SQLite with a journal before it (sqlite/, journal/). One connection
 * belongs to one thread; only the writer's changes anything (writer.h). */
#ifndef GATEWAY_STORE_STORE_H
#define GATEWAY_STORE_STORE_H

#include "gateway/store/answers.h"
#include "gateway/store/lived.h"
#include "gateway/store/recall.h"
#include "gateway/store/rows.h"

#endif
