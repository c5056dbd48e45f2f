/* SPDX-License-Identifier: MIT */
#include "express.h"

#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "connections.h"
#include "course.h"
#include "mapping.h"
#include "peers.h"

enum {
	SEATS = 512, /* one cargo of one direction of a subflow each; a clash gives it to the newer
	                one */
	FRAME_MOST = 1600, /* larger ones are super-frames and have a note to make */
	LANE = 16,
	LANES = 7, /* four from the front and three from the end of the headers, which may overlap
	            */
	FRONT = 4,
	HEADER_LEAST = FRONT * LANE,
	HEADER_MOST = LANES * LANE,
	CARGOES = 2, /* acks, payload: they sit side by side */
	RECENT = 2, /* data one way and acks the other: two seats take nearly all frames in a row */

	ETHERNET = 14,
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_IPV6 = 0x86dd,
	OPTION_EOL = 0,
	OPTION_NOP = 1,
	OPTION_TIMESTAMPS = 8,
	OPTION_MPTCP = 30,
};

typedef uint64_t lane __attribute__((vector_size(LANE)));

/* Headers of the frames of one seat are alike: `bytes` under `mask`. What differs stands at fixed
 * places. */
struct shape {
	lane bytes[LANES], mask[LANES];
	uint32_t header; /* length of all headers */
	uint8_t mark;
	bool shared;
	uint32_t wan;
	uint16_t ip_at, ip_more; /* where the IP length stands, and what it leaves out */
	uint16_t tcp_at;
	uint16_t times_at;       /* time stamps; 0 = none */
	uint16_t ack_at, dsn_at; /* DATA_ACK and mapping; 0 = none */
	bool ack_wide, dsn_wide;
};

/* Payload, or bare acks, of one direction of a subflow on one WAN. */
struct seat {
	struct shape shape;
	struct subflow *subflow;       /* NULL = free */
	struct connection *connection; /* good while subflow.rides, as are the next four */
	struct half *h, *p;            /* this side's and the peer's */
	struct data_stream *own, *peers;
	struct flow_tally *tally;
	uint8_t dir;
	bool carries;
	uint32_t n_wans; /* that the run knew of */
	uint32_t now_ds; /* while the run lasts */
	uint64_t run_ns; /* how long the run may last from its first frame on; 0 = none is open */
	struct ledger_run run;
};

struct express {
	struct ledger *ledger;
	struct track *track;
	struct copies *copies;
	struct classifier *classifier;
	struct hearing *hearing;
	uint64_t seed;
	struct seat *recent[RECENT];
	struct seat seats[SEATS];
};

/* What the short way reads of a frame. */
struct rider {
	uint32_t ip_bytes;
	uint32_t payload_len;
	uint32_t seq, ack;
	uint16_t window;
	uint16_t map_len;
	uint32_t ssn;
	uint64_t data_ack, dsn;
};

/* ---- shapes ---- */

/* All that a frame's envelope says besides times and lengths; frames that go back in time have no
 * seat. */
static inline bool nature_fits(const struct shape *shape, const struct frame *f)
{
	return f->linktype == LINK_ETHERNET && f->mark == shape->mark &&
	       f->shared == shape->shared && !f->backwards;
}

static void fix(struct shape *shape, const uint8_t *frame, uint32_t at, uint8_t mask)
{
	uint32_t place = at < HEADER_LEAST ? at : at + HEADER_MOST - shape->header;

	((uint8_t *)shape->bytes)[place] = frame[at] & mask;
	((uint8_t *)shape->mask)[place] = mask;
}

static void fix_range(struct shape *shape, const uint8_t *frame, uint32_t at, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		fix(shape, frame, at + i, 0xff);
}

static void fix_ipv4(struct shape *shape, const uint8_t *frame)
{
	fix(shape, frame, ETHERNET, 0xff);
	fix(shape, frame, ETHERNET + 6, 0x3f); /* fragment bits and offset, but for DF */
	fix(shape, frame, ETHERNET + 7, 0xff);
	fix(shape, frame, ETHERNET + 9, 0xff);
	fix_range(shape, frame, ETHERNET + 12, 8);
	shape->ip_at = ETHERNET + 2;
}

