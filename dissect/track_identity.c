/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "digest.h"
#include "track_inside.h"

uint64_t track_dsn(const struct data_stream *s, uint64_t number, bool wide)
{
	if (wide)
		return number;
	if (s->has_dsn)
		return seq_unwrap((uint32_t)number, s->dsn);
	return s->has_ack ? seq_unwrap((uint32_t)number, s->ack) : number;
}

static void confide(struct connection *c, struct subflow *sf, enum confidence confidence)
{
	sf->confidence = (uint8_t)confidence;
	sf->bound = true;
	if (confidence < c->confidence)
		c->confidence = (uint8_t)confidence;
}

/* The key of one side gives its token and the start of its data. */
static void learn_key(struct track *t, struct connection *c, unsigned side, const uint8_t key[8])
{
	struct data_stream *s = &c->stream[side];

	if (c->has_key[side])
		return;
	memcpy(c->key[side], key, 8);
	c->has_key[side] = true;
	track_token_add(t, c, side, digest_token(c->version, key));
	uint64_t first = digest_idsn(c->version, key) + 1;
	if (!s->has_dsn) {
		s->dsn = first;
		s->has_dsn = s->wide = true;
	} else if (!s->wide) {
		/* what was seen so far had only its lower half: the map moves up */
		uint64_t lift = seq_unwrap((uint32_t)s->dsn, first) - s->dsn;
		dsnmap_lift(&s->map, &t->budget, lift);
		s->dsn += lift;
		if (s->has_ack)
			s->ack = seq_unwrap((uint32_t)s->ack, s->dsn);
		s->wide = true;
	}
	track_near_update(t, c, side);
}

static void stream_unite(struct track *t, struct data_stream *into, const struct data_stream *from,
                         const uint8_t slot_of_old[DSN_SLOTS])
{
	for (uint32_t i = 0; i < from->map.n; i++) {
		const struct dsn_extent *e = &from->map.extents[i];
		uint64_t start = from->wide ? e->start : track_dsn(into, e->start, false);
		for (unsigned slot = 0; slot < DSN_SLOTS; slot++)
			if (e->carriers & 1u << slot)
				dsnmap_carry(&into->map, &t->budget, start,
				             start + (e->end - e->start), slot_of_old[slot],
				             e->first_ds);
	}
	if (from->has_dsn) {
		uint64_t at = from->wide ? from->dsn : track_dsn(into, from->dsn, false);
		if (!into->has_dsn || (int64_t)(at - into->dsn) > 0)
			into->dsn = at;
		into->wide |= from->wide;
		into->has_dsn = true;
	}
	if (from->has_ack && !into->has_ack) {
		into->ack = from->ack_wide ? from->ack : track_dsn(into, from->ack, false);
		into->ack_wide = from->ack_wide;
		into->has_ack = true;
	}
	into->fresh += from->fresh;
	into->copies += from->copies;
	into->unique_bytes += from->unique_bytes;
}

/* `gone` is the same connection as `c`: move all it has. `flip`: its opener is c's accepter. */
static void connection_unite(struct track *t, struct connection *c, struct connection *gone,
                             bool flip)
{
	uint8_t slots[DSN_SLOTS];

	memset(slots, TRACK_SOMEBODY, sizeof(slots));
	while (gone->subflows != NO_INDEX) {
		struct subflow *sf = track_at(t, gone->subflows);
		unsigned old = sf->slot;
		gone->subflows = sf->next;
		track_adopt(t, c, sf);
		sf->flip ^= flip;
		sf->rides = false;
		slots[old] = sf->slot;
	}
	for (unsigned d = 0; d < 2; d++) {
		unsigned to = flip ? !d : d;
		stream_unite(t, &c->stream[to], &gone->stream[d], slots);
		if (gone->has_token[d] && !c->has_token[to])
			track_token_add(t, c, to, gone->token[d]);
		if (gone->has_key[d])
			learn_key(t, c, to, gone->key[d]);
		track_near_update(t, c, to);
	}
	if (c->version < 0)
		c->version = gone->version;
	if (gone->confidence < c->confidence)
		c->confidence = gone->confidence;
	c->fallback |= gone->fallback;
	gone->n_subflows = 0;
	if (gone->has_row || gone->course[0] || gone->course[1]) /* subflows that left before: their
	                      rows must not wait for the next one of this index */
		t->sink.leave_connection(t->sink.context, gone);
	track_free_connection(t, gone);
}

