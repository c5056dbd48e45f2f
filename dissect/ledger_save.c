/* SPDX-License-Identifier: MIT
 *
 * ledger_save.c - a ledger as JSON, schema "mptcp-audit.ledger/2.0". What ledger_load.c reads.
 *
 * One line per file, WAN and connection. A tally is [frames, l2_bytes, ip_bytes, payload_bytes], a
 * frame that shows something is [ts_ns, place in "files", number]; what is zero is left out. Rows
 * of connections: ledger_rows.c.
 */
#include "ledger_inside.h"
#include "ledger_rows.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* ---- small values; NULL when out of memory, which jansson's *_new setters pass on as an error
 * ---- */

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)(value < LEDGER_SUM_MAX ? value : LEDGER_SUM_MAX));
}

/* Texts that did not come through ledger_text() may hold any bytes. */
static json_t *text(const char *bytes)
{
	json_t *value = json_string(bytes);
	char *clean;

	if (value)
		return value;
	clean = ledger_text(bytes);
	value = clean ? json_string(clean) : NULL;
	free(clean);
	return value;
}

static bool set(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new_nocheck(object, key, value) == 0;
}

static json_t *numbers(const uint64_t *values, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < count; i++) {
		if (json_array_append_new(array, number(values[i]))) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *tally_json(const struct tally *tally)
{
	const uint64_t values[] = {tally->frames, tally->l2_bytes, tally->ip_bytes,
	                           tally->payload_bytes};

	return numbers(values, 4);
}

static json_t *evidence_json(const struct evidence *first)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < first->count; i++) {
		const struct evidence_frame *frame = &first->frames[i];
		const uint64_t values[] = {frame->ts_ns, frame->file, frame->number};

		json_array_append_new(array, numbers(values, 3));
	}
	if (json_array_size(array) == first->count)
		return array;
	json_decref(array);
	return NULL;
}

/* {"payload": tally, ...}, zero ones left out */
static json_t *kinds_json(const struct tally *kinds)
{
	json_t *object = json_object();
	bool good = object != NULL;

	for (int k = 0; good && k < KIND_COUNT; k++)
		if (!tally_zero(&kinds[k]))
			good = set(object, kind_names[k], tally_json(&kinds[k]));
	if (good)
		return object;
	json_decref(object);
	return NULL;
}

/* ---- rows ---- */

static json_t *finish(json_t *object, bool good)
{
	if (good)
		return object;
	json_decref(object);
	return NULL;
}

static json_t *wan_names(const struct ledger *ledger, uint64_t mask)
{
	json_t *array = json_array();
	bool good = array != NULL;

	for (size_t i = 0; good && i < ledger->n_wans; i++)
		if (mask >> i & 1)
			good = !json_array_append_new(array, text(ledger->wans[i].name));
	return finish(array, good);
}

static json_t *circumstance_json(const struct ledger *ledger, size_t index)
{
	static const struct ledger_circumstance none;
	const struct ledger_circumstance *masks = index ? &ledger->circumstances[index] : &none;
	json_t *row = json_object();

	return finish(row, row && set(row, "healthy", wan_names(ledger, masks->healthy)) &&
	                           set(row, "degraded", wan_names(ledger, masks->degraded)) &&
	                           set(row, "silent", wan_names(ledger, masks->silent)) &&
	                           set(row, "returned", wan_names(ledger, masks->returned)));
}

static json_t *wan_name(const struct ledger *ledger, uint32_t wan)
{
	return wan < ledger->n_wans ? text(ledger->wans[wan].name) : json_null();
}

static json_t *file_recording_json(const struct ledger_file *file)
{
	json_t *row = json_object();

	return finish(row, row && set(row, "from_ns", number(file->from_ns)) &&
	                           set(row, "to_ns", number(file->to_ns)) &&
	                           set(row, "shift_ns", json_integer(file->shift_ns)) &&
	                           set(row, "growing", json_boolean(file->growing)) &&
	                           set(row, "repaired", json_boolean(file->repaired)));
}

static json_t *file_flaw_json(const struct ledger_file *file)
{
	json_t *row = json_object();

	return finish(row, row && set(row, "what", text(file->flaw)) &&
	                           set(row, "at", number(file->flaw_at)) &&
	                           set(row, "unpacked", json_boolean(file->flaw_unpacked)));
}

static json_t *file_json(const struct ledger *ledger, size_t index)
{
	const struct ledger_file *file = &ledger->files[index];
	char digits[2 * LEDGER_SHA256 + 1];
	const char *sha256 = ledger_digest_text(file, digits);
	json_t *row = json_object();

	return finish(
		row,
		row && set(row, "name", text(file->name)) &&
			set(row, "wan", wan_name(ledger, file->wan)) &&
			set(row, "message", file->message ? text(file->message) : json_null()) &&
			set(row, "frames", number(file->frames)) &&
			set(row, "wire_bytes", number(file->wire_bytes)) &&
			set(row, "first_ns", number(file->first_ns)) &&
			set(row, "last_ns", number(file->last_ns)) &&
			set(row, "snaplen", number(file->snaplen)) &&
			(!sha256 || set(row, "sha256", text(sha256))) &&
			(!file->flaw[0] || set(row, "flaw", file_flaw_json(file))) &&
			(!file->recorded || set(row, "recording", file_recording_json(file))));
}

