/* SPDX-License-Identifier: MIT
 *
 * pipeline_state.c - the end of one piece of a capture and the begin of the next.
 *
 * Rooms in the order in which they depend on each other: names of the ledger, tracker, tallies,
 * frames that wait, hearing, sides, copies, labels. A new room's part goes behind the last one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ledger_inside.h"
#include "pipeline_inside.h"
#include "state.h"

enum {
	MARK_LEDGER = 'L',
	MARK_PENDING = 'P',
	MARK_END = 'E',
	MARK_CHECKPOINT = 'C',
	TEXT_BYTES = 16384
};

/* ---- files of earlier pieces ---- */

uint32_t pipeline_old_file(struct pipeline *p, uint32_t file)
{
	if (!(file & OLD_FILE))
		return file;
	struct old_file *old = &p->old[file & ~OLD_FILE];
	if (old->now == NO_INDEX) {
		old->now = ledger_file(p->ledger, old->name, old->wan);
		copies_rename(p->copies, file, old->now);
	}
	return old->now;
}

void pipeline_meet_file(struct pipeline *p, uint32_t file)
{
	for (uint32_t i = 0; file < p->ledger->n_files && i < p->n_old; i++) {
		struct old_file *old = &p->old[i];

		if (old->now != NO_INDEX || strcmp(old->name, p->ledger->files[file].name) != 0)
			continue;
		old->now = file;
		copies_rename(p->copies, OLD_FILE | i, file);
	}
}

/* ---- saving ---- */

/* The files that what is saved speaks of, in the order in which they turn up. */
struct naming {
	struct pipeline *p;
	uint32_t *files; /* of pipeline_old_file() */
	size_t n, cap;
};

/* 0 = none, else its place + 1. */
static uint32_t number_file(void *context, uint32_t file)
{
	struct naming *naming = context;
	bool old = file & OLD_FILE && (file & ~OLD_FILE) < naming->p->n_old;

	if (!old && file >= naming->p->ledger->n_files)
		return 0;
	for (size_t i = naming->n; i-- > 0;)
		if (naming->files[i] == file)
			return (uint32_t)i + 1;
	if (!ledger_grow((void **)&naming->files, &naming->cap, naming->n, sizeof(*naming->files)))
		return 0;
	naming->files[naming->n++] = file;
	return (uint32_t)naming->n;
}

struct saving {
	struct naming naming;
	struct state_out *out;
};

static void save_waiting(void *context, struct subflow *sf)
{
	struct saving *s = context;

	pipeline_save_waiting(sf, s->out, number_file, &s->naming);
}

static void save_ledger(const struct ledger *ledger, struct state_out *out)
{
	size_t apps = ledger->n_apps ? ledger->n_apps : 1;
	size_t circumstances = ledger->n_circumstances ? ledger->n_circumstances : 1;

	state_put_mark(out, MARK_LEDGER);
	state_put(out, ledger->n_wans);
	for (size_t i = 0; i < ledger->n_wans; i++)
		state_put_text(out, ledger->wans[i].name);
	state_put(out, apps - 1);
	for (size_t i = 1; i < apps; i++)
		state_put_text(out, ledger->apps[i]);
	state_put(out, circumstances - 1);
	for (size_t i = 1; i < circumstances; i++) {
		const struct ledger_circumstance *c = &ledger->circumstances[i];
		const uint64_t masks[] = {c->healthy, c->degraded, c->silent, c->returned};

		for (unsigned m = 0; m < STATE_ROWS(masks); m++)
			state_put(out, masks[m]);
	}
}

/* Peers begin anew with each ledger; what the trackers asked last, and how coarse the table has
 * become, go on. */
static void save_asked(const struct pipeline *p, const struct ledger_peers *peers,
                       struct state_out *out)
{
	size_t n = 0;

