/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "handshake.h"
#include "kin.h"
#include "peers.h"
#include "pipeline_inside.h"

enum { MAX_SUBFLOWS = 65536 };
#define CIRCUMSTANCE_NS (50 * UINT64_C(1000000)) /* how long one look at the other WANs holds */
/* ---- TCP ---- */

/* Which way dir 0 runs on this WAN. Addresses known to be the WAN's own tell; else who opened. */
static void orient(struct pipeline *p, struct passage *a)
{
	struct flow_tally *t = a->tally;
	int own = sides_source_is_own(p->sides, t->wan, &a->segment);
	enum direction first = DIR_UNKNOWN;

	if (own != 0)
		first = (own > 0) == (a->dir == 0) ? DIR_UP : DIR_DOWN;
	else if (a->subflow->opener_known || a->connection->opener_known)
		first = a->subflow->flip ? DIR_DOWN : DIR_UP;
	t->direction[0] = (uint8_t)first;
	t->direction[1] = (uint8_t)(first == DIR_UP     ? DIR_DOWN
	                            : first == DIR_DOWN ? DIR_UP
	                                                : DIR_UNKNOWN);
}

static enum direction direction_of(struct pipeline *p, struct passage *a)
{
	if (a->frame->mark != MARK_NONE)
		return a->frame->mark == MARK_OUT ? DIR_UP : DIR_DOWN;
	if (a->tally->direction[0] == DIR_UNKNOWN)
		orient(p, a);
	enum direction direction = (enum direction)a->tally->direction[a->dir];
	return direction != DIR_UNKNOWN
	               ? direction
	               : sides_direction(p->sides, a->tally->wan, a->frame, &a->segment);
}

/* Of MPTCP the ports alone tell: what it carries is the proxy's business, and encrypted. */
static void label_service(struct pipeline *p, struct passage *a)
{
	struct subflow *sf = a->subflow;

	if (sf->serviced)
		return;
	const char *label =
		appid_service(p->appid, a->segment.proto, a->segment.sport, a->segment.dport);
	sf->app = label ? ledger_app(p->ledger, label) : 0;
	sf->serviced = true;
}

static void label_plain(struct pipeline *p, struct passage *a, bool fresh)
{
	struct subflow *sf = a->subflow;

	if (sf->mptcp) {
		label_service(p, a);
		return;
	}
	if (!fresh && (sf->app || a->segment.payload_len == 0))
		return;
	struct appid_answer answer;
	appid_label(p->appid, a->frame, &a->segment, &answer);
	sf->app = ledger_app(p->ledger, answer.label);
	sf->local = answer.local;
}

static enum traffic traffic_of(const struct subflow *sf)
{
	if (!sf->mptcp)
		return sf->local ? TRAFFIC_LOCAL : TRAFFIC_PLAIN;
	return sf->fallback ? TRAFFIC_FALLBACK : TRAFFIC_MPTCP;
}

/* How the connection's other WANs are, looked at anew every CIRCUMSTANCE_NS. */
static uint16_t circumstance_of(struct pipeline *p, struct passage *a)
{
	struct flow_tally *t = a->tally;
	uint64_t now = a->entry.ts_ns;

	if (p->ledger->n_wans < 2)
		return 0;
	if (now >= t->circumstance_until_ns || now + CIRCUMSTANCE_NS < t->circumstance_until_ns) {
		struct ledger_circumstance masks;
		health_circumstance(p->track, &p->hearing, a->connection, a->subflow, t->wan,
		                    (uint32_t)p->ledger->n_wans, now, &masks);
		course_look(&p->courses, a->connection, &masks, now);
		t->circumstance = ledger_circumstance(p->ledger, &masks);
		t->circumstance_until_ns = now + CIRCUMSTANCE_NS;
	}
	return t->circumstance;
}

/* Offload: one captured header stands for several on the wire. */
static void note_super_frame(struct pipeline *p, const struct passage *a)
{
	const struct ledger_entry *e = &a->entry;
	uint32_t headers = e->l2_bytes - a->segment.payload_len;
	uint32_t tcp_options = headers > 54 ? headers - 54 : 0;
	uint32_t size = a->frame->segment_size ? a->frame->segment_size
	                : a->subflow->mss > tcp_options + 88
	                        ? a->subflow->mss - (tcp_options > 40 ? 40 : tcp_options)
	                        : 1448;

	if (e->l2_bytes <= 1600 || a->segment.payload_len <= size || e->wan >= LEDGER_WANS_MAX)
		return;
	uint32_t wire = (a->segment.payload_len + size - 1) / size;
	p->ledger->wans[e->wan].counters.offload_estimated_bytes += (uint64_t)(wire - 1) * headers;
	ledger_note(p->ledger, e->wan, EVENT_SUPER_FRAME, e->ts_ns, e->file, e->number);
}

