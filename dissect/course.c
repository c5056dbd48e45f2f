/* SPDX-License-Identifier: MIT */
#include "course.h"

#include <stdlib.h>

#include "state.h"

enum stage {
	STAYS,
	LEAVES, /* new data elsewhere; it may be one of several WANs in use, or a true departure */
	AWAY,   /* the WAN fell silent, and the data go elsewhere */
};

/* One direction of a connection. */
struct course {
	enum stage stage;
	bool silent;     /* the WAN it left fell silent */
	uint64_t before; /* WANs in use before; data on them are no news */
	struct ledger_interruption row;
};

/* How a direction of a connection was carried up to now. */
struct carriers {
	uint64_t last_ns; /* newest new DSN; 0 = none */
	uint32_t wan;     /* ... and its WAN */
	const struct subflow *subflow;
	uint64_t recent;    /* WANs that carried in the last COURSE_BEFORE_NS */
	uint64_t beside_ns; /* newest on a WAN outside the mask asked for */
	uint64_t on_ns;     /* newest on the WAN asked for */
};

/* Kernels hold 8 subflows at once; as in health.c, a crowd of joins is looked at no farther. */
#define SUBFLOWS_MOST 64

static const struct half *half_of(const struct subflow *sf, unsigned stream)
{
	return &sf->half[stream ^ sf->flip];
}

static struct carriers carriers_of(const struct courses *cs, const struct connection *c,
                                   unsigned stream, uint64_t mask, uint32_t wan, uint64_t now_ns)
{
	struct carriers found = {.wan = LEDGER_WANS_MAX};
	unsigned looked = 0;

	for (uint32_t i = c->subflows; i != NO_INDEX && looked++ < SUBFLOWS_MOST;) {
		const struct subflow *sf = track_at(cs->track, i);
		uint64_t carried_ns = half_of(sf, stream)->carried_ns;

		i = sf->next;
		if (!carried_ns || sf->home >= LEDGER_WANS_MAX)
			continue;
		if (carried_ns > found.last_ns) {
			found.last_ns = carried_ns;
			found.wan = sf->home;
			found.subflow = sf;
		}
		if (carried_ns + COURSE_BEFORE_NS > now_ns)
			found.recent |= UINT64_C(1) << sf->home;
		if (!(mask >> sf->home & 1) && carried_ns > found.beside_ns)
			found.beside_ns = carried_ns;
		if (sf->home == wan && carried_ns > found.on_ns)
			found.on_ns = carried_ns;
	}
	return found;
}

/* Payload segments of its last 5 to 10 s, whenever they were. */
static bool was_busy(const struct subflow *sf)
{
	for (unsigned d = 0; d < 2; d++)
		if ((uint64_t)sf->half[d].segments[0] + sf->half[d].segments[1] >= COURSE_BUSY)
			return true;
	return false;
}

/* ---- leaving ---- */

/* Since when the far side's data were due: the sender is not seen, so it is since the last of them
 * when they flowed, else since the newest request, else nobody knows. */
static uint64_t waited_inbound(const struct courses *cs, const struct connection *c,
                               unsigned stream, const struct carriers *left, uint64_t now_ns)
{
	struct carriers asked = carriers_of(cs, c, !stream, 0, left->wan, now_ns);
	const struct half *ours = half_of(left->subflow, !stream);
	bool brief = now_ns - left->last_ns <= HEALTH_HEARD_NS, busy = was_busy(left->subflow);

	if (brief && busy)
		return left->last_ns;
	if (asked.on_ns > left->last_ns && ours->unanswered_ns)
		return ours->unanswered_ns > left->last_ns ? ours->unanswered_ns : left->last_ns;
	if (asked.last_ns > left->last_ns)
		return asked.last_ns;
	return brief || busy ? left->last_ns : now_ns;
}

/* Our own data were due since the far side stopped to answer for them. */
static uint64_t waited_outbound(const struct connection *c, unsigned stream,
                                const struct carriers *left, uint64_t dsn, uint64_t now_ns)
{
	const struct data_stream *s = &c->stream[stream];
	const struct half *ours = half_of(left->subflow, stream);

	if (!s->has_ack || (int64_t)(dsn - s->ack) <= 0)
		return now_ns; /* all was acknowledged: nothing waited */
	return ours->unanswered_ns ? ours->unanswered_ns : left->last_ns;
}

