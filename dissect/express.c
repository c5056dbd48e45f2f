/* SPDX-License-Identifier: MIT */
#include "express.h"

#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "connections.h"
#include "health.h"

enum {
	SEATS = 256,		/* directions of subflows at once; a clash gives the seat to the newer one */
	FRAME_MOST = 1600,	/* larger ones are super-frames and have a note to make */
	ETHERNET_HEADER = 14,
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_IPV6 = 0x86dd,
	PROTO_TCP = 6,
	OPTION_NOP = 1,
	OPTION_SACK = 5,
	OPTION_TIMESTAMPS = 8,
	OPTION_MPTCP = 30,
	DSS_LEAST = 4,
};

enum cargo { CARGO_PAYLOAD, CARGO_ACK, CARGOES };

/* One direction of a subflow on one WAN, found by the bytes of its headers. */
struct seat {
	uint64_t addr[4];	/* source and destination as they stand in memory; IPv4 uses [0] */
	uint32_t ports;		/* as they stand in memory */
	uint32_t wan;
	struct subflow *subflow;	/* NULL = free */
	struct connection *connection;	/* good while subflow.rides */
	struct half *h, *p;		/* this side's and the peer's */
	struct data_stream *own, *peers;
	struct flow_tally *tally;
	uint8_t family;
	uint8_t dir;
	uint8_t mark;
	bool looks;			/* the payload's run knew of other subflows */
	uint32_t now_ds;		/* while the payload's run lasts */
	struct ledger_run runs[CARGOES];
};

struct express {
	struct ledger *ledger;
	struct track *track;
	struct copies *copies;
	struct classifier *classifier;
	uint64_t seed;
	struct seat seats[SEATS];
};

/* What the short way reads of a frame. */
struct rider {
	const uint8_t *addrs;	/* 8 bytes in IPv4, 32 in IPv6 */
	const uint8_t *tcp;
	uint64_t times;		/* time stamp option, both halves */
	uint32_t ip_bytes;
	uint32_t payload_len;
	uint32_t seq, ack;
	uint16_t window;
	uint16_t ip_id;
	uint8_t ttl;
	uint8_t family;
	bool has_dss;
	struct dss dss;
};

/* ---- headers: only the commonest shape; anything else is refused ---- */

static inline bool read_link(const struct frame *f, const uint8_t **ip, uint32_t *left)
{
	if (f->linktype != LINK_ETHERNET || f->caplen < ETHERNET_HEADER + 40)
		return false;
	uint16_t type = be16(f->data + 12);
	if (type != ETHERTYPE_IPV4 && type != ETHERTYPE_IPV6)
		return false;
	*ip = f->data + ETHERNET_HEADER;
	*left = f->caplen - ETHERNET_HEADER;
	return (*ip)[0] >> 4 == (type == ETHERTYPE_IPV4 ? 4 : 6);
}

static inline bool read_ip(struct rider *r, const uint8_t *ip, uint32_t *left)
{
	uint32_t header;

	if (ip[0] == 0x45) {
		if (ip[9] != PROTO_TCP || be16(ip + 6) & 0x3fff)
			return false;
		header = 20;
		r->family = 4;
		r->ip_bytes = be16(ip + 2);
		r->ip_id = be16(ip + 4);
		r->ttl = ip[8];
		r->addrs = ip + 12;
	} else if (ip[0] >> 4 == 6) {
		if (ip[6] != PROTO_TCP || *left < 60)
			return false;
		header = 40;
		r->family = 6;
		r->ip_bytes = 40u + be16(ip + 4);
		r->ip_id = 0;
		r->ttl = 0;
		r->addrs = ip + 8;
	} else {
		return false;
	}
	if (r->ip_bytes < header + 20)
		return false;
	r->tcp = ip + header;
	*left -= header;
	return true;
}

/* Length of a DSS without checksum, by its flags A, a, M, m. */
static const uint8_t dss_sizes[16] = {4, 8, 4, 12, 14, 18, 14, 22, 4, 8, 4, 12, 18, 22, 18, 26};