static void settle_duplicate(struct pipeline *p, struct passage *a)
{
	a->class = (struct classification){.kind = KIND_DUPLICATE};
	a->entry.kind = KIND_DUPLICATE;
	a->entry.traffic = (uint8_t)traffic_of(a->subflow);
	a->entry.app = a->subflow->app;
	if (a->first_wan != a->entry.wan && a->entry.wan < LEDGER_WANS_MAX) {
		struct ledger_counters *n = &p->ledger->wans[a->entry.wan].counters;
		n->copies_frames++;
		n->copies_l2_bytes += a->entry.l2_bytes;
	}
	pipeline_settle(p, a->subflow, a->tally, &a->entry, &a->class);
	pipeline_tell(p, a);
}

static bool is_copy(struct pipeline *p, const struct passage *a, uint32_t *first_wan)
{
	const struct segment *s = &a->segment;
	struct copies_packet packet = {
		.ts_ns = a->entry.ts_ns,
		.flow_hash = a->subflow->hash,
		.times = a->tcp.has_timestamps ? (uint64_t)a->tcp.tsval << 32 | a->tcp.tsecr : 0,
		.seq = s->seq,
		.ack = s->ack,
		.ip_bytes = s->ip_bytes,
		.file = a->entry.file,
		.wan = (uint16_t)a->entry.wan,
		.ip_id = s->family == 4 ? s->ip_id : 0,
		.ttl = s->ttl,
		.flags = s->flags,
	};

	return copies_seen(p->copies, &packet, first_wan);
}

/* Whose segment is it, and which way does it go? False when there is no memory to keep that. */
static bool place_segment(struct pipeline *p, struct passage *a)
{
	struct ledger_entry *e = &a->entry;
	bool fresh;

	a->subflow = track_subflow(p->track, &a->segment, &a->tcp, e->ts_ns, &a->dir, &fresh);
	a->tally = connections_tally(p->connections, a->subflow, e->wan);
	if (!a->tally)
		return false;
	a->first_wan = e->wan;
	a->copy = is_copy(p, a, &a->first_wan);
	a->identity = (struct track_identity){0};
	bool tells = !a->subflow->bound || a->tcp.subtypes & ~(1u << MP_DSS);
	if (a->tcp.any_mptcp && !a->copy && tells)
		track_identify(p->track, a->subflow, a->dir, &a->segment, &a->tcp, e->ts_ns,
		               &a->identity);
	a->connection = track_connection(p->track, a->subflow);
	label_plain(p, a, fresh);
	if (a->segment.flags & TCP_SYN && a->subflow->offered && !a->copy)
		sides_opener(p->sides, e->wan, a->frame, &a->segment);
	e->direction = (uint8_t)direction_of(p, a);
	peers_turn(a->tally, a->dir, e->direction);
	return true;
}

/* A connection is opened from this WAN, or the opening is answered with MP_CAPABLE. */
static void note_opening(struct pipeline *p, const struct passage *a)
{
	bool answer = a->segment.flags & TCP_ACK;

	if (a->entry.direction == (answer ? DIR_DOWN : DIR_UP) && options_have(&a->tcp, MP_CAPABLE))
		course_opening(&p->courses, &a->entry, answer);
}

static bool was_idle(const struct subflow *sf, uint64_t ts_ns)
{
	uint64_t last_ns = sf->half[0].last_ns > sf->half[1].last_ns ? sf->half[0].last_ns
	                                                             : sf->half[1].last_ns;

	return last_ns && ts_ns > last_ns + LEDGER_IDLE_S * UINT64_C(1000000000);
}

