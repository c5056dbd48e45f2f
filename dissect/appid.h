/* SPDX-License-Identifier: MIT
 *
 * appid.h - a frame that is no MPTCP, its application label out.
 *
 * Numbers first (service.h), so the same frame has the same label whatever came before. Only a UDP
 * or TCP flow on ports nobody knows goes to nDPI, which is opened at the first such flow and sees
 * at most 8 packets of it; once it has said a name, the later frames of the flow bear it. Memory is
 * bounded (1024 flows), nothing is printed, no clock is read.
 */
#ifndef DISSECT_APPID_H
#define DISSECT_APPID_H

#include <stdbool.h>
#include <stdint.h>

#include "../capture/frame.h"
#include "decode.h"

struct appid;

struct appid_answer {
	const char *label; /* never NULL; lives as long as the appid */
	bool local;        /* never leaves the access link */
};

/* NULL when out of memory. `tables_only`: never open nDPI. */
struct appid *appid_new(bool tables_only);
void appid_free(struct appid *appid);

/* `segment` is what decode_frame() made of `frame`, with the result DECODE_TCP or DECODE_OTHER. */
void appid_label(struct appid *appid, const struct frame *frame, const struct segment *segment,
                 struct appid_answer *answer);

/* The service that a pair of ports stands for, NULL when none. For MPTCP connections and plain TCP.
 */
const char *appid_service(const struct appid *appid, uint8_t proto, uint16_t sport, uint16_t dport);

/*
 * What was found out, for state.h: the names of flows that nDPI has decided on, and numbers that
 * were given a label. Flows it still looks into are looked at anew. Labels that are not known here,
 * as nDPI is another or not there, are passed over.
 */
struct state_in;
struct state_out;
void appid_save(const struct appid *appid, struct state_out *out);
void appid_load(struct appid *appid, struct state_in *in);

/*
 * The part that looks into packets: appid_ndpi.c, or appid_none.c where nDPI is not wanted. Called
 * by appid.c with unfragmented UDP and TCP only. The label lives as long as the engine; NULL = not
 * known (yet).
 */
struct appid_engine;
struct appid_engine *appid_engine_new(void); /* NULL = there is none */
void appid_engine_free(struct appid_engine *engine);
const char *appid_engine_look(struct appid_engine *engine, uint64_t ts_ns,
                              const struct segment *segment);

/* A flow that was decided on; the lower end is first. */
#define APPID_FLOWS 1024
#define APPID_LABEL 24
struct appid_flow {
	uint8_t low[16], high[16];
	uint16_t low_port, high_port;
	uint8_t family, proto;
	const char *label; /* NULL = nobody knows */
};

/* All of them; of those that could push each other out, the one seen longest ago first. Kept in
 * this order they are as they were. */
void appid_engine_each(const struct appid_engine *engine,
                       void (*visit)(void *context, const struct appid_flow *flow), void *context);
void appid_engine_keep(struct appid_engine *engine, const struct appid_flow *flow);

#endif