static void fix_ipv6(struct shape *shape, const uint8_t *frame)
{
	fix(shape, frame, ETHERNET, 0xf0);
	fix(shape, frame, ETHERNET + 6, 0xff);
	fix_range(shape, frame, ETHERNET + 8, 32);
	shape->ip_at = ETHERNET + 4;
	shape->ip_more = 40;
}

/* A DSS without DATA_FIN and checksum: where its numbers stand. */
static bool fix_dss(struct shape *shape, const uint8_t *frame, uint32_t at)
{
	uint8_t flags = frame[at + 3];
	uint32_t end = at + 4;

	if (frame[at + 2] >> 4 != MP_DSS || flags & DSS_FIN || shape->ack_at || shape->dsn_at)
		return false;
	shape->ack_wide = flags & DSS_ACK64;
	shape->dsn_wide = flags & DSS_MAP64;
	if (flags & DSS_ACK) {
		shape->ack_at = (uint16_t)end;
		end += shape->ack_wide ? 8 : 4;
	}
	if (flags & DSS_MAP) {
		shape->dsn_at = (uint16_t)end;
		end += shape->dsn_wide ? 14 : 10;
	}
	fix_range(shape, frame, at, 2);
	fix(shape, frame, at + 2, 0xf0);
	fix(shape, frame, at + 3, 0x1f);
	return frame[at + 1] == end - at;
}

static bool fix_options(struct shape *shape, const uint8_t *frame)
{
	uint32_t at = shape->tcp_at + 20u;

	while (at < shape->header) {
		uint8_t kind = frame[at], len = kind <= OPTION_NOP ? 1 : frame[at + 1];
		if (kind == OPTION_EOL || len == 0 || len > shape->header - at)
			return false;
		if (kind == OPTION_TIMESTAMPS && len == 10 && !shape->times_at) {
			shape->times_at = (uint16_t)(at + 2);
			fix_range(shape, frame, at, 2);
		} else if (kind == OPTION_NOP) {
			fix(shape, frame, at, 0xff);
		} else if (kind != OPTION_MPTCP || len < 4 || !fix_dss(shape, frame, at)) {
			return false;
		}
		at += len;
	}
	return true;
}

/* The shape of this frame, when it has one: Ethernet, IP without options, TCP with time stamps and
 * DSS at most. */
static bool shape_make(struct shape *shape, const struct frame *f, const struct segment *s,
                       uint32_t wan)
{
	const uint8_t *ip = f->data + ETHERNET;
	uint32_t ip_header = s->family == 4 ? 20 : 40;

	*shape = (struct shape){.mark = f->mark, .shared = f->shared, .wan = wan};
	if (f->linktype != LINK_ETHERNET || f->backwards || s->transport != ip + ip_header ||
	    s->options_cut || s->options_len % 4 ||
	    (s->flags & (TCP_ACK | TCP_RST | TCP_SYN | TCP_FIN)) != TCP_ACK)
		return false;
	shape->tcp_at = (uint16_t)(ETHERNET + ip_header);
	shape->header = shape->tcp_at + 20u + s->options_len;
	if (shape->header < HEADER_LEAST || shape->header > HEADER_MOST)
		return false;
	fix_range(shape, f->data, 12, 2);
	if (s->family == 4)
		fix_ipv4(shape, f->data);
	else
		fix_ipv6(shape, f->data);
	fix_range(shape, f->data, shape->tcp_at, 4);
	fix(shape, f->data, shape->tcp_at + 12u, 0xf0);
	fix(shape, f->data, shape->tcp_at + 13u, TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK);
	return fix_options(shape, f->data);
}

static inline lane lane_differs(const struct shape *shape, unsigned i, const uint8_t *at)
{
	lane l;
	memcpy(&l, at, sizeof(l));
	return (l ^ shape->bytes[i]) & shape->mask[i];
}