static void leave(const struct courses *cs, struct connection *c, struct course *k, unsigned stream,
                  const struct carriers *left, const struct ledger_entry *e, uint64_t dsn,
                  bool inbound)
{
	uint64_t since_ns = inbound ? waited_inbound(cs, c, stream, left, e->ts_ns)
	                            : waited_outbound(c, stream, left, dsn, e->ts_ns);

	*k = (struct course){
		.stage = LEAVES,
		.before = (left->recent | UINT64_C(1) << left->wan) & ~(UINT64_C(1) << e->wan),
		.row = {.kind = INTERRUPTION_FAILOVER,
	                .direction = inbound ? DIR_DOWN : DIR_UP,
	                .wan = left->wan,
	                .to = e->wan,
	                .id = c->id,
	                .from_ns = since_ns < e->ts_ns ? since_ns : e->ts_ns,
	                .to_ns = e->ts_ns,
	                .last_ns = e->ts_ns,
	                .frame = {e->ts_ns, e->number, e->file}},
	};
}

/* ---- away ---- */

/* The WAN answers again: after an outage of its own, or, when only this connection missed it, now.
 */
static void hear(const struct hearing *hearing, struct ledger_interruption *row)
{
	uint64_t back_ns = hearing->back_ns[row->wan], last_ns = hearing->last_ns[row->wan];

	if (row->heard_ns)
		return;
	if (back_ns > row->to_ns)
		row->heard_ns = back_ns;
	else if (last_ns > row->to_ns)
		row->heard_ns = last_ns;
}

static void tell(struct courses *cs, struct course *k)
{
	k->row.open = k->row.back_ns == 0;
	ledger_interrupted(cs->ledger, &k->row);
	k->stage = STAYS;
}

/* Data pass again after a pause of all WANs. Our own end may have had nothing to send; the far end
 * is taken to have had more when its data had been flowing. */
static void stall(const struct courses *cs, const struct connection *c, struct course *k,
                  unsigned stream, const struct carriers *left, uint64_t dsn, bool inbound,
                  uint64_t now_ns)
{
	struct ledger_interruption *row = &k->row;
	const struct data_stream *s = &c->stream[stream];
	struct carriers other = carriers_of(cs, c, !stream, 0, LEDGER_WANS_MAX, now_ns);
	uint64_t from_ns = other.last_ns > left->last_ns ? other.last_ns : left->last_ns;
	uint64_t failback_ns = row->back_ns > row->heard_ns ? row->back_ns : row->heard_ns;

	if (!row->heard_ns || now_ns < from_ns + COURSE_STALL_NS ||
	    from_ns > failback_ns + COURSE_FAILBACK_NS ||
	    now_ns - from_ns <= interruption_stall_ns(row))
		return;
	if (inbound ? !was_busy(left->subflow) : !s->has_ack || (int64_t)(dsn - s->ack) <= 0)
		return;
	row->stall_from_ns = from_ns;
	row->stall_to_ns = now_ns;
}

void course_carry(struct courses *cs, struct connection *c, struct subflow *sf, unsigned dir,
                  const struct ledger_entry *e, const struct classification *result, bool inbound)
{
	unsigned stream = dir ^ sf->flip;
	struct course *k = c->course[stream];

	if (e->wan >= LEDGER_WANS_MAX || sf->home != e->wan || c->index == NO_INDEX)
		return; /* packets that left by another WAN's door say nothing of either */
	struct carriers left = carriers_of(cs, c, stream, k ? k->before : 0, e->wan, e->ts_ns);
	if (!left.subflow || left.last_ns > e->ts_ns)
		return;
	if (k && k->stage == AWAY) {
		hear(cs->hearing, &k->row);
		stall(cs, c, k, stream, &left, result->dsn, inbound, e->ts_ns);
		if (e->wan == k->row.wan && !k->row.back_ns)
			k->row.back_ns = e->ts_ns;
		if (!k->row.back_ns || left.wan != k->row.wan || e->wan == k->row.wan)
			return;
		tell(cs, k); /* it left again */
	}
	if (left.wan == e->wan || (k && k->stage == LEAVES))
		return;
	if (!k)
		k = c->course[stream] = malloc(sizeof(*k));
	if (k)
		leave(cs, c, k, stream, &left, e, result->dsn, inbound);
}