/* Join the subflow to `c`, taking along whatever connection of its own it had. */
static struct connection *move_to(struct track *t, struct connection *c, struct subflow *sf,
                                  bool flip)
{
	struct connection *own = track_connection(t, sf);

	if (own == c || c->index == NO_INDEX || own->index == NO_INDEX)
		return own;
	connection_unite(t, c, own, flip);
	return c;
}

/* A connection that was only known by this token (joins came first) is this one. */
static void adopt_by_token(struct track *t, struct connection *c, unsigned side, uint32_t token,
                           uint64_t ts_ns, struct track_identity *identity)
{
	unsigned other_side;
	struct connection *partial = track_token_find(t, token, &other_side);

	if (!partial || partial == c || partial->has_key[0] || partial->has_key[1])
		return;
	identity->united = true;
	if (ts_ns > partial->first_ns)
		identity->skew_ns = ts_ns - partial->first_ns;
	for (uint32_t i = partial->subflows; i != NO_INDEX; i = track_at(t, i)->next)
		track_at(t, i)->confidence = CONF_KEY;
	connection_unite(t, c, partial, side != other_side);
}

static void take_key(struct track *t, struct connection *c, unsigned side, const uint8_t *key,
                     uint64_t ts_ns, struct track_identity *identity)
{
	if (c->has_key[side])
		return;
	adopt_by_token(t, c, side, digest_token(c->version, key), ts_ns, identity);
	learn_key(t, c, side, key);
}

static void identify_capable(struct track *t, struct subflow *sf, unsigned dir,
                             const struct segment *s, const struct options *o, uint64_t ts_ns,
                             struct track_identity *identity)
{
	const struct mp_capable *m = &o->capable;
	struct connection *c = track_connection(t, sf);

	if (sf->join || c->fallback)
		return;
	bool answer = (s->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK);
	if (s->flags & TCP_SYN && !answer) {
		c->version = (int8_t)m->version;
		sf->offered = sf->initial = true;
	} else if (answer) {
		sf->initial = true;
		if (c->version >= 0 && c->version != m->version)
			return; /* a version was offered and another chosen: classify says fallback
			         */
		c->version = (int8_t)m->version;
	} else if (c->version < 0) {
		c->version = (int8_t)m->version;
		sf->initial = true;
	}
	if (c->version > 1)
		return;
	c->opener_known |= sf->opener_known;
	c->checksum |= (m->flags & 0x80) != 0;
	if (m->keys > 0)
		take_key(t, c, dir, m->key[0], ts_ns, identity);
	if (m->keys > 1)
		take_key(t, c, !dir, m->key[1], ts_ns, identity);
	confide(c, sf, CONF_KEY);
}