static json_t *cell_json(const struct ledger *ledger, const struct ledger_cell *cell)
{
	json_t *row = json_object();

	return finish(row,
	              row && set(row, "shared", json_boolean(cell->shared)) &&
	                      set(row, "direction", text(direction_names[cell->direction])) &&
	                      set(row, "kind", text(kind_names[cell->kind])) &&
	                      set(row, "traffic", text(traffic_names[cell->traffic])) &&
	                      set(row, "app", text(cell->app ? ledger->apps[cell->app] : "")) &&
	                      set(row, "circumstance", number(cell->circumstance)) &&
	                      set(row, "sum", tally_json(&cell->sum)) &&
	                      set(row, "first", evidence_json(&cell->first)) &&
	                      (!cell->last_ns || set(row, "last_ns", number(cell->last_ns))));
}

static json_t *bucket_json(const struct ledger_bucket *bucket)
{
	json_t *row = json_object();
	bool good = row && set(row, "start_s", number(bucket->start_s)) &&
	            set(row, "first_ns", number(bucket->first_ns)) &&
	            set(row, "last_ns", number(bucket->last_ns));

	for (int d = 0; good && d < DIR_COUNT; d++) {
		json_t *kinds = kinds_json(bucket->kinds[d]);

		if (kinds && !json_object_size(kinds))
			json_decref(kinds);
		else
			good = set(row, direction_names[d], kinds);
	}
	if (good && bucket->n_shares)
		good = set(row, "circumstances", ledger_bucket_shares_save(bucket));
	return finish(row, good);
}

static json_t *events_json(const struct ledger_wan *wan)
{
	json_t *object = json_object();
	bool good = object != NULL;

	for (int e = 0; good && e < EVENT_COUNT; e++) {
		const struct ledger_event *event = &wan->events[e];
		json_t *row;

		if (!event->count && !event->first.count)
			continue;
		row = json_object();
		good = set(object, event_names[e], row) &&
		       set(row, "count", number(event->count)) &&
		       set(row, "first", evidence_json(&event->first));
	}
	return finish(object, good);
}