static inline bool shape_fits(const struct shape *shape, const struct frame *f, uint32_t wan)
{
	if (f->caplen < shape->header || wan != shape->wan || !nature_fits(shape, f))
		return false;
	const uint8_t *front = f->data, *end = f->data + shape->header;
	lane differ = lane_differs(shape, 0, front) | lane_differs(shape, 1, front + LANE) |
	              lane_differs(shape, 2, front + 2 * LANE) |
	              lane_differs(shape, 3, front + 3 * LANE) |
	              lane_differs(shape, 4, end - 3 * LANE) |
	              lane_differs(shape, 5, end - 2 * LANE) | lane_differs(shape, 6, end - LANE);
	return (differ[0] | differ[1]) == 0;
}

/* ---- seats ---- */

static uint64_t load64(const uint8_t *at)
{
	uint64_t v;
	memcpy(&v, at, sizeof(v));
	return v;
}

/* Where frames with these addresses and ports sit: acks on even seats, payload beside them. */
static struct seat *seats_of(struct express *x, const uint8_t *addrs, unsigned family,
                             const uint8_t *ports)
{
	uint64_t h = load64(addrs) ^ x->seed;
	uint32_t p;

	memcpy(&p, ports, sizeof(p));
	if (family == 6)
		h ^= load64(addrs + 8) ^ (load64(addrs + 24) << 1);
	/* the highest bits: each bit of a product depends only on those below it */
	h = (h ^ (uint64_t)p << 20) * UINT64_C(0x9e3779b97f4a7c15);
	return &x->seats[(h >> 56) % (SEATS / CARGOES) * CARGOES];
}

static inline bool seat_takes(const struct seat *seat, const struct frame *f, uint32_t wan)
{
	return seat && seat->subflow && shape_fits(&seat->shape, f, wan);
}

/* Frames of the commonest headers only; what has others has no seat. */
static __attribute__((noinline)) struct seat *seat_search(struct express *x, const struct frame *f,
                                                          uint32_t wan)
{
	const uint8_t *ip = f->data + ETHERNET;
	struct seat *pair;

	if (f->linktype != LINK_ETHERNET || f->caplen < ETHERNET + 60)
		return NULL;
	uint16_t type = be16(f->data + 12);
	if (type == ETHERTYPE_IPV4)
		pair = seats_of(x, ip + 12, 4, ip + 20);
	else if (type == ETHERTYPE_IPV6)
		pair = seats_of(x, ip + 8, 6, ip + 40);
	else
		return NULL;
	for (unsigned i = 0; i < CARGOES; i++)
		if (seat_takes(&pair[i], f, wan))
			return &pair[i];
	return NULL;
}

static inline struct seat *seat_find(struct express *x, const struct frame *f, uint32_t wan)
{
	if (seat_takes(x->recent[0], f, wan))
		return x->recent[0];
	struct seat *seat =
		seat_takes(x->recent[1], f, wan) ? x->recent[1] : seat_search(x, f, wan);
	if (seat) {
		x->recent[1] = x->recent[0];
		x->recent[0] = seat;
	}
	return seat;
}

/* ---- runs ---- */

static void run_close(struct express *x, struct seat *seat)
{
	struct ledger_run *run = &seat->run;

	if (seat->run_ns == 0)
		return;
	struct ledger_counters *n = &x->ledger->wans[run->key.wan].counters;
	connections_count_run(seat->tally, run);
	peers_count_run(x->ledger, seat->subflow, seat->tally, run);
	if (seat->carries)
		n->header_bytes += run->sum.ip_bytes - run->sum.payload_bytes;
	else
		n->ack_advanced_frames += run->sum.frames;
	ledger_run_close(x->ledger, run);
	seat->run_ns = 0;
}

static void seat_leave(struct express *x, struct seat *seat)
{
	if (!seat->subflow)
		return;
	run_close(x, seat);
	seat->subflow = NULL;
}

