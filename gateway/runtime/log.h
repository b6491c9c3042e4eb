/* log: one line an event, on stderr or to syslog. The call takes an event name, ids, kinds and
 * numbers only: it has no parameter that a name, a birth date or a note could be handed to by
 * accident.
 *
 * JSON for machines or text for people. Any thread may log; a line is written with one write(), or,
 * by a loop under load, some lines together: each loop gathers what it has to say in one turn and
 * says it before it waits again. A warning goes out at once, with what was gathered before it.
 * Field values are cut at 200 bytes and control characters are taken out, so that one event stays
 * one line. When stderr leads to the journal of systemd, each line begins with its priority. Lines
 * that belong to one message carry its trace id as the field `trace` (gateway/runtime/trace.h). */
#ifndef GATEWAY_RUNTIME_LOG_H
#define GATEWAY_RUNTIME_LOG_H

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };
enum log_target { LOG_TARGET_STDERR, LOG_TARGET_SYSLOG };

/* Lines below LEVEL are not written. Set once, before threads start. */
void log_set_level(enum log_level level);
/* From now on the lines of this thread are gathered until log_flush(). */
void log_gather(void);
/* Writes what was gathered. */
void log_flush(void);
/* Writes it, and ends gathering; before the thread ends. */
void log_gather_end(void);
/* How and where from now on; before threads start. Until then: JSON on stderr. */
void log_open(enum log_format format, enum log_target target);
/* Pairs of (name, value), ended by NULL: log_event(LOG_LEVEL_INFO, "accepted", "partner", name,
 * NULL). Values are ids, kinds, state words, system error texts. A NULL value leaves the pair out.
 */
void log_event(enum log_level level, const char *event, ...) __attribute__((sentinel));
/* The same with one number, such as a count or milliseconds. */
void log_number(enum log_level level, const char *event, const char *name, long long number, ...)
    __attribute__((sentinel));

#endif