/* A joined subflow that nobody tried for minutes is used: is it alive? Its state is that before. */
static void note_idle(struct pipeline *p, const struct passage *a, bool inbound)
{
	const struct ledger_entry *e = &a->entry;
	struct subflow *sf = a->subflow;

	if (sf->woken && inbound) {
		sf->woken = false;
		ledger_note(p->ledger, e->wan,
		            a->segment.flags & TCP_RST ? EVENT_IDLE_RESET : EVENT_IDLE_ANSWERED,
		            e->ts_ns, e->file, e->number);
	} else if (!sf->woken && a->segment.payload_len > 0 && a->class.kind < KIND_CARRYING &&
	           was_idle(sf, e->ts_ns)) { /* the first ones may repeat what another WAN lost */
		ledger_note(p->ledger, e->wan, EVENT_IDLE_USED, e->ts_ns, e->file, e->number);
		sf->woken = !inbound;
		if (inbound)
			ledger_note(p->ledger, e->wan, EVENT_IDLE_ANSWERED, e->ts_ns, e->file,
			            e->number);
	}
}

/* What is it, and what does it say of its subflow? */
static void judge_segment(struct pipeline *p, struct passage *a)
{
	const struct ledger_entry *e = &a->entry;

	classify(&p->classifier, a->subflow, a->connection, a->dir, &a->segment, &a->tcp, e->ts_ns,
	         &a->class);
	if (a->subflow->bound)
		track_moved(p->track, a->connection);
	if (handshake_matters(a->subflow, &a->segment, &a->tcp, &a->class) || a->identity.skew_ns)
		handshake_note(p->track, p->ledger, e, a->subflow, a->connection, a->dir,
		               &a->segment, &a->tcp, &a->class, a->identity.skew_ns);
	if (p->options.kin && options_have(&a->tcp, MP_FASTCLOSE))
		kin_note_key(p->options.kin, a->connection->version, a->tcp.fastclose_key);
	/* where nothing tells the sides, whoever accepted the connection is taken for the far one
	 */
	bool inbound = e->direction == DIR_DOWN ||
	               (e->direction == DIR_UNKNOWN && (a->dir ^ a->subflow->flip) == 1);
	if (course_matters(&a->subflow->half[a->dir], &a->class, e->ts_ns))
		course_carry(&p->courses, a->connection, a->subflow, a->dir, e, &a->class, inbound);
	if (a->class.new_syn && a->subflow->offered && !a->subflow->join)
		note_opening(p, a);
	else if (a->class.new_syn && !a->subflow->mptcp && !a->subflow->local)
		inquiry_pass(&p->inquiries, &a->segment, e);
	if (a->subflow->join)
		note_idle(p, a, inbound);
	health_update(a->subflow, a->dir, &a->segment, &a->class, e->ts_ns, inbound);
	if (e->direction == DIR_DOWN)
		health_hear(&p->hearing, e->wan, e->ts_ns);
	if (a->class.kind == KIND_KEEPALIVE)
		peers_keepalive(p->ledger, e->wan, &a->subflow->half[a->dir], e->ts_ns);
	if (e->l2_bytes > 1600)
		note_super_frame(p, a);
}

/* Into the ledger with it, now or when its mapping has come. */
static void account_segment(struct pipeline *p, struct passage *a)
{
	struct ledger_entry *e = &a->entry;

	e->kind = (uint8_t)a->class.kind;
	memcpy(e->payload, a->class.payload, sizeof(e->payload));
	e->traffic = (uint8_t)traffic_of(a->subflow);
	e->app = a->subflow->app;
	e->circumstance = e->kind < KIND_CARRYING ? circumstance_of(p, a) : 0;
	if (a->class.new_syn && !(a->segment.flags & TCP_ACK))
		peers_opened(p->ledger, a->subflow, a->tally, e);
	bool waits = a->class.wait && pipeline_keep_waiting(p, a);
	if (p->express)
		express_learn(p->express, a->frame, &a->segment, e->wan, a->subflow, a->tally,
		              a->dir);
	if (waits)
		return;
	pipeline_settle(p, a->subflow, a->tally, e, &a->class);
	pipeline_tell(p, a);
}

static void feed_tcp(struct pipeline *p, struct passage *a)
{
	options_read(&a->tcp, &a->segment);
	if (!place_segment(p, a)) {
		p->ledger->frames_over_wans++; /* no memory: said, not counted */
	} else if (a->copy) {
		settle_duplicate(p, a);
	} else {
		judge_segment(p, a);
		account_segment(p, a);
	}
}

/* ---- everything else ---- */