static void identify_join(struct track *t, struct subflow *sf, unsigned dir,
                          const struct segment *s, const struct options *o, uint64_t ts_ns)
{
	const struct mp_join *j = &o->join;

	sf->join = true;
	if (j->len == 12 && (s->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN) {
		sf->offered = true;
		if (sf->nonce_known[dir])
			return; /* the same SYN again */
		sf->nonce[dir] = j->nonce;
		sf->nonce_known[dir] = true;
		unsigned side;
		struct connection *c = track_token_find(t, j->token, &side);
		if (c && c->index != NO_INDEX) {
			c = move_to(t, c, sf, side == 0);
			confide(c, sf, c->has_key[side] ? CONF_KEY : CONF_TOKEN);
		} else {
			c = track_connection(t, sf);
			if (c->index != NO_INDEX)
				track_token_add(t, c, 1, j->token);
			confide(c, sf, CONF_TOKEN);
			sf->bound = false; /* its first mapping may yet tell which one it is */
		}
		c->opener_known |= sf->opener_known;
		if (ts_ns < c->first_ns)
			c->first_ns = ts_ns;
	} else if (j->len == 16) {
		sf->nonce[dir] = j->nonce;
		sf->nonce_known[dir] = true;
	}
}

/* Does anything in this segment place the streams? Then move their positions. Returns false when
 * not. */
static bool place_streams(struct connection *c, const struct subflow *sf, unsigned dir,
                          const struct options *o)
{
	const struct dss *d = &o->dss;
	struct data_stream *own = &c->stream[dir ^ sf->flip], *peer = &c->stream[!(dir ^ sf->flip)];
	bool placed = false;

	if (d->has & DSS_HAS_DSN) {
		uint64_t at = track_dsn(own, d->dsn, d->flags & DSS_MAP64);
		if (!own->has_dsn || (int64_t)(at - own->dsn) > 0)
			own->dsn = at;
		own->wide |= (d->flags & DSS_MAP64) != 0;
		own->has_dsn = placed = true;
	}
	if (d->has & DSS_HAS_ACK) {
		uint64_t at = track_dsn(peer, d->ack, d->flags & DSS_ACK64);
		if (!peer->has_ack || (int64_t)(at - peer->ack) > 0)
			peer->ack = at;
		peer->ack_wide |= (d->flags & DSS_ACK64) != 0;
		peer->has_ack = true;
		placed |= (d->flags & DSS_ACK64) != 0;
	}
	return placed;
}

/* Rule 4: no handshake was seen. The streams' positions tell, or a new connection begins. */
static void identify_dss(struct track *t, struct subflow *sf, unsigned dir, const struct options *o,
                         struct track_identity *identity)
{
	struct connection *c = track_connection(t, sf);

	if (c->index == NO_INDEX)
		return;
	bool placed = place_streams(c, sf, dir, o);
	struct connection *other = track_near_find(t, c);
	if (other && !(sf->join && other->has_key[0] && other->has_key[1])) {
		enum confidence confidence = sf->join ? CONF_TOKEN : CONF_DSN;
		/* the older one keeps its name */
		if (other->n_subflows == 1 && c->first_ns < other->first_ns) {
			connection_unite(t, c, other, false);
		} else {
			connection_unite(t, other, c, false);
			c = other;
		}
		identity->united = true;
		confide(c, sf, confidence);
	} else if (placed) {
		confide(c, sf, sf->join ? CONF_TOKEN : CONF_DSN);
		track_near_update(t, c, 0);
		track_near_update(t, c, 1);
	}
}

static void identify_fastclose(struct track *t, struct subflow *sf, unsigned dir,
                               const struct options *o)
{
	struct connection *c = track_connection(t, sf);

	if (sf->bound || c->version < 0)
		return;
	unsigned side;
	struct connection *known =
		track_token_find(t, digest_token(c->version, o->fastclose_key), &side);
	if (known && known != c && known->index != NO_INDEX) {
		c = move_to(t, known, sf, side == dir);
		confide(c, sf, CONF_KEY);
	}
}

void track_identify(struct track *t, struct subflow *sf, unsigned dir, const struct segment *s,
                    const struct options *o, uint64_t ts_ns, struct track_identity *identity)
{
	*identity = (struct track_identity){0};
	sf->mptcp = true;
	if (options_have(o, MP_CAPABLE))
		identify_capable(t, sf, dir, s, o, ts_ns, identity);
	if (options_have(o, MP_JOIN))
		identify_join(t, sf, dir, s, o, ts_ns);
	if (options_have(o, MP_FASTCLOSE))
		identify_fastclose(t, sf, dir, o);
	if (!sf->bound && options_have(o, MP_DSS))
		identify_dss(t, sf, dir, o, identity);
}
