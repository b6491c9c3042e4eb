/* sd_notify: tells the service manager how the service stands (sd_notify(3), without its library).
 * Does nothing when nobody asked ($NOTIFY_SOCKET). Used by gateway and care. */
#ifndef GATEWAY_RUNTIME_SD_NOTIFY_H
#define GATEWAY_RUNTIME_SD_NOTIFY_H

/* `READY=1`, `STOPPING=1`, `WATCHDOG=1`, `STATUS=...`; several separated by line ends. */
void notify(const char *state);

#endif