static void look_leaving(const struct courses *cs, const struct connection *c, struct course *k,
                         unsigned stream, uint64_t now_ns)
{
	struct carriers now = carriers_of(cs, c, stream, k->before, k->row.wan, now_ns);

	if (now.on_ns > k->row.to_ns)
		k->stage = STAYS; /* both are in use */
	else if (now_ns > k->row.to_ns + COURSE_PAUSE_NS)
		k->stage = k->silent ? AWAY : STAYS;
	if (k->stage == AWAY)
		cs->hearing->left_ns[k->row.wan] = now_ns;
}

static void look_away(struct courses *cs, const struct connection *c, struct course *k,
                      unsigned stream, uint64_t now_ns)
{
	struct ledger_interruption *row = &k->row;
	struct carriers now = carriers_of(cs, c, stream, k->before, row->wan, now_ns);

	hear(cs->hearing, row);
	if (now.beside_ns > row->last_ns)
		row->last_ns = now.beside_ns;
	if (now.on_ns > row->to_ns && !row->back_ns)
		row->back_ns = now.on_ns;
	if (row->back_ns && now_ns > row->back_ns + COURSE_SETTLED_NS &&
	    now_ns > row->last_ns + COURSE_SETTLED_NS && now.on_ns > row->last_ns &&
	    now_ns > row->back_ns + COURSE_FAILBACK_NS)
		tell(cs, k);
}

void course_look(struct courses *cs, struct connection *c, const struct ledger_circumstance *masks,
                 uint64_t now_ns)
{
	for (unsigned stream = 0; stream < 2; stream++) {
		struct course *k = c->course[stream];

		if (!k || k->stage == STAYS)
			continue;
		if (k->stage == LEAVES) {
			k->silent |= masks->silent >> k->row.wan & 1;
			look_leaving(cs, c, k, stream, now_ns);
		} else {
			look_away(cs, c, k, stream, now_ns);
		}
	}
}

/* ---- new connections ---- */

/* Without a frame: none was answered up to then. */
static void tell_opening(struct courses *cs, uint32_t wan, uint32_t to, uint64_t from_ns,
                         uint64_t to_ns, const struct evidence_frame *frame)
{
	ledger_interrupted(cs->ledger, &(struct ledger_interruption){
					       .kind = INTERRUPTION_OPENING,
					       .direction = DIR_UP,
					       .open = frame->file >= LEDGER_FILES_MAX,
					       .wan = wan,
					       .to = to,
					       .from_ns = from_ns,
					       .to_ns = to_ns,
					       .frame = *frame,
				       });
}

/* None opened elsewhere until the WAN answers one itself. */
static void opening_here(struct courses *cs, const struct ledger_entry *e)
{
	uint64_t since_ns = cs->opening_ns[e->wan], last_ns = cs->hearing->last_ns[e->wan];

	if (since_ns && e->ts_ns > since_ns + COURSE_PAUSE_NS &&
	    (cs->hearing->back_ns[e->wan] > since_ns || last_ns <= since_ns + COURSE_PAUSE_NS))
		tell_opening(cs, e->wan, e->wan, since_ns, e->ts_ns,
		             &(struct evidence_frame){e->ts_ns, e->number, e->file});
	cs->opening_ns[e->wan] = 0;
}