static enum direction direction_of(const struct seat *seat, const struct frame *f)
{
	if (f->mark == MARK_NONE)
		return (enum direction)seat->tally->direction[seat->dir];
	return f->mark == MARK_OUT ? DIR_UP : DIR_DOWN;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Frames of this seat may run from now on, if the ledger agrees, until anything changes that time
 * changes: the second, the age of DSNs, the loss window, the look at the connection's other WANs.
 */
static __attribute__((noinline)) bool run_open(struct express *x, struct seat *seat,
                                               const struct frame *f, uint32_t file)
{
	const struct flow_tally *tally = seat->tally;

	/* news for course.h; no run lasts that long, so its other frames need not be asked */
	if (seat->carries && f->ts_ns - seat->h->carried_ns > COURSE_PAUSE_NS)
		return false;
	run_close(x, seat);
	if (seat->carries)
		health_window_move(seat->h, f->ts_ns);
	struct ledger_entry entry = {
		.wan = seat->shape.wan,
		.ts_ns = f->ts_ns,
		.number = f->number,
		.file = file,
		.direction = (uint8_t)direction_of(seat, f),
		.kind = seat->carries ? KIND_PAYLOAD : KIND_ACK,
		.traffic = TRAFFIC_MPTCP,
		.app = seat->subflow->app,
		.shared = f->shared,
		.circumstance = seat->carries ? tally->circumstance : 0,
	};
	seat->n_wans = (uint32_t)x->ledger->n_wans;
	if (entry.direction == DIR_UNKNOWN ||
	    (seat->carries && seat->n_wans > 1 && f->ts_ns >= tally->circumstance_until_ns) ||
	    !ledger_run_open(x->ledger, &entry, &seat->run))
		return false;
	uint64_t until = seat->run.until_ns;
	if (seat->carries) {
		seat->now_ds = classify_now_ds(x->classifier, f->ts_ns);
		until = least(until, classify_ds_end(x->classifier, f->ts_ns));
		until = least(until, health_window_end(seat->h));
		if (seat->n_wans > 1)
			until = least(until, tally->circumstance_until_ns);
	}
	if (until <= f->ts_ns)
		return false;
	seat->run_ns = until - f->ts_ns;
	return true;
}

/* Still its time, and the connection's other WANs are as they were. */
static inline bool run_fits(const struct express *x, const struct seat *seat, const struct frame *f)
{
	return f->ts_ns - seat->run.first_ns < seat->run_ns &&
	       (!seat->carries || (seat->run.key.circumstance == seat->tally->circumstance &&
	                           seat->n_wans == x->ledger->n_wans));
}

/* ---- conditions: all of them before the first change ---- */

static bool half_waits(const struct half *h)
{
	return h->pending || h->zero_window || h->join_ack || h->fin_seen || h->data_fin_open ||
	       h->checksum.end || h->zero_probes || !h->spoke || !h->seen || !h->acked ||
	       !h->dss_seen || !h->isn_known || h->map.raw || h->map.infinite;
}

static bool stream_waits(const struct data_stream *s)
{
	return s->ack_ahead_ns || !s->has_ack || !s->has_dsn || !s->wide;
}

/* Only the long way changes any of these, so they are asked there and kept in .rides. */
static bool subflow_rides(const struct subflow *sf)
{
	return sf->bound && sf->mptcp && !sf->fallback && !sf->woken &&
	       sf->state == SUBFLOW_ESTABLISHED && !half_waits(&sf->half[0]) &&
	       !half_waits(&sf->half[1]);
}

static bool connection_rides(const struct connection *c)
{
	return !c->checksum && !stream_waits(&c->stream[0]) && !stream_waits(&c->stream[1]);
}

static inline uint64_t number_at(const uint8_t *at, bool wide)
{
	return wide ? be64(at) : be32(at);
}

static inline void read_frame(struct rider *r, const struct seat *seat, const struct frame *f)
{
	const struct shape *shape = &seat->shape;
	const uint8_t *tcp = f->data + shape->tcp_at;

	r->ip_bytes = (uint32_t)be16(f->data + shape->ip_at) + shape->ip_more;
	r->payload_len = r->ip_bytes - (shape->header - ETHERNET);
	r->seq = be32(tcp + 4);
	r->ack = be32(tcp + 8);
	r->window = be16(tcp + 14);
	r->data_ack = seat->peers->ack;
	if (shape->ack_at) {
		r->data_ack = number_at(f->data + shape->ack_at, shape->ack_wide);
		if (!shape->ack_wide)
			r->data_ack = seq_unwrap((uint32_t)r->data_ack, seat->peers->dsn);
	}
}

/* The bytes are the next of the subflow and of the connection, and lie under the mapping at hand or
 * begin a new one. A DSS that repeats the mapping says the same numbers. */
static inline bool payload_rides(struct rider *r, const struct seat *seat, const struct frame *f,
                                 bool *new_mapping)
{
	const struct shape *shape = &seat->shape;
	const struct half *h = seat->h;
	const struct mapping *m = &h->map;
	uint64_t inside = h->nxt - m->seq, next = seat->own->dsn;

	if (h->bytes.last.end != h->nxt || !dsnmap_ends_at(&seat->own->map, next) ||
	    track_crosses(next, r->payload_len))
		return false;
	*new_mapping = inside >= m->len;
	if (!shape->dsn_at)
		return !*new_mapping && inside + r->payload_len <= m->len &&
		       m->dsn + inside == next;
	const uint8_t *at = f->data + shape->dsn_at;
	uint64_t dsn = number_at(at, shape->dsn_wide);
	at += shape->dsn_wide ? 8 : 4;
	uint32_t ssn = be32(at), offset = *new_mapping ? 0 : (uint32_t)inside;
	r->map_len = be16(at + 4);
	return offset + r->payload_len <= r->map_len && (*new_mapping || r->map_len == m->len) &&
	       (uint32_t)h->isn + ssn + offset == r->seq &&
	       (shape->dsn_wide ? dsn + offset == next : (uint32_t)dsn + offset == (uint32_t)next);
}

/* ---- the changes that the long way would make ---- */

static inline void carry(struct express *x, struct seat *seat, const struct rider *r,
                         bool new_mapping)
{
	struct half *h = seat->h;
	struct data_stream *own = seat->own;
	uint64_t dsn = own->dsn, len = r->payload_len;

	if (new_mapping)
		mapping_keep(h, &(struct mapping){.seq = h->nxt, .dsn = dsn, .len = r->map_len});
	dsnmap_append(&own->map, x->classifier->budget, len, seat->subflow->slot, seat->now_ds);
	own->dsn = dsn + len;
	own->fresh += len;
	own->unique_bytes += len;
	classify_halve(own);
	h->nxt += len;
	h->bytes.last.end = h->nxt;
}

static inline void acknowledge(const struct seat *seat, const struct rider *r, uint64_t ack)
{
	struct half *h = seat->h;

	if (ack > h->ack)
		h->ack = ack;
	h->window = r->window;
	if (!seat->shape.ack_at)
		return;
	if ((int64_t)(r->data_ack - h->data_ack) > 0)
		h->data_ack = r->data_ack;
	if ((int64_t)(r->data_ack - seat->peers->ack) > 0) {
		seat->peers->ack = r->data_ack;
		seat->peers->ack_wide |= seat->shape.ack_wide;
	}
}

static inline void remember(struct express *x, const struct seat *seat, const struct frame *f,
                            const struct rider *r, uint32_t file)
{
	const struct shape *shape = &seat->shape;
	const uint8_t *ip = f->data + ETHERNET;
	uint16_t ip_id = shape->ip_more ? 0 : be16(ip + 4);

	if (ip_id == 0)
		return;
	copies_keep(x->copies,
	            (struct copies_packet){
			    .ts_ns = f->ts_ns,
			    .flow_hash = seat->subflow->hash,
			    .times = shape->times_at ? be64(f->data + shape->times_at) : 0,
			    .seq = r->seq,
			    .ack = r->ack,
			    .ip_bytes = r->ip_bytes,
			    .file = file,
			    .wan = (uint16_t)shape->wan,
			    .ip_id = ip_id,
			    .ttl = ip[8],
			    .flags = f->data[shape->tcp_at + 13] & 0x1f,
		    });
}

static inline void count(struct ledger_run *run, const struct frame *f, const struct rider *r)
{
	if (f->ts_ns > run->last_ns)
		run->last_ns = f->ts_ns;
	run->sum.frames++;
	run->sum.l2_bytes += f->wire_len;
	run->sum.ip_bytes += r->ip_bytes;
	run->sum.payload_bytes += r->payload_len;
}

bool express_feed(struct express *x, const struct frame *f, uint32_t wan, uint32_t file)
{
	struct seat *seat = seat_find(x, f, wan);
	struct rider r;

	if (!seat || f->wire_len > FRAME_MOST || !seat->subflow->rides || !seat->connection->rides)
		return false;
	read_frame(&r, seat, f);
	uint64_t ack = seq_unwrap(r.ack, seat->p->nxt);
	bool advanced = ack > seat->h->ack, new_mapping = false;

	/* in order, acknowledging what passed here; a payload_len below 0 is a length that lies */
	if (r.seq != (uint32_t)seat->h->nxt || ack > seat->p->nxt || r.window == 0 ||
	    (int64_t)(r.data_ack - seat->peers->dsn) > 1 || r.payload_len > FRAME_MOST)
		return false;
	if (seat->carries ? r.payload_len == 0 || !payload_rides(&r, seat, f, &new_mapping)
	                  : r.payload_len != 0 || !advanced || seat->shape.dsn_at)
		return false;
	if (!run_fits(x, seat, f) && !run_open(x, seat, f, file))
		return false;

	if (seat->carries)
		carry(x, seat, &r, new_mapping);
	acknowledge(seat, &r, ack);
	bool inbound = seat->run.key.direction == DIR_DOWN;
	health_pass(seat->subflow, seat->h, seat->p, seat->carries, advanced, f->ts_ns, inbound);
	if (inbound)
		health_hear(x->hearing, wan, f->ts_ns);
	remember(x, seat, f, &r, file);
	count(&seat->run, f, &r);
	return true;
}

/* ---- from the long way ---- */

void express_learn(struct express *x, const struct frame *f, const struct segment *s, uint32_t wan,
                   struct subflow *sf, struct flow_tally *tally, unsigned dir)
{
	struct connection *c = track_connection(x->track, sf);
	bool carries = s->payload_len > 0;
	struct shape shape;