static inline bool read_dss(struct dss *d, const uint8_t *at, uint32_t len)
{
	if (at[2] >> 4 != MP_DSS || at[3] & DSS_FIN || len != dss_sizes[at[3] & 0x0f])
		return false;
	d->flags = at[3];
	at += 4;
	if (d->flags & DSS_ACK) {
		bool wide = d->flags & DSS_ACK64;
		d->ack = wide ? be64(at) : be32(at);
		at += wide ? 8 : 4;
	}
	if (!(d->flags & DSS_MAP))
		return true;
	bool wide = d->flags & DSS_MAP64;
	d->dsn = wide ? be64(at) : be32(at);
	at += wide ? 8 : 4;
	d->ssn = be32(at);
	d->len = be16(at + 4);
	return true;
}

static bool read_any_options(struct rider *r, const uint8_t *at, const uint8_t *end)
{
	while (at < end) {
		if (*at == OPTION_NOP) {
			at++;
			continue;
		}
		if (*at == 0)
			return true;
		if (end - at < 2 || at[1] < 2 || at[1] > end - at)
			return false;
		if (*at == OPTION_TIMESTAMPS && at[1] == 10) {
			r->times = be64(at + 2);
		} else if (*at == OPTION_MPTCP) {
			if (r->has_dss || at[1] < DSS_LEAST || !read_dss(&r->dss, at, at[1]))
				return false;
			r->has_dss = true;
		} else if (*at != OPTION_SACK) {
			return false;
		}
		at += at[1];
	}
	return true;
}

/* What Linux writes: NOP, NOP, time stamps, DSS, NOPs up to the word. */
static inline bool read_options(struct rider *r, const uint8_t *at, uint32_t len)
{
	static const uint8_t times[4] = {OPTION_NOP, OPTION_NOP, OPTION_TIMESTAMPS, 10};

	r->has_dss = false;
	r->dss = (struct dss){0};
	r->times = 0;
	if (len < 16 || memcmp(at, times, 4) != 0 || at[12] != OPTION_MPTCP || at[13] < DSS_LEAST ||
	    (at[13] + 3u) / 4 * 4 != len - 12 || (at[13] % 4 == 2 && (at[len - 2] & at[len - 1]) != OPTION_NOP) ||
	    at[13] % 2)
		return read_any_options(r, at, at + len);
	r->times = be64(at + 4);
	r->has_dss = true;
	return read_dss(&r->dss, at + 12, at[13]);
}

static inline bool read_tcp(struct rider *r, uint32_t left)
{
	const uint8_t *h = r->tcp;
	uint32_t header = (uint32_t)(h[12] >> 4) * 4;
	uint32_t len = r->ip_bytes - (r->family == 4 ? 20u : 40u);

	if ((h[13] & (TCP_ACK | TCP_RST | TCP_SYN | TCP_FIN)) != TCP_ACK || header < 20 || header > left ||
	    header > len)
		return false;
	r->seq = be32(h + 4);
	r->ack = be32(h + 8);
	r->window = be16(h + 14);
	r->payload_len = len - header;
	return read_options(r, h + 20, header - 20);
}

/* ---- seats ---- */

static inline uint64_t load64(const uint8_t *at)
{
	uint64_t v;
	memcpy(&v, at, sizeof(v));
	return v;
}

static inline uint32_t load32(const uint8_t *at)
{
	uint32_t v;
	memcpy(&v, at, sizeof(v));
	return v;
}

static inline struct seat *seat_of(struct express *x, const uint8_t *addrs, uint8_t family, uint32_t ports)
{
	uint64_t h = load64(addrs) ^ x->seed;

	if (family == 6)
		h ^= load64(addrs + 8) ^ (load64(addrs + 24) << 1);
	h = (h ^ (uint64_t)ports << 20) * UINT64_C(0x9e3779b97f4a7c15);
	return &x->seats[h >> 56];
}