void course_opening(struct courses *cs, const struct ledger_entry *e, bool answer)
{
	if (e->wan >= LEDGER_WANS_MAX)
		return;
	if (!answer) {
		if (!cs->opening_ns[e->wan])
			cs->opening_ns[e->wan] = e->ts_ns;
		return;
	}
	opening_here(cs, e);
	for (uint32_t wan = 0; wan < cs->ledger->n_wans && wan < LEDGER_WANS_MAX; wan++) {
		uint64_t since_ns = cs->opening_ns[wan];

		if (!since_ns || e->ts_ns < since_ns + COURSE_PAUSE_NS)
			continue; /* its answer may be on its way */
		cs->opening_ns[wan] = 0;
		if (cs->hearing->last_ns[wan] > since_ns + COURSE_PAUSE_NS)
			continue; /* the WAN lives: the far end did not want to answer */
		tell_opening(cs, wan, e->wan, since_ns, e->ts_ns,
		             &(struct evidence_frame){e->ts_ns, e->number, e->file});
	}
}

/* ---- ends ---- */

void course_leave(struct connection *c, const struct subflow *sf)
{
	for (unsigned stream = 0; stream < 2; stream++) {
		struct course *k = c->course[stream];
		const struct half *h = half_of(sf, stream);

		if (!k || k->stage == STAYS || sf->home >= LEDGER_WANS_MAX)
			continue;
		k->row.ended |= h->data_fin != 0;
		if (!(k->before >> sf->home & 1) && h->carried_ns > k->row.last_ns)
			k->row.last_ns = h->carried_ns;
		if (sf->home == k->row.wan && h->carried_ns > k->row.to_ns && !k->row.back_ns)
			k->row.back_ns = h->carried_ns;
	}
}

void course_end(struct courses *cs, struct connection *c)
{
	for (unsigned stream = 0; stream < 2; stream++) {
		struct course *k = c->course[stream];

		if (k && k->stage == AWAY)
			hear(cs->hearing, &k->row);
		if (k && (k->stage == AWAY || (k->stage == LEAVES && k->silent)))
			tell(cs, k);
		free(k);
		c->course[stream] = NULL;
	}
}

static uint64_t end_of(const struct courses *cs)
{
	uint64_t end_ns = cs->end_ns;

	for (size_t i = 0; i < cs->ledger->n_wans; i++)
		if (cs->ledger->wans[i].last_ns > end_ns)
			end_ns = cs->ledger->wans[i].last_ns;
	return end_ns;
}

void course_finish(struct courses *cs)
{
	uint64_t end_ns = end_of(cs);

	for (uint32_t wan = 0; wan < cs->ledger->n_wans; wan++) {
		uint64_t since_ns = cs->opening_ns[wan];

		if (end_ns <= cs->hearing->last_ns[wan] ||
		    !health_tell_outage(cs->hearing, wan, end_ns, true))
			continue;
		if (since_ns && end_ns > since_ns + COURSE_PAUSE_NS)
			tell_opening(cs, wan, wan, since_ns, end_ns,
			             &(struct evidence_frame){.file = LEDGER_FILES_MAX});
	}
}

void course_drop(struct connection *c)
{
	for (unsigned stream = 0; stream < 2; stream++) {
		free(c->course[stream]);
		c->course[stream] = NULL;
	}
}

/* ---- state ---- */

enum { MARK_COURSES = 'O' };
enum { REF_NONE, REF_TIME };

static const struct state_field row_fields[] = {
	STATE_FIELD(ledger_interruption, direction, REF_NONE, DIR_COUNT - 1),
	STATE_FIELD(ledger_interruption, wan, REF_NONE, LEDGER_WANS_MAX - 1),
	STATE_FIELD(ledger_interruption, to, REF_NONE, LEDGER_WANS_MAX - 1),
	STATE_FIELD(ledger_interruption, id, REF_NONE, UINT64_MAX),
	STATE_FIELD(ledger_interruption, from_ns, REF_TIME, UINT64_MAX),
	STATE_FIELD(ledger_interruption, to_ns, REF_TIME, UINT64_MAX),
	STATE_FIELD(ledger_interruption, heard_ns, REF_TIME, UINT64_MAX),
	STATE_FIELD(ledger_interruption, back_ns, REF_TIME, UINT64_MAX),
	STATE_FIELD(ledger_interruption, last_ns, REF_TIME, UINT64_MAX),
	STATE_FIELD(ledger_interruption, stall_from_ns, REF_TIME, UINT64_MAX),
	STATE_FIELD(ledger_interruption, stall_to_ns, REF_TIME, UINT64_MAX),
	STATE_FIELD(ledger_interruption, frame.ts_ns, REF_TIME, UINT64_MAX),
	STATE_FIELD(ledger_interruption, frame.number, REF_NONE, UINT64_MAX),
	STATE_FIELD(ledger_interruption, frame.file, REF_NONE, UINT32_MAX),
};

