/* SPDX-License-Identifier: MIT
 *
 * fuzz_state.c - any bytes as a saved state: taken in or refused, never believed.
 *
 * The first byte chooses: the bytes are the whole file, or what stands in it behind a header that
 * holds. A state that was taken in goes on with frames of the flows that the seeds know, is saved,
 * and must be taken in again; ended, its ledger must add up and be written.
 */
#include "../../dissect/pipeline.h"
#include "../../dissect/state.h"
#include "../craft.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(what)                                                                                 \
	do {                                                                                       \
		if (!(what))                                                                       \
			abort();                                                                   \
	} while (0)

enum { FRAMES = 48, MOST = 64 };

static const struct pipeline_options options = {.max_subflows = MOST, .seed = 7, .no_ndpi = true};
static const struct frame_wan wans[2] = {{.name = "a"}, {.name = "b"}};
static const struct frame_file files[1] = {{.name = "one"}};

static struct pipeline *resume(const char *state, size_t size, struct ledger *ledger)
{
	char message[200] = "";
	FILE *file = fmemopen((void *)(uintptr_t)state, size, "r");

	MUST(file);
	ledger_init(ledger);
	struct pipeline *p = pipeline_resume(ledger, &options, file, message, sizeof(message));
	fclose(file);
	MUST(p || message[0]);
	return p;
}

/* The bytes behind a header that holds. */
static char *wrapped(const uint8_t *data, size_t size, size_t *len)
{
	char *text = NULL;
	struct state_out out = {0};
	FILE *file = open_memstream(&text, len);

	state_put_bytes(&out, data, size);
	MUST(file && state_write(&out, file) == 0 && fclose(file) == 0);
	state_out_release(&out);
	return text;
}

/* Data and acks of four flows, two of them joins, with now and then an end. */
static void feed(struct pipeline *p)
{
	for (unsigned i = 0; i < FRAMES; i++) {
		unsigned flow = i % 4, dir = i / 4 % 2, wan = flow / 2;
		struct craft craft = {.len = 0};
		struct craft_tcp tcp = {.family = 4,
		                        .src = (uint8_t)(dir ? 100 : 1 + flow),
		                        .dst = (uint8_t)(dir ? 1 + flow : 100),
		                        .sport = (uint16_t)(dir ? 443 : 40000 + flow),
		                        .dport = (uint16_t)(dir ? 40000 + flow : 443),
		                        .seq = 0xfffff000u + 4096u * flow + 100 * (i / 8),
		                        .ack = 0xfffff000u + 4096u * flow,
		                        .flags = i == FRAMES - 1 ? 0x11 : 0x10,
		                        .window = 500,
		                        .ip_id = (uint16_t)(i + 1),
		                        .payload_len = dir ? 0 : 100};
		struct craft_dss dss = {.flags = 0x0d,
		                        .dsn = UINT64_C(0xfffff000) + 100 * i,
		                        .ssn = 1 + 100 * (i / 8),
		                        .len = 100};

		craft_ethernet(&craft, 0x0800);
		craft_dss(&tcp.options, &dss);
		craft_segment(&craft, &tcp);
		struct frame f = {.ts_ns = UINT64_C(1700000000000000000) + i * UINT64_C(30000000),
		                  .number = i + 1,
		                  .data = craft.bytes,
		                  .caplen = craft.len,
		                  .wire_len = craft.len,
		                  .wan = wan,
		                  .linktype = LINK_ETHERNET};
		pipeline_feed(p, &wans[wan], &files[0], &f);
	}
}

static char *suspended(struct pipeline *p, size_t *size)
{
	char *state = NULL;
	FILE *file = open_memstream(&state, size);

	MUST(file && pipeline_suspend(p, wans, 2, files, 1, file) == 0 && fclose(file) == 0);
	return state;
}

static void finish(struct pipeline *p, struct ledger *ledger)
{
	char sentence[256], *text = NULL;
	size_t size;

	pipeline_finish(p, NULL, 0, NULL, 0);
	pipeline_free(p);
	MUST(ledger_check(ledger, sentence, sizeof(sentence)) == NULL);
	FILE *out = open_memstream(&text, &size);
	MUST(out && ledger_save(ledger, out) == 0 && fclose(out) == 0);
	ledger_release(ledger);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ledger ledger, next;
	size_t len;

	if (size < 2)
		return 0;
	char *state = data[0] & 1 ? wrapped(data + 1, size - 1, &len) : NULL;
	struct pipeline *p = state ? resume(state, len, &ledger)
	                           : resume((const char *)data + 1, size - 1, &ledger);
	free(state);
	if (!p)
		return 0;
	feed(p);
	state = suspended(p, &len);
	pipeline_free(p);
	ledger_release(&ledger);
	p = resume(state, len, &next);
	MUST(p); /* what we write we take in */
	finish(p, &next);
	free(state);
	return 0;
}
