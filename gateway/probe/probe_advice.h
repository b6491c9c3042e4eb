/* probe_advice: what to do when TLS with a partner failed: whose certificate was refused, by whom,
 * and why. For probe.c, on its thread; what is answered lives in the options' arena or always. */
#ifndef GATEWAY_PROBE_PROBE_ADVICE_H
#define GATEWAY_PROBE_PROBE_ADVICE_H

#include "gateway/probe/probe.h"

/* SENTENCE: what our side of the handshake says; the other side's alert in it tells about us. */
const char *probe_advice_on_refusal(const struct probe_options *options, const char *sentence);
/* The partner's certificate was refused by us. */
const char *probe_advice_on_verdict(const struct probe_options *options,
                                    const struct verify_peer *server);

#endif