	state_put(out, peers ? peers->width + 1u : 0);
	if (!peers)
		return;
	for (size_t i = 0; i < peers->n_rows; i++)
		n += peers->rows[i].asked_ns != 0;
	state_put(out, n);
	for (size_t i = 0; i < peers->n_rows; i++) {
		const struct ledger_peer *row = &peers->rows[i];

		if (!row->asked_ns)
			continue;
		state_put_bytes(out, row->key.addr, sizeof(row->key.addr));
		state_put(out, row->key.family);
		state_put(out, row->key.traffic);
		state_put(out, row->key.app);
		state_put_near(out, row->asked_ns, p->seen_ns);
	}
}

static void save_files(const struct naming *naming, struct state_out *out)
{
	const struct pipeline *p = naming->p;

	state_put(out, naming->n);
	for (size_t i = 0; i < naming->n; i++) {
		uint32_t file = naming->files[i];
		bool old = file & OLD_FILE;
		uint32_t wan = old ? p->old[file & ~OLD_FILE].wan : p->ledger->files[file].wan;

		state_put_text(out,
		               old ? p->old[file & ~OLD_FILE].name : p->ledger->files[file].name);
		state_put(out, wan);
	}
}

static void save_options(const struct pipeline *p, struct state_out *out)
{
	state_put(out, track_most(p->track));
	state_put(out, p->options.no_ndpi);
	state_put_text(out, p->origin);
}

static void save_all(struct pipeline *p, struct state_out *out)
{
	struct state_out body = {0};
	struct saving s = {.naming = {.p = p}, .out = &body};

	state_put_mark(&body, MARK_PENDING);
	track_walk(p->track, save_waiting, &s);
	health_save(&p->hearing, p->ledger->n_wans, &body, p->seen_ns, number_file, &s.naming);
	inquiries_save(&p->inquiries, p->ledger->n_wans, &body, p->seen_ns);
	sides_save(p->sides, p->ledger->n_wans, &body);
	copies_save(p->copies, &body, p->seen_ns, number_file, &s.naming);
	courses_save(&p->courses, &body, p->seen_ns, number_file, &s.naming);
	for (size_t i = 0; i < p->ledger->n_wans; i++)
		save_asked(p, p->ledger->wans[i].peers, &body);
	appid_save(p->appid, &body);
	state_put_mark(&body, MARK_END);

	save_options(p, out);
	state_put(out, p->order);
	state_put(out, p->seen_ns);
	state_put(out, p->classifier.epoch_ns);
	save_ledger(p->ledger, out);
	for (size_t i = 0; i < p->ledger->n_wans; i++)
		state_put_near(out, p->reach_ns[i], p->seen_ns);
	track_save(p->track, out, p->seen_ns);
	connections_save(p->connections, p->track, out);
	save_files(&s.naming, out);
	state_put_bytes(out, body.data, body.n);
	out->failed |= body.failed;
	state_out_release(&body);
	free(s.naming.files);
}

static void flush(void *context, struct subflow *sf)
{
	express_flush(context, sf);
}

int pipeline_checkpoint(struct pipeline *p, uint64_t cut_ns, FILE *state)
{
	struct state_out out = {0};

	if (p->express)
		track_walk(p->track, flush, p->express);
	track_leave_spare(p->track);
	save_all(p, &out);
	state_put_mark(&out, MARK_CHECKPOINT);
	state_put(&out, cut_ns);
	int error = state_write(&out, state);
	state_out_release(&out);
	return error;
}

int pipeline_suspend(struct pipeline *p, const struct frame_wan *wans, size_t n_wans,
                     const struct frame_file *files, size_t n_files, FILE *state)
{
	struct state_out out = {0};

	if (p->express)
		track_walk(p->track, flush, p->express);
	track_leave_spare(p->track);
	pipeline_note_sources(p, wans, n_wans, files, n_files);
	save_all(p, &out);
	int error = state_write(&out, state);
	state_out_release(&out);
	p->suspended = true;
	return error;
}

/* ---- loading ---- */

/* Back to a number of this pipeline's. */
static uint32_t old_number(void *context, uint32_t file)
{
	const struct pipeline *p = context;

	return file == 0 || file > p->n_old ? LEDGER_FILES_MAX : OLD_FILE | (file - 1);
}