static inline bool seat_is(const struct seat *seat, const uint8_t *addrs, uint8_t family, uint32_t ports,
			   uint32_t wan)
{
	if (!seat->subflow || seat->ports != ports || seat->family != family || seat->wan != wan ||
	    seat->addr[0] != load64(addrs))
		return false;
	return family == 4 || (seat->addr[1] == load64(addrs + 8) && seat->addr[2] == load64(addrs + 16) &&
			       seat->addr[3] == load64(addrs + 24));
}

static void run_close(struct express *x, struct seat *seat, struct ledger_run *run)
{
	if (run->until_ns == 0)
		return;
	connections_count_run(seat->tally, run);
	if (run->key.kind == KIND_ACK)
		x->ledger->wans[run->key.wan].counters.ack_advanced_frames += run->sum.frames;
	else
		x->ledger->wans[run->key.wan].counters.header_bytes +=
			run->sum.ip_bytes - run->sum.payload_bytes;
	ledger_run_close(x->ledger, run);
}

static void seat_leave(struct express *x, struct seat *seat)
{
	if (!seat->subflow)
		return;
	for (unsigned i = 0; i < CARGOES; i++)
		run_close(x, seat, &seat->runs[i]);
	seat->subflow = NULL;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Frames of this cell may run from now on, if the ledger agrees, until anything changes that time changes:
 * the second, the age of DSNs, the look at the connection's other WANs. */
static bool run_open(struct express *x, struct seat *seat, struct ledger_run *run, const struct frame *f,
		     uint32_t file, bool carries)
{
	run_close(x, seat, run);
	enum direction direction = f->mark == MARK_NONE	 ? (enum direction)seat->tally->direction[seat->dir]
				   : f->mark == MARK_OUT ? DIR_UP
							 : DIR_DOWN;
	struct ledger_entry entry = {
		.wan = seat->wan,
		.ts_ns = f->ts_ns,
		.number = f->number,
		.file = file,
		.direction = (uint8_t)direction,
		.kind = carries ? KIND_PAYLOAD : KIND_ACK,
		.traffic = TRAFFIC_MPTCP,
		.shared = f->shared,
		.circumstance = carries ? seat->tally->circumstance : 0,
	};
	bool looks = carries && seat->connection->n_subflows > 1;
	if (direction == DIR_UNKNOWN || (looks && f->ts_ns >= seat->tally->circumstance_until_ns) ||
	    !ledger_run_open(x->ledger, &entry, run))
		return false;
	if (carries) {
		seat->looks = looks;
		seat->now_ds = classify_now_ds(x->classifier, f->ts_ns);
		run->until_ns = least(run->until_ns, classify_ds_end(x->classifier, f->ts_ns));
	}
	if (looks)
		run->until_ns = least(run->until_ns, seat->tally->circumstance_until_ns);
	return true;
}

static inline bool run_fits(const struct seat *seat, const struct ledger_run *run, const struct frame *f,
			    bool carries)
{
	return f->ts_ns < run->until_ns && f->ts_ns >= run->last_ns && run->key.shared == f->shared &&
	       (!carries || (run->key.circumstance == seat->tally->circumstance &&
			     seat->looks == (seat->connection->n_subflows > 1)));
}

/* ---- conditions: all of them before the first change ---- */

static bool half_waits(const struct half *h)
{
	return h->pending || h->zero_window || h->join_ack || h->fin_seen || h->data_fin_open ||
	       h->checksum.end || h->zero_probes || !h->spoke || !h->seen || !h->acked || !h->dss_seen ||
	       !h->isn_known;
}

static bool stream_waits(const struct data_stream *s)
{
	return s->ack_ahead_ns || !s->has_ack || !s->has_dsn || !s->wide;
}

/* Only the long way changes any of these, so they are asked there and kept in .rides. */
static bool subflow_rides(const struct subflow *sf)
{
	return sf->bound && sf->mptcp && !sf->fallback && sf->state == SUBFLOW_ESTABLISHED &&
	       !half_waits(&sf->half[0]) && !half_waits(&sf->half[1]);
}

static bool connection_rides(const struct connection *c)
{
	return !c->checksum && !stream_waits(&c->stream[0]) && !stream_waits(&c->stream[1]);
}

/* The bytes are the next of the subflow and of the connection, and lie under the mapping at hand or begin
 * a new one. A DSS that repeats the mapping says the same numbers. */
static inline bool payload_rides(const struct rider *r, const struct half *h, const struct data_stream *own,
				 bool *new_mapping)
{
	const struct mapping *m = &h->map;
	const struct dsnmap *map = &own->map;
	uint64_t inside = h->nxt - m->seq;

	if (h->bytes.last.end != h->nxt || map->n == 0 || map->extents[map->n - 1].end != own->dsn || m->raw ||
	    m->infinite)
		return false;
	*new_mapping = inside >= m->len;
	if (!r->has_dss || !(r->dss.flags & DSS_MAP))
		return !*new_mapping && inside + r->payload_len <= m->len && m->dsn + inside == own->dsn;
	uint32_t offset = *new_mapping ? 0 : (uint32_t)inside;
	return offset + r->payload_len <= r->dss.len && (*new_mapping || r->dss.len == m->len) &&
	       (uint32_t)h->isn + r->dss.ssn + offset == r->seq &&
	       (r->dss.flags & DSS_MAP64 ? r->dss.dsn + offset == own->dsn
					 : (uint32_t)r->dss.dsn + offset == (uint32_t)own->dsn);
}

/* ---- the changes that the long way would make ---- */

static inline void carry(struct express *x, struct seat *seat, const struct rider *r, bool new_mapping)
{
	struct half *h = seat->h;
	struct data_stream *own = seat->own;
	uint64_t dsn = own->dsn, len = r->payload_len;

	if (new_mapping)
		classify_keep_mapping(h, &(struct mapping){.seq = h->nxt, .dsn = dsn, .len = r->dss.len});
	dsnmap_carry(&own->map, x->classifier->budget, dsn, dsn + len, seat->subflow->slot, seat->now_ds);
	own->dsn += len;
	own->fresh += len;
	own->unique_bytes += len;
	classify_halve(own);
	h->bytes.last.end += len;
	h->nxt += len;
}

static inline void acknowledge(const struct seat *seat, const struct rider *r, uint64_t ack, uint64_t data_ack)
{
	struct half *h = seat->h;

	if (ack > h->ack)
		h->ack = ack;
	h->window = r->window;
	if (!(r->dss.flags & DSS_ACK))
		return;
	if ((int64_t)(data_ack - h->data_ack) > 0)
		h->data_ack = data_ack;
	if ((int64_t)(data_ack - seat->peers->ack) > 0) {
		seat->peers->ack = data_ack;
		seat->peers->ack_wide |= (r->dss.flags & DSS_ACK64) != 0;
	}
}

static inline void count(struct ledger_run *run, const struct frame *f, const struct rider *r)
{
	run->last_ns = f->ts_ns;
	run->sum.frames++;
	run->sum.l2_bytes += f->wire_len;
	run->sum.ip_bytes += r->ip_bytes;
	run->sum.payload_bytes += r->payload_len;
}

bool express_feed(struct express *x, const struct frame *f, uint32_t wan, uint32_t file)
{
	struct rider r;
	const uint8_t *ip;
	uint32_t left;

	if (f->wire_len > FRAME_MOST || f->backwards || !read_link(f, &ip, &left) || !read_ip(&r, ip, &left))
		return false;
	uint32_t ports = load32(r.tcp);
	struct seat *seat = seat_of(x, r.addrs, r.family, ports);
	if (!seat_is(seat, r.addrs, r.family, ports, wan) || seat->mark != f->mark || !seat->subflow->rides ||
	    !seat->connection->rides || !read_tcp(&r, left))
		return false;

	uint64_t ack = seq_unwrap(r.ack, seat->p->nxt), data_ack = 0;
	bool carries = r.payload_len > 0, advanced = ack > seat->h->ack, new_mapping = false;
	struct ledger_run *run = &seat->runs[carries ? CARGO_PAYLOAD : CARGO_ACK];

	if (r.seq != (uint32_t)seat->h->nxt || ack > seat->p->nxt || r.window == 0)
		return false;
	if (r.dss.flags & DSS_ACK) { /* of data that passed here */
		data_ack = r.dss.flags & DSS_ACK64 ? r.dss.ack
						   : seq_unwrap((uint32_t)r.dss.ack, seat->peers->dsn);
		if ((int64_t)(data_ack - seat->peers->dsn) > 1)
			return false;
	}
	if (carries ? !payload_rides(&r, seat->h, seat->own, &new_mapping)
		    : !advanced || r.dss.flags & DSS_MAP)
		return false;
	if (!run_fits(seat, run, f, carries) && !run_open(x, seat, run, f, file, carries))
		return false;

	if (carries)
		carry(x, seat, &r, new_mapping);
	acknowledge(seat, &r, ack, data_ack);
	health_pass(seat->subflow, seat->h, seat->p, carries, advanced, f->ts_ns,
		    run->key.direction == DIR_DOWN);
	if (r.ip_id)
		copies_keep(x->copies, &(struct copies_packet){
					       .ts_ns = f->ts_ns,
					       .flow_hash = seat->subflow->hash,
					       .times = r.times,
					       .seq = r.seq,
					       .ack = r.ack,
					       .ip_bytes = r.ip_bytes,
					       .file = f->file,
					       .wan = (uint16_t)wan,
					       .ip_id = r.ip_id,
					       .ttl = r.ttl,
					       .flags = r.tcp[13] & 0x1f,
				       });
	count(run, f, &r);
	return true;
}

void express_learn(struct express *x, const struct frame *f, const struct segment *s, uint32_t wan,
		   struct subflow *sf, struct flow_tally *tally, unsigned dir)
{
	struct connection *c = track_connection(x->track, sf);

	sf->rides = subflow_rides(sf);
	c->rides = connection_rides(c);
	if (!sf->rides || f->linktype != LINK_ETHERNET || !sf->in_use || sf->index == NO_INDEX)
		return;
	uint32_t ports = load32(s->transport);
	struct seat *seat = seat_of(x, s->src, s->family, ports);
	if (!seat_is(seat, s->src, s->family, ports, wan) || seat->subflow != sf || seat->tally != tally) {
		seat_leave(x, seat);
		*seat = (struct seat){.ports = ports, .wan = wan, .subflow = sf, .tally = tally};
		seat->family = s->family;
		memcpy(seat->addr, s->src, s->family == 4 ? 8 : 32);
		sf->seated = true;
	}
	seat->mark = f->mark;
	seat->dir = (uint8_t)dir;
	seat->connection = c;
	seat->h = &sf->half[dir];
	seat->p = &sf->half[!dir];
	seat->own = &c->stream[dir ^ sf->flip];
	seat->peers = &c->stream[!(dir ^ sf->flip)];
}

void express_flush(struct express *x, const struct subflow *sf)
{
	if (!sf->seated)
		return;
	for (unsigned i = 0; i < SEATS; i++)
		if (x->seats[i].subflow == sf)
			seat_leave(x, &x->seats[i]);
}

void express_flush_all(struct express *x)
{
	for (unsigned i = 0; i < SEATS; i++)
		seat_leave(x, &x->seats[i]);
}

struct express *express_new(struct ledger *ledger, struct track *track, struct copies *copies,
			    struct classifier *classifier, uint64_t seed)
{
	struct express *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->ledger = ledger;
	x->track = track;
	x->copies = copies;
	x->classifier = classifier;
	x->seed = seed;
	return x;
}

void express_free(struct express *x)
{
	free(x);
}
