/* SPDX-License-Identifier: MIT
 *
 * filed.h - reports as files keep them: read, told from what is none, and asked for their members.
 *
 * A stored report is JSON that anybody may have changed. What filed_load() gives has the shape that
 * all reports of version 1 share; every member beyond that may be missing or of another type, and
 * the functions below then answer "none" or 0.
 */
#ifndef REPORT_FILED_H
#define REPORT_FILED_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report.h"
#include "stored.h"

/* Larger files are no reports: those are bounded (connections, frames that show). */
#define FILED_MAX_BYTES (64u << 20)

enum filed_failure {
	FILED_FINE,
	FILED_UNREADABLE, /* the file cannot be opened or read */
	FILED_NO_JSON,
	FILED_NO_REPORT, /* JSON of something else */
	FILED_NEWER,     /* of a major version that is not known here */
	FILED_NOT_WHOLE, /* says that it is a report, and lacks what each has */
	FILED_TOO_LARGE
};

/* The report in a file ("-" is standard input), or NULL: *failure, and `why` as a message. */
json_t *filed_load(const char *path, enum filed_failure *failure, char *why, size_t size);

/* The JSON of a file, whatever it holds; gzip is unpacked. NULL as above. */
json_t *filed_json(const char *path, enum filed_failure *failure, char *why, size_t size);

/* Whether JSON is a report. `why` as above. */
enum filed_failure filed_check(const json_t *json, char *why, size_t size);

/* A member as a string, and as a moment, for who must tell that there is none: NULL, false. The
 * rest of a report's members are read by stored.h. */
const char *filed_text(const json_t *object, const char *key);
bool filed_time(const json_t *object, const char *key, int64_t *ns);

/* A status by its name; not assessed when there is no such. */
enum status filed_status(const char *name);

/* How bad one is: not applicable < waived < pass < not assessed < warn < error < fail. */
unsigned filed_rank(enum status status);
enum status filed_ranked(unsigned rank);

/* The time whose frames were counted: the window that was asked for, else from the first frame of
 * all WANs to the last. False: there is none. And how much of it was judged. */
bool filed_extent(const json_t *report, int64_t *from_ns, int64_t *to_ns);
int64_t filed_judged(const json_t *report);

#endif