static json_t *counters_json(const struct ledger_counters *counters)
{
	json_t *object = json_object();
	bool good = object != NULL;

#define X(name)                                                                                    \
	if (good && counters->name)                                                                \
		good = set(object, #name, number(counters->name));
	LEDGER_COUNTERS(X)
#undef X
	return finish(object, good);
}

static json_t *own_json(const struct ledger_wan *wan)
{
	json_t *array = json_array();
	bool good = array != NULL;

	for (unsigned i = 0; good && i < wan->n_own; i++)
		good = !json_array_append_new(array, text(wan->own[i].text));
	return finish(array, good);
}

static json_t *cells_json(const struct ledger *ledger, const struct ledger_wan *wan)
{
	json_t *array = json_array();
	bool good = array != NULL;

	for (size_t i = 0; good && i < wan->n_cells; i++)
		good = !json_array_append_new(array, cell_json(ledger, &wan->cells[i]));
	return finish(array, good);
}

static json_t *buckets_json(const struct ledger_wan *wan)
{
	json_t *array = json_array();
	bool good = array != NULL;

	for (size_t i = 0; good && i < wan->n_buckets; i++)
		good = !json_array_append_new(array, bucket_json(&wan->buckets[i]));
	return finish(array, good);
}

/* ---- what the recorder says ---- */

static json_t *span_json(const struct ledger_span *span)
{
	json_t *row = json_array();

	return finish(row, row && !json_array_append_new(row, text(span_names[span->state])) &&
	                           !json_array_append_new(row, number(span->from_ns)) &&
	                           !json_array_append_new(row, number(span->to_ns)) &&
	                           !json_array_append_new(row, number(span->lost_frames)));
}

static json_t *step_json(const struct ledger_step *step)
{
	json_t *row = json_array();

	return finish(row, row && !json_array_append_new(row, number(step->at_ns)) &&
	                           !json_array_append_new(row, json_integer(step->by_ns)));
}

static json_t *warning_json(const struct ledger_warning *warning)
{
	json_t *row = json_array();

	return finish(row, row && !json_array_append_new(row, text(warning->code)) &&
	                           !json_array_append_new(row, text(warning->about)) &&
	                           !json_array_append_new(row, number(warning->count)));
}

static json_t *record_json(const struct ledger_record *record)
{
	json_t *row = json_object(), *spans = json_array(), *steps = json_array(),
	       *warnings = json_array(), *roles = json_array();
	bool good = row && set(row, "spans", spans) && set(row, "steps", steps) &&
	            set(row, "warnings", warnings) && set(row, "roles", roles);

	for (size_t i = 0; good && i < record->n_spans; i++)
		good = !json_array_append_new(spans, span_json(&record->spans[i]));
	for (unsigned i = 0; good && i < record->n_steps; i++)
		good = !json_array_append_new(steps, step_json(&record->steps[i]));
	for (unsigned i = 0; good && i < record->n_warnings; i++)
		good = !json_array_append_new(warnings, warning_json(&record->warnings[i]));
	for (unsigned i = 0; good && i < record->n_roles; i++)
		good = !json_array_append_new(roles, text(record->roles[i]));
	return finish(row, good);
}

static json_t *wan_json(const struct ledger *ledger, size_t index)
{
	const struct ledger_wan *wan = &ledger->wans[index];
	json_t *row = json_object();

	return finish(row, row && set(row, "name", text(wan->name)) &&
	                           set(row, "filtered", json_boolean(wan->filtered)) &&
	                           set(row, "drops_known", json_boolean(wan->drops_known)) &&
	                           set(row, "first_ns", number(wan->first_ns)) &&
	                           set(row, "last_ns", number(wan->last_ns)) &&
	                           set(row, "skew_ns", number(wan->skew_ns)) &&
	                           set(row, "own", own_json(wan)) && ledger_names_save(row, wan) &&
	                           set(row, "counters", counters_json(&wan->counters)) &&
	                           set(row, "events", events_json(wan)) &&
	                           (!wan->record || set(row, "record", record_json(wan->record))) &&
	                           (!wan->peers ||
	                            set(row, "peers", ledger_peers_save(ledger, wan->peers))) &&
	                           set(row, "cells", cells_json(ledger, wan)) &&
	                           set(row, "buckets", buckets_json(wan)));
}

static json_t *rest_json(const struct ledger *ledger)
{
	json_t *row = json_object();
	json_t *wans = json_object();
	bool good = row && set(row, "connections", number(ledger->rest.connections)) &&
	            set(row, "subflows", number(ledger->rest.subflows)) && set(row, "wans", wans);

	for (size_t i = 0; good && i < ledger->n_wans; i++)
		if (!tally_zero(&ledger->rest.wans[i]))
			good = set(wans, ledger->wans[i].name, tally_json(&ledger->rest.wans[i]));
	return finish(row, good);
}

static json_t *head_json(const struct ledger *ledger)
{
	const uint64_t shared[] = {ledger->shared_start_ns, ledger->shared_end_ns};
	json_t *row = json_object();

	return finish(row, row && set(row, "schema", text("mptcp-audit.ledger/2.0")) &&
	                           set(row, "width_s", number(ledger_widths_s[ledger->width])) &&
	                           set(row, "shared",
	                               ledger->shared_known ? numbers(shared, 2) : json_null()) &&
	                           set(row, "frames_over_wans", number(ledger->frames_over_wans)) &&
	                           set(row, "rest", rest_json(ledger)) &&
	                           set(row, "columns", ledger_row_columns()));
}

/* ---- writing ---- */

static int write_value(FILE *file, json_t *value, size_t flags)
{
	int error = 0;

	if (!value)
		return -ENOMEM;
	if (json_dumpf(value, file, JSON_COMPACT | flags))
		error = ferror(file) ? -EIO : -ENOMEM;
	json_decref(value);
	return error;
}

static int write_table(FILE *file, const struct ledger *ledger, const char *name, size_t count,
                       json_t *(*row)(const struct ledger *ledger, size_t index))
{
	int error = 0;

	fprintf(file, ",\n\"%s\":[", name);
	for (size_t i = 0; !error && i < count; i++) {
		fputs(i ? ",\n" : "\n", file);
		error = write_value(file, row(ledger, i), 0);
	}
	fputs("]", file);
	return error;
}

/* The head's own braces are left out, so the tables can follow inside the same object. */
static int write_sorted(const struct ledger *ledger, FILE *file)
{
	size_t n_circumstances = ledger->n_circumstances ? ledger->n_circumstances : 1;
	int error;

	fputs("{", file);
	error = write_value(file, head_json(ledger), JSON_EMBED);
	if (!error)
		error = write_table(file, ledger, "files", ledger->n_files, file_json);
	if (!error)
		error = write_table(file, ledger, "circumstances", n_circumstances,
		                    circumstance_json);
	if (!error)
		error = write_table(file, ledger, "wans", ledger->n_wans, wan_json);
	if (!error)
		error = write_table(file, ledger, "interruptions", ledger->n_interruptions,
		                    ledger_interruption_json);
	if (!error)
		error = write_table(file, ledger, "connections", ledger->n_connections,
		                    ledger_row_json);
	fputs("}\n", file);
	if (!error && (fflush(file) || ferror(file)))
		error = -EIO;
	return error;
}

int ledger_save(const struct ledger *ledger, FILE *file)
{
	struct ledger *sorted = malloc(sizeof(*sorted));
	int error = -ENOMEM;

	if (!sorted)
		return error;
	ledger_init(sorted);
	if (ledger_merge(sorted, ledger) && ledger_sort(sorted))
		error = write_sorted(sorted, file);
	ledger_release(sorted);
	free(sorted);
	return error;
}