static const uint16_t row_flags[] = {offsetof(struct ledger_interruption, ended)};

struct course_state {
	const struct courses *courses;
	struct state_out *out;
	struct state_in *in;
	uint64_t seen_ns;
	uint32_t (*number)(void *context, uint32_t file);
	void *context;
};

static void save_course(const struct course_state *s, const struct course *k)
{
	const uint64_t refs[] = {[REF_TIME] = s->seen_ns};

	/* what stays has nothing under way: its next departure begins anew */
	if (!k || k->stage == STAYS) {
		state_put(s->out, 0);
		return;
	}
	struct ledger_interruption row = k->row;
	row.frame.file = s->number(s->context, row.frame.file);
	state_put(s->out, (uint64_t)k->stage << 1 | k->silent);
	state_put(s->out, k->before);
	state_put_fields(s->out, &row, row_fields, STATE_ROWS(row_fields), refs);
	state_put_flags(s->out, &row, row_flags, STATE_ROWS(row_flags));
}

static bool row_fits(const struct course_state *s, const struct ledger_interruption *row)
{
	size_t n = s->courses->ledger->n_wans;

	return row->wan < n && row->to < n && row->from_ns <= row->to_ns &&
	       row->stall_from_ns <= row->stall_to_ns;
}

static struct course *load_course(const struct course_state *s)
{
	const uint64_t refs[] = {[REF_TIME] = s->seen_ns};
	uint64_t word = state_take(s->in, (uint64_t)AWAY << 1 | 1);
	struct course *k = word >> 1 ? calloc(1, sizeof(*k)) : NULL;

	if (!k) {
		if (word)
			state_refuse(s->in);
		return NULL;
	}
	k->stage = (enum stage)(word >> 1);
	k->silent = word & 1;
	k->before = state_take(s->in, UINT64_MAX);
	k->row.kind = INTERRUPTION_FAILOVER;
	state_take_fields(s->in, &k->row, row_fields, STATE_ROWS(row_fields), refs);
	state_take_flags(s->in, &k->row, row_flags, STATE_ROWS(row_flags));
	k->row.frame.file = s->number(s->context, k->row.frame.file);
	if (!row_fits(s, &k->row))
		state_refuse(s->in);
	return k;
}

static void save_connection(void *context, struct connection *c)
{
	save_course(context, c->course[0]);
	save_course(context, c->course[1]);
}

static void load_connection(void *context, struct connection *c)
{
	c->course[0] = load_course(context);
	c->course[1] = load_course(context);
}

void courses_save(const struct courses *cs, struct state_out *out, uint64_t seen_ns,
                  uint32_t (*number)(void *context, uint32_t file), void *context)
{
	struct course_state s = {cs, out, NULL, seen_ns, number, context};

	state_put_mark(out, MARK_COURSES);
	state_put_near(out, end_of(cs), seen_ns);
	for (size_t i = 0; i < cs->ledger->n_wans; i++)
		state_put_near(out, cs->opening_ns[i], seen_ns);
	track_walk_connections(cs->track, save_connection, &s);
}

void courses_load(struct courses *cs, struct state_in *in, uint64_t seen_ns,
                  uint32_t (*number)(void *context, uint32_t file), void *context)
{
	struct course_state s = {cs, NULL, in, seen_ns, number, context};

	state_take_mark(in, MARK_COURSES);
	cs->end_ns = state_take_near(in, seen_ns);
	for (size_t i = 0; i < cs->ledger->n_wans; i++)
		cs->opening_ns[i] = state_take_near(in, seen_ns);
	track_walk_connections(cs->track, load_connection, &s);
}
