/* sandbox: what the service gives away before it serves anybody.
 *
 * As root it becomes the owner of its data folder (keeping only the right to listen on a low port).
 * Then, for good, for itself and whatever it runs: no new privileges, no core dump and no debugger
 * of the same user (the keys are in our memory), no way to write outside the data folder
 * (Landlock), none of the system calls that a gateway never needs (seccomp). What a kernel does not
 * have is left out and said in the log. Called by gateway_run and main, before threads start. */
#ifndef GATEWAY_RUNTIME_SANDBOX_H
#define GATEWAY_RUNTIME_SANDBOX_H

#include <stdbool.h>

#include "base/arena.h"

/* Root becomes the owner of DIR, when that is somebody else; nothing else changes. False, with a
 * sentence, when it cannot. KEEPS_PORTS: ports below 1024 can still be listened on, until
 * harden_process(). */
bool harden_user(const char *dir, bool keeps_ports, struct arena *arena, const char **ret_why);
/* What Landlock holds, by the kernel's version of it. Before version 3 (Linux 6.2) a file that may
 * be read may also be emptied; then harden_calls refuses that. */
enum harden_files { HARDEN_FILES_OPEN, HARDEN_FILES_BUT_TRUNCATION, HARDEN_FILES_FENCED };
/* No writing outside FOLDERS; needs no_new_privs or a privilege. */
enum harden_files harden_files(const char *const *folders, unsigned count);
/* No system calls that a gateway never makes. False where the processor is unknown. */
bool harden_calls(bool refuses_truncation);
/* Both and the rest, for the service; after sockets were opened. FOLDERS: where it may write; COUNT
 * 0: files and calls are not fenced. */
void harden_process(const char *const *folders, unsigned count);

#endif
