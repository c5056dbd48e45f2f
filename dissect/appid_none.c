/* SPDX-License-Identifier: MIT
 *
 * appid_none.c - in the place of appid_ndpi.c where nDPI is not there: tables say all that is said.
 */
#include "appid.h"

struct appid_engine *appid_engine_new(void)
{
	return NULL;
}

void appid_engine_free(struct appid_engine *engine)
{
	(void)engine;
}

const char *appid_engine_look(struct appid_engine *engine, uint64_t ts_ns,
                              const struct segment *segment)
{
	(void)engine;
	(void)ts_ns;
	(void)segment;
	return NULL;
}

void appid_engine_each(const struct appid_engine *engine,
                       void (*visit)(void *context, const struct appid_flow *flow), void *context)
{
	(void)engine;
	(void)visit;
	(void)context;
}

void appid_engine_keep(struct appid_engine *engine, const struct appid_flow *flow)
{
	(void)engine;
	(void)flow;
}