/* What is told as evidence soon has its place in the ledger. */
static uint32_t now_number(void *context, uint32_t file)
{
	return pipeline_old_file(context, old_number(context, file));
}

struct loading {
	struct pipeline *p;
	struct state_in *in;
};

static void load_waiting(void *context, struct subflow *sf)
{
	const struct loading *l = context;

	pipeline_load_waiting(l->p, sf, l->in, old_number, l->p);
}

static void load_names(struct ledger *ledger, struct state_in *in)
{
	char name[TEXT_BYTES];
	size_t n = state_take_count(in, LEDGER_WANS_MAX);

	for (uint32_t i = 0; i < n && !in->damaged; i++) {
		state_take_text(in, name, sizeof(name));
		if (!in->damaged && ledger_wan(ledger, name) != i)
			state_refuse(in);
	}
	n = state_take_count(in, LEDGER_APPS_MAX - 1);
	for (uint32_t i = 1; i <= n && !in->damaged; i++) {
		state_take_text(in, name, sizeof(name));
		if (!in->damaged && ledger_app(ledger, name) != i)
			state_refuse(in);
	}
}

static void load_circumstances(struct ledger *ledger, struct state_in *in)
{
	uint64_t most = ledger->n_wans < 64 ? (UINT64_C(1) << ledger->n_wans) - 1 : UINT64_MAX;
	size_t n = state_take_count(in, LEDGER_CIRCUMSTANCES_MAX - 1);

	for (uint32_t i = 1; i <= n && !in->damaged; i++) {
		struct ledger_circumstance c;

		c.healthy = state_take(in, most);
		c.degraded = state_take(in, most);
		c.silent = state_take(in, most);
		c.returned = state_take(in, most);
		if (!in->damaged && ledger_circumstance(ledger, &c) != i)
			state_refuse(in);
	}
}

static void load_row_asked(struct pipeline *p, struct ledger_wan *wan, struct state_in *in)
{
	size_t apps = p->ledger->n_apps;
	struct ledger_peer_key key = {0};

	state_take_bytes(in, key.addr, sizeof(key.addr));
	key.family = (uint8_t)state_take(in, 6);
	key.traffic = (uint8_t)state_take(in, TRAFFIC_COUNT - 1);
	key.app = (uint16_t)state_take(in, apps ? apps - 1 : 0);
	uint64_t asked_ns = state_take_near(in, p->seen_ns);
	if (in->damaged || (key.family && key.family != 4 && key.family != 6)) {
		state_refuse(in);
		return;
	}
	uint32_t at = ledger_peer(p->ledger, wan, &key);
	if (at != LEDGER_NO_PEER)
		wan->peers->rows[at].asked_ns = asked_ns;
}

static void load_asked(struct pipeline *p, struct ledger_wan *wan, struct state_in *in)
{
	uint64_t width = state_take(in, LEDGER_PEER_WIDTHS);

	if (width == 0)
		return;
	struct ledger_peers *peers = ledger_peers_of(wan);
	if (!peers) {
		in->no_memory = true;
		state_refuse(in);
		return;
	}
	peers->width = (uint8_t)(width - 1);
	for (size_t n = state_take_count(in, LEDGER_PEERS_MAX); n > 0 && !in->damaged; n--)
		load_row_asked(p, wan, in);
}

static void load_files(struct pipeline *p, struct state_in *in)
{
	char name[TEXT_BYTES];
	size_t n = state_take_count(in, LEDGER_FILES_MAX);

	p->old = calloc(n + 1, sizeof(*p->old));
	if (!p->old) {
		in->no_memory = true;
		state_refuse(in);
		return;
	}
	for (size_t i = 0; i < n && !in->damaged; i++) {
		state_take_text(in, name, sizeof(name));
		uint32_t wan = (uint32_t)state_take(in, LEDGER_WANS_MAX - 1);

		if (wan >= p->ledger->n_wans)
			state_refuse(in);
		p->old[i] = (struct old_file){strdup(name), wan, NO_INDEX};
		if (!p->old[i].name)
			state_refuse(in);
		p->n_old++;
	}
}

