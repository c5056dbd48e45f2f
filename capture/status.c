/* SPDX-License-Identifier: MIT
 *
 * status.c - what the recorder tells: to the log, to those who ask, to Prometheus.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record_inside.h"

/* ---- the log ---- */

/* Names of devices come from the system, file names from the operator: no control bytes. */
static void say(const char *format, va_list args)
{
	char text[600];

	vsnprintf(text, sizeof(text), format, args);
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	fprintf(stderr, "mptcp-captured: %s\n", text);
}

void status_log(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
}

void status_news(const struct recorder *r, const char *format, ...)
{
	va_list args;

	if (r->settings.quiet)
		return;
	va_start(args, format);
	say(format, args);
	va_end(args);
}

void status_news_wan(struct recorder *r, struct wan *wan, const char *format, ...)
{
	char text[400];
	va_list args;

	if (r->settings.quiet)
		return;
	if (wan->told_mono && r->mono - wan->told_mono < LOG_EVERY && !r->settings.verbose) {
		wan->untold++;
		return;
	}
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	wan->told_mono = r->mono;
	if (wan->untold)
		status_log("%s: %s (%u other changes since the last line)", wan->device, text,
		           wan->untold);
	else
		status_log("%s: %s", wan->device, text);
	wan->untold = 0;
}

/* ---- one row per WAN, one column per figure ---- */

static const char *state_word(const struct wan *wan)
{
	if (wan->gap != STATE_COUNT)
		return wan->trouble[0] && wan->gap == STATE_STOPPED ? "refused"
		                                                    : quality_states[wan->gap];
	return wan->series->suspended ? "suspended" : "recording";
}

struct figures {
	uint64_t received, stored, dropped, lost, opened, files, suspended, recording;
};

static void figures_of(struct recorder *r, struct wan *wan, struct figures *figures)
{
	struct writer_state state;

	writer_look(r->writer, wan->series->stream, &state);
	figures->dropped = wan_dropped(wan);
	figures->lost = r->streaming ? state.lost : series_lost(r, wan);
	figures->received = wan->put + figures->dropped;
	figures->stored = r->streaming ? wan->put : wan->put - figures->lost;
	figures->opened = wan->opened;
	figures->files = state.files;
	figures->suspended = state.suspended;
	figures->recording = wan->gap == STATE_COUNT;
}

static const struct {
	const char *key, *metric, *type, *help;
	size_t at;
} columns[] = {
	{"received", "frames_received_total", "counter",
         "Frames that passed the filter: stored, dropped and lost ones.",
         offsetof(struct figures, received)},
	{"stored", "frames_stored_total", "counter",
         "Frames handed to the file system or the pipe.", offsetof(struct figures, stored)},
	{"dropped", "frames_dropped_total", "counter", "Frames the kernel had no room for.",
         offsetof(struct figures, dropped)},
	{"lost", "frames_lost_total", "counter", "Frames that could not be written.",
         offsetof(struct figures, lost)},
	{"opened", "opens_total", "counter", "How often the device was opened.",
         offsetof(struct figures, opened)},
	{"files", "files_completed_total", "counter", "Files that were completed.",
         offsetof(struct figures, files)},
	{"suspended", "suspended", "gauge", "1 while nothing can be written.",
         offsetof(struct figures, suspended)},
	{"recording", "recording", "gauge", "1 while frames of the WAN are recorded.",
         offsetof(struct figures, recording)},
};
#define N_COLUMNS (sizeof(columns) / sizeof(*columns))

static uint64_t figure(const struct figures *figures, size_t column)
{
	return *(const uint64_t *)((const char *)figures + columns[column].at);
}

/* A glob takes devices of any name: bytes that are no text, or that Prometheus reads as its own,
 * are not passed on. */
static const char *clean(const char *name, const char *unwanted, char text[static SETTINGS_NAME])
{
	json_t *string = json_string(name);
	bool valid = string != NULL;

	json_decref(string);
	snprintf(text, SETTINGS_NAME, "%s", name);
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f || (!valid && (*c & 0x80)) ||
		    strchr(unwanted, *c))
			*c = '?';
	return text;
}