	sf->rides = subflow_rides(sf);
	c->rides = connection_rides(c);
	if (!sf->rides || !sf->in_use || sf->index == NO_INDEX || !shape_make(&shape, f, s, wan))
		return;
	struct seat *seat = &seats_of(x, s->src, s->family, s->transport)[carries];
	if (seat->subflow != sf || seat->tally != tally ||
	    memcmp(&seat->shape, &shape, sizeof(shape)) != 0) {
		seat_leave(x, seat);
		*seat = (struct seat){.subflow = sf, .tally = tally, .carries = carries};
		memcpy(&seat->shape, &shape, sizeof(shape));
		sf->seats[dir] = (uint16_t)(seat - carries - x->seats + 1);
	}
	seat->dir = (uint8_t)dir;
	seat->connection = c;
	seat->h = &sf->half[dir];
	seat->p = &sf->half[!dir];
	seat->own = &c->stream[dir ^ sf->flip];
	seat->peers = &c->stream[!(dir ^ sf->flip)];
}

void express_flush(struct express *x, const struct subflow *sf)
{
	for (unsigned dir = 0; dir < 2; dir++)
		for (unsigned i = 0; sf->seats[dir] && i < CARGOES; i++) {
			struct seat *seat = &x->seats[sf->seats[dir] - 1u + i];
			if (seat->subflow == sf)
				seat_leave(x, seat);
		}
}

struct express *express_new(struct ledger *ledger, struct track *track, struct copies *copies,
                            struct classifier *classifier, struct hearing *hearing, uint64_t seed)
{
	struct express *x = aligned_alloc(_Alignof(struct express), sizeof(*x));

	if (!x)
		return NULL;
	memset(x, 0, sizeof(*x));
	x->ledger = ledger;
	x->track = track;
	x->copies = copies;
	x->classifier = classifier;
	x->hearing = hearing;
	x->seed = seed;
	return x;
}

void express_free(struct express *x)
{
	free(x);
}