static void bound_missed(void *context, struct connection *c)
{
	const struct loading *l = context;
	size_t n = l->p->ledger->n_wans;

	if (n < 64 && c->missed >> n)
		state_refuse(l->in);
}

static void load_checkpoint(struct pipeline *p, struct state_in *in)
{
	state_take_mark(in, MARK_CHECKPOINT);
	p->resumed.checkpoint = true;
	p->resumed.cut_ns = state_take(in, UINT64_MAX);
	if (bytes_left(&in->bytes) > 0)
		state_refuse(in);
}

static void load_all(struct pipeline *p, struct state_in *in)
{
	struct loading l = {p, in};

	p->order = state_take(in, UINT64_MAX);
	p->seen_ns = state_take(in, UINT64_MAX);
	p->classifier.epoch_ns = state_take(in, UINT64_MAX);
	state_take_mark(in, MARK_LEDGER);
	load_names(p->ledger, in);
	load_circumstances(p->ledger, in);
	const struct connections_bounds bounds = {p->ledger->n_wans, p->ledger->n_apps,
	                                          p->ledger->n_circumstances};
	for (size_t i = 0; i < bounds.wans; i++)
		p->reach_ns[i] = state_take_near(in, p->seen_ns);
	track_load(p->track, in, p->seen_ns);
	track_walk_connections(p->track, bound_missed, &l);
	connections_load(p->connections, p->track, &bounds, in);
	load_files(p, in);
	state_take_mark(in, MARK_PENDING);
	track_walk(p->track, load_waiting, &l);
	health_load(&p->hearing, bounds.wans, in, p->seen_ns, now_number, p);
	inquiries_load(&p->inquiries, bounds.wans, in, p->seen_ns);
	sides_load(p->sides, bounds.wans, in);
	copies_load(p->copies, in, p->seen_ns, bounds.wans, old_number, p);
	courses_load(&p->courses, in, p->seen_ns, now_number, p);
	for (size_t i = 0; i < bounds.wans; i++)
		load_asked(p, &p->ledger->wans[i], in);
	appid_load(p->appid, in);
	state_take_mark(in, MARK_END);
	p->resumed = (struct pipeline_origin){.resumed = true, .last_ns = p->seen_ns};
	if (bytes_left(&in->bytes) > 0)
		load_checkpoint(p, in);
	p->old_wans = (uint32_t)bounds.wans;
}

struct pipeline_origin pipeline_origin(const struct pipeline *p)
{
	return p->resumed;
}

/* Why these options do not go on with the state, or NULL. */
static const char *options_differ(const struct pipeline *p, struct state_in *in)
{
	char origin[TEXT_BYTES];

	if (state_take(in, UINT64_MAX) != track_most(p->track))
		return "was made with another limit of subflows";
	if (state_take(in, 1) != p->options.no_ndpi)
		return "was made with other labels of applications";
	state_take_text(in, origin, sizeof(origin));
	if (!in->damaged && strcmp(origin, p->origin) != 0)
		return "was made with another filter, other --wan or other shifts of time";
	return NULL;
}

static const char *resume_from(struct pipeline *p, const uint8_t *payload, size_t n)
{
	struct state_in in = {.bytes = bytes_of(payload, n)};
	const char *why = options_differ(p, &in);

	if (!why)
		load_all(p, &in);
	if (in.no_memory)
		return "does not fit into memory";
	return in.damaged ? "is damaged: its parts contradict each other" : why;
}

struct pipeline *pipeline_resume(struct ledger *ledger, const struct pipeline_options *options,
                                 FILE *state, char *message, size_t size)
{
	struct pipeline *p = NULL;
	const char *why = "does not fit into memory";
	uint8_t *payload;
	size_t n;

	if (!state_read(state, &payload, &n, message, size))
		return NULL;
	p = pipeline_new(ledger, options);
	if (p)
		why = resume_from(p, payload, n);
	free(payload);
	if (!why)
		return p;
	snprintf(message, size, "%s", why);
	if (p)
		p->suspended = true; /* what was loaded of it is nobody's */
	pipeline_free(p);
	ledger_release(ledger);
	return NULL;
}