static void feed_other(struct pipeline *p, struct passage *a)
{
	struct appid_answer answer = {.label = ""};
	bool unread = a->segment.result != DECODE_OTHER;

	if (!unread)
		appid_label(p->appid, a->frame, &a->segment, &answer);
	a->entry.kind = unread ? KIND_UNREAD : KIND_OTHER;
	a->entry.traffic = answer.local ? TRAFFIC_LOCAL : TRAFFIC_OTHER;
	a->entry.app = ledger_app(p->ledger, answer.label);
	a->entry.direction =
		(uint8_t)sides_direction(p->sides, a->entry.wan, a->frame, &a->segment);
	inquiry_pass(&p->inquiries, &a->segment, &a->entry);
	if (a->entry.direction == DIR_DOWN && !answer.local && a->entry.wan < LEDGER_WANS_MAX)
		health_hear(&p->hearing, a->entry.wan, a->entry.ts_ns);
	ledger_count(p->ledger, &a->entry);
	peers_count_other(p->ledger, &a->segment, &a->entry);
	pipeline_tell(p, a);
}

/* ---- in and out ---- */

static void decide_sides(struct pipeline *p)
{
	if (!p->deciding)
		return;
	sides_decide(p->sides);
	p->deciding = false;
}

void pipeline_survey(struct pipeline *p, const struct frame_wan *wan, const struct frame *frame)
{
	struct segment segment;
	struct options tcp;
	uint32_t index = pipeline_wan_index(p, frame->wan, wan);
	bool mptcp = false;

	if (index >= LEDGER_WANS_MAX)
		return;
	decode_frame(frame, &segment);
	if (segment.result == DECODE_TCP && segment.flags & TCP_SYN) {
		options_read(&tcp, &segment);
		mptcp = options_have(&tcp, MP_CAPABLE) || options_have(&tcp, MP_JOIN);
	}
	sides_survey(p->sides, index, wan, frame, &segment, mptcp);
}

static void feed_long_way(struct pipeline *p, const struct frame *frame)
{
	struct passage a;

	a.frame = frame;
	a.subflow = NULL;
	decode_frame(frame, &a.segment);
	a.entry = (struct ledger_entry){
		.wan = p->wan_now,
		.ts_ns = frame->ts_ns,
		.number = frame->number,
		.file = p->file_now,
		.l2_bytes = frame->wire_len,
		.ip_bytes = a.segment.ip_bytes,
		.shared = frame->shared,
	};
	if (frame->backwards)
		ledger_note(p->ledger, p->wan_now, EVENT_BACKWARDS, frame->ts_ns, p->file_now,
		            frame->number);
	if (a.segment.result == DECODE_TCP && p->wan_now < LEDGER_WANS_MAX)
		feed_tcp(p, &a);
	else
		feed_other(p, &a);
}

/* Another file or WAN than that of the frame before: look its indices up. */
static void turn_to(struct pipeline *p, const struct frame_wan *wan, const struct frame_file *file,
                    const struct frame *frame)
{
	decide_sides(p);
	if (p->order == 0)
		p->classifier.epoch_ns = frame->ts_ns;
	p->frame_wan = frame->wan;
	p->frame_file = frame->file;
	p->wan_now = pipeline_wan_index(p, frame->wan, wan);
	p->file_now = pipeline_file_index(p, frame->file, file, p->wan_now);
}

void pipeline_feed(struct pipeline *p, const struct frame_wan *wan, const struct frame_file *file,
                   const struct frame *frame)
{
	if (frame->wan != p->frame_wan || frame->file != p->frame_file)
		turn_to(p, wan, file, frame);
	p->order++;
	p->seen_ns = frame->ts_ns;
	if (!p->express || !express_feed(p->express, frame, p->wan_now, p->file_now))
		feed_long_way(p, frame);
}

/* ---- now ---- */

static void look_at(void *context, const struct subflow *sf)
{
	struct pipeline_wan *wans = context;

	for (unsigned d = 0; d < 2; d++)
		for (const struct pending *p = sf->half[d].pending; p; p = p->next)
			if (p->entry.wan < LEDGER_WANS_MAX)
				wans[p->entry.wan].waiting++;
	if (!sf->mptcp || sf->state != SUBFLOW_ESTABLISHED || !sf->tallies ||
	    sf->tallies->wan >= LEDGER_WANS_MAX)
		return;
	wans[sf->tallies->wan].open++;
	wans[sf->tallies->wan].backup += sf->backup[0] == 1 || sf->backup[1] == 1;
}

void pipeline_look(const struct pipeline *p, struct pipeline_wan wans[LEDGER_WANS_MAX])
{
	memset(wans, 0, LEDGER_WANS_MAX * sizeof(*wans));
	track_each(p->track, look_at, wans);
}

/* ---- windows ---- */