static json_t *wan_json(struct recorder *r, struct wan *wan)
{
	struct figures figures;
	char name[SETTINGS_NAME], device[SETTINGS_NAME];
	json_t *object =
		json_pack("{s:s, s:s, s:s, s:s, s:s}", "wan", clean(wan->name, "", name), "device",
	                  clean(wan->device, "", device), "role", wan->pattern.role, "state",
	                  state_word(wan), "trouble", wan->trouble);

	figures_of(r, wan, &figures);
	for (size_t i = 0; object && i < N_COLUMNS; i++)
		json_object_set_new(object, columns[i].key,
		                    json_integer((json_int_t)figure(&figures, i)));
	return object;
}

json_t *status_json(struct recorder *r)
{
	struct spool_usage usage = {0};
	json_t *wans = json_array();

	writer_usage(r->writer, &usage);
	for (struct wan *wan = r->wans; wan < r->wans + SETTINGS_INTERFACES; wan++)
		if (wan->used)
			json_array_append_new(wans, wan_json(r, wan));
	return json_pack("{s:s, s:i, s:s, s:f, s:b, s:I, s:{s:s, s:I, s:I, s:I, s:I}, s:o}",
	                 "version", MPTCP_AUDIT_VERSION, "pid", (int)getppid(), "boot", r->boot,
	                 "uptime_s", (double)(r->mono - r->started_mono) / (double)SECOND_NS,
	                 "ready", r->ready, "clock_steps", (json_int_t)r->steps, "spool",
	                 "directory", r->settings.directory, "files", (json_int_t)usage.files,
	                 "bytes", (json_int_t)usage.bytes, "expired_files",
	                 (json_int_t)usage.expired_files, "expired_bytes",
	                 (json_int_t)usage.expired_bytes, "wans", wans);
}

static void metrics_column(struct recorder *r, size_t column, FILE *out)
{
	fprintf(out, "# HELP mptcp_captured_%s %s\n# TYPE mptcp_captured_%s %s\n",
	        columns[column].metric, columns[column].help, columns[column].metric,
	        columns[column].type);
	for (struct wan *wan = r->wans; wan < r->wans + SETTINGS_INTERFACES; wan++) {
		struct figures figures;
		char name[SETTINGS_NAME], device[SETTINGS_NAME];

		if (!wan->used)
			continue;
		figures_of(r, wan, &figures);
		fprintf(out,
		        "mptcp_captured_%s{wan=\"%s\",device=\"%s\",role=\"%s\"} %" PRIu64 "\n",
		        columns[column].metric, clean(wan->name, "\"\\", name),
		        clean(wan->device, "\"\\", device), wan->pattern.role,
		        figure(&figures, column));
	}
}

char *status_metrics(struct recorder *r)
{
	struct spool_usage usage = {0};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (size_t i = 0; i < N_COLUMNS; i++)
		metrics_column(r, i, out);
	writer_usage(r->writer, &usage);
	fprintf(out,
	        "# HELP mptcp_captured_spool_bytes Bytes in the ring, open files included.\n"
	        "# TYPE mptcp_captured_spool_bytes gauge\nmptcp_captured_spool_bytes %" PRIu64 "\n"
	        "# HELP mptcp_captured_spool_expired_bytes_total Bytes deleted to keep the "
	        "limits.\n"
	        "# TYPE mptcp_captured_spool_expired_bytes_total counter\n"
	        "mptcp_captured_spool_expired_bytes_total %" PRIu64 "\n"
	        "# HELP mptcp_captured_clock_steps_total Jumps of the wall clock.\n"
	        "# TYPE mptcp_captured_clock_steps_total counter\n"
	        "mptcp_captured_clock_steps_total %" PRIu64 "\n",
	        usage.bytes, usage.expired_bytes, r->steps);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
