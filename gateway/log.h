/* log: one JSON line an event on stderr. The call takes an event name, ids, kinds and numbers only:
 * it has no parameter that a name, a birth date or a note could be handed to by accident.
 *
 * Any thread may log; a line is written with one write(). Field values are cut at 200 bytes and
 * control characters are escaped, so that one event stays one line. */
#ifndef GATEWAY_LOG_H
#define GATEWAY_LOG_H

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };

/* Lines below LEVEL are not written. Set once, before threads start. */
void log_set_level(enum log_level level);
/* Pairs of (name, value), ended by NULL: log_event(LOG_LEVEL_INFO, "accepted", "partner", name,
 * NULL). Values are ids, kinds, state words, system error texts. */
void log_event(enum log_level level, const char *event, ...) __attribute__((sentinel));
/* The same with one number, such as a count or milliseconds. */
void log_number(enum log_level level, const char *event, const char *name, long long number, ...)
    __attribute__((sentinel));

#endif