static void forget_subflow(void *context, const struct subflow *seen)
{
	struct pipeline *p = context;
	struct subflow *sf =
		(struct subflow *)(uintptr_t)seen; /* the tracker's, as the tracker is ours */
	struct connection *c = track_connection(p->track, sf);

	if (p->express)
		express_flush(p->express, sf);
	connections_forget_subflow(sf);
	for (unsigned dir = 0; dir < 2; dir++)
		for (struct pending *w = sf->half[dir].pending; w; w = w->next)
			w->forgotten = true;
	c->stream[0].unique_bytes = c->stream[1].unique_bytes = 0;
}

bool pipeline_begin(struct pipeline *p, const struct frame_wan *wans, size_t n_wans)
{
	/* runs go home first: they know their cells */
	track_each(p->track, forget_subflow, p);
	connections_forget_rows(p->connections);
	if (!ledger_forget(p->ledger))
		return false;
	for (uint32_t i = 0; i < n_wans; i++) {
		uint32_t index = pipeline_wan_index(p, i, &wans[i]);

		if (index < LEDGER_WANS_MAX)
			p->lost[index] = wans[i].dropped;
	}
	return true;
}

/* ---- life ---- */

static void leave(void *context, struct subflow *sf, struct connection *c)
{
	struct pipeline *p = context;

	if (p->express)
		express_flush(p->express, sf);
	if (p->options.kin)
		kin_note(p->options.kin, sf, c);
	if (p->suspended) {
		connections_drop(p->connections, sf);
		return;
	}
	course_leave(c, sf);
	connections_leave(p->connections, p->ledger, sf, c);
}

static void leave_connection(void *context, struct connection *c)
{
	struct pipeline *p = context;

	for (unsigned side = 0; p->options.kin && side < 2; side++)
		if (c->has_key[side])
			kin_note_key(p->options.kin, c->version, c->key[side]);
	if (p->suspended) {
		course_drop(c);
		return;
	}
	course_end(&p->courses, c);
	connections_close(p->connections, p->ledger, c);
}

static uint64_t system_seed(void)
{
	uint64_t seed = 0;

	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
		seed = (uint64_t)(uintptr_t)&seed; /* early boot: address layout is the next best
		                                      secret */
	return seed | 1;
}

struct pipeline *pipeline_new(struct ledger *ledger, const struct pipeline_options *options)
{
	struct pipeline *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->ledger = ledger;
	p->options = *options;
	p->origin = strdup(options->origin ? options->origin : "");
	p->deciding = true;
	p->frame_wan = p->frame_file = NO_INDEX;
	uint64_t seed = options->seed ? options->seed : system_seed();
	struct track_sink sink = {pipeline_give_up, leave, leave_connection, p};
	p->track = track_new(options->max_subflows ? options->max_subflows : MAX_SUBFLOWS, seed,
	                     &sink);
	p->hearing.ledger = ledger;
	p->inquiries.hearing = &p->hearing;
	p->courses = (struct courses){.ledger = ledger, .track = p->track, .hearing = &p->hearing};
	p->sides = sides_new();
	p->copies = copies_new();
	p->appid = appid_new(options->no_ndpi);
	p->connections = connections_new();
	if (!p->origin || !p->track || !p->sides || !p->copies || !p->appid || !p->connections) {
		pipeline_free(p);
		return NULL;
	}
	p->classifier = (struct classifier){
		.budget = track_budget(p->track),
		.settle = pipeline_settle_late,
		.context = p,
	};
	if (!options->settled && !options->long_way) {
		p->express =
			express_new(ledger, p->track, p->copies, &p->classifier, &p->hearing, seed);
		if (!p->express) {
			pipeline_free(p);
			return NULL;
		}
	}
	return p;
}

void pipeline_finish(struct pipeline *p, const struct frame_wan *wans, size_t n_wans,
                     const struct frame_file *files, size_t n_files)
{
	p->suspended = false;
	decide_sides(p);
	track_drain(p->track);
	course_finish(&p->courses);
	pipeline_note_sources(p, wans, n_wans, files, n_files);
}

void pipeline_free(struct pipeline *p)
{
	if (!p)
		return;
	if (p->track)
		track_drain(p->track);
	track_free(p->track);
	sides_free(p->sides);
	copies_free(p->copies);
	appid_free(p->appid);
	connections_free(p->connections);
	express_free(p->express);
	for (size_t i = 0; i < p->n_old; i++)
		free(p->old[i].name);
	free(p->old);
	free(p->origin);
	free(p->wans);
	free(p->files);
	free(p);
}
