/* SPDX-License-Identifier: MIT
 *
 * run.h - what scheduled passes remember: sums of all windows, and what was told of findings.
 *
 * The memory is JSON, so that it is written and read as one piece:
 *
 *   {"schema": "mptcp-audit.run/1.0", "until": all windows to here are done,
 *    "totals": {"since": ..., "wans": [{"name", "role", "up", "down", "unknown"}]},
 *    "told_at": of the last notice, "last": what a notice says of the last window,
 *    "findings": {"A1 wan2": {"now", "told", "worst": level, ...}}}
 *
 * A level is 0 fine, 1 warn, 2 fail. A finding that is not assessed in a window, or not in it at
 * all, keeps its level: nobody saw that it was resolved. After RUN_FORGET_NS it is told as not seen
 * any more. Between two notices the worst level is kept too, so that nothing is lost while a notice
 * cannot be delivered.
 *
 * Pure functions of their arguments: no clock, no files.
 */
#ifndef REPORT_RUN_H
#define REPORT_RUN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "message.h"

#define RUN_FORGET_NS (UINT64_C(7) * 86400 * 1000000000)
#define RUN_FINDINGS  4000 /* of all that is remembered */

/* A memory of nothing. NULL: out of memory. */
json_t *run_new(void);
/* Is it one? */
bool run_accepts(const json_t *memory);

/* A time of it: "until", "told_at"; 0 = never. False: out of memory. */
uint64_t run_time(const json_t *memory, const char *key);
bool run_set_time(json_t *memory, const char *key, uint64_t ns);

/* Add what a window's report counted to the totals, and give the report its member `totals`. False:
 * out of memory, and the memory is spoilt. */
bool run_count(json_t *memory, json_t *report, uint64_t from_ns);

/* Take the findings of a window's report; `file` is the report's name. False: out of memory, and
 * the memory is spoilt. */
bool run_look(json_t *memory, const json_t *report, uint64_t to_ns, const char *file);

/* The input ends at `known_ns` (0 = nowhere) and a window is overdue, or no longer. False: out of
 * memory. */
bool run_overdue(json_t *memory, bool overdue, uint64_t known_ns);

/*
 * The notice ("mptcp-audit.notice/1.0") of what changed since the last delivered one; json_null()
 * when nothing did and no heartbeat is due. NULL: out of memory.
 */
json_t *run_notice(const json_t *memory, enum language language, uint64_t now_ns, bool heartbeat);

/* It was delivered. False: out of memory, and the memory is spoilt. */
bool run_told(json_t *memory, uint64_t now_ns);

#endif
