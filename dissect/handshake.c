/* SPDX-License-Identifier: MIT */
#include "handshake.h"

#include <string.h>

#include "digest.h"

#define SKEW_LEAST_NS    (UINT64_C(10) * 1000000)      /* below this, capture threads explain it */
#define SKEW_MOST_NS     (UINT64_C(3600) * 1000000000) /* above, it is another story than clocks */
#define SKEW_ACK_MOST_NS (UINT64_C(1000000000)) /* later, data after their ack are a late copy */

struct scene {
	struct track *track;
	struct ledger *ledger;
	const struct ledger_entry *entry;
	struct subflow *sf;
	struct connection *c;
	unsigned dir;
	const struct segment *s;
	const struct options *o;
	const struct classification *result;
};

static void note(const struct scene *a, enum event event)
{
	const struct ledger_entry *e = a->entry;

	ledger_note(a->ledger, e->wan, event, e->ts_ns, e->file, e->number);
}

/* ---- SYN and SYN/ACK ---- */

/* Who asks for backup, seen from the WAN: unknown sides count as if the opener were ours. */
static bool from_our_side(const struct scene *a, unsigned dir)
{
	if (a->entry->direction == DIR_UNKNOWN)
		return (dir ^ a->sf->flip) == 0;
	return (a->entry->direction == DIR_UP) == (dir == a->dir);
}

static void say_backup(struct subflow *sf, unsigned dir, bool backup, uint64_t ts_ns)
{
	sf->backup[dir] = backup;
	sf->backup_ns[dir] = ts_ns;
}

static void note_join_words(const struct scene *a)
{
	const struct mp_join *j = &a->o->join;
	static const enum event events[2][2] = {
		{EVENT_JOIN_DOWN_NORMAL, EVENT_JOIN_DOWN_BACKUP},
		{EVENT_JOIN_UP_NORMAL, EVENT_JOIN_UP_BACKUP},
	};

	say_backup(a->sf, a->dir, j->backup, a->entry->ts_ns);
	a->sf->address_id[a->dir] = j->id;
	a->sf->address_known[a->dir] = true;
	note(a, events[from_our_side(a, a->dir)][j->backup]);
}

static void note_syn(const struct scene *a)
{
	bool capable = options_have(a->o, MP_CAPABLE);
	bool join = options_have(a->o, MP_JOIN) && a->o->join.len == 12;

	note(a, join ? EVENT_JOIN_SYN : capable ? EVENT_CAPABLE_SYN : EVENT_PLAIN_SYN);
	if (join)
		note_join_words(a);
}

static void note_join_answer(const struct scene *a)
{
	if (options_have(a->o, MP_JOIN) && a->o->join.len == 16) {
		note(a, EVENT_JOIN_ANSWERED);
		note_join_words(a);
	} else if (!a->o->cut) {
		note(a, EVENT_JOIN_PLAIN);
	}
}

static void note_answer(const struct scene *a)
{
	if (!a->sf->offered)
		return;
	if (a->sf->join)
		note_join_answer(a);
	else if (!options_have(a->o, MP_CAPABLE) && !a->o->cut)
		note(a, EVENT_CAPABLE_PLAIN);
	else if (options_have(a->o, MP_CAPABLE))
		note(a, a->result->fell_back ? EVENT_CAPABLE_VERSION : EVENT_CAPABLE_ANSWERED);
}

static void note_established(const struct scene *a)
{
	struct subflow *sf = a->sf;
	bool join_ack = options_have(a->o, MP_JOIN) && a->o->join.len == 24;

	if (sf->join && !join_ack)
		return;
	sf->established = true;
	if (sf->join)
		note(a, EVENT_JOIN_ESTABLISHED);
}

/* ---- HMACs ---- */

static void note_hmac(const struct scene *a, bool good)
{
	note(a, good ? EVENT_HMAC_GOOD : EVENT_HMAC_BAD);
}

static bool keys_known(const struct scene *a)
{
	return a->c->has_key[0] && a->c->has_key[1] && a->c->version >= 0 && a->c->version <= 1;
}

static void check_join(const struct scene *a)
{
	const struct mp_join *j = &a->o->join;
	const struct subflow *sf = a->sf;
	uint8_t hmac[DIGEST_JOIN_MAX];
	unsigned own = a->dir ^ sf->flip;

	if (!j->hmac || !keys_known(a) || !sf->nonce_known[0] || !sf->nonce_known[1])
		return;
	digest_join(a->c->version, a->c->key[own], a->c->key[!own], sf->nonce[a->dir],
	            sf->nonce[!a->dir], hmac);
	note_hmac(a, memcmp(hmac, j->hmac, j->len == 16 ? 8 : DIGEST_JOIN_MAX) == 0);
}

static void check_add_addr(const struct scene *a, const struct add_addr *add)
{
	uint8_t hmac[8];
	unsigned own = a->dir ^ a->sf->flip;

	if (!add->hmac || !keys_known(a))
		return;
	digest_add_addr(a->c->key[own], a->c->key[!own], add->id, add->addr,
	                add->family == 4 ? 4 : 16, add->port, hmac);
	note_hmac(a, memcmp(hmac, add->hmac, 8) == 0);
}

/* ---- MP_PRIO ---- */

static enum event prio_event(const struct scene *a)
{
	static const enum event events[2][2] = {
		{EVENT_PRIO_DOWN_NORMAL, EVENT_PRIO_DOWN_BACKUP},
		{EVENT_PRIO_UP_NORMAL, EVENT_PRIO_UP_BACKUP},
	};

	return events[from_our_side(a, a->dir)][a->o->prio_backup];
}

/* With an address id it speaks for all subflows of that address, maybe on another WAN. */
static void note_prio(const struct scene *a)
{
	const struct ledger_entry *e = a->entry;
	unsigned side = a->dir ^ a->sf->flip;

	if (!a->o->prio_has_id) {
		say_backup(a->sf, a->dir, a->o->prio_backup, e->ts_ns);
		note(a, prio_event(a));
		return;
	}
	for (uint32_t i = a->c->subflows; i != NO_INDEX;) {
		struct subflow *sf = track_at(a->track, i);
		unsigned dir = side ^ sf->flip;
		i = sf->next;
		uint8_t id = sf->address_known[dir] ? sf->address_id[dir] : 0;
		if (id != a->o->prio_id || !sf->tallies)
			continue;
		say_backup(sf, dir, a->o->prio_backup, e->ts_ns);
		ledger_note(a->ledger, sf->home, prio_event(a), e->ts_ns, e->file, e->number);
	}
}

/* ---- the rest ---- */

static void note_reset(const struct scene *a)
{
	struct subflow *sf = a->sf;

	if (options_have(a->o, MP_TCPRST))
		note(a, EVENT_TCPRST);
	if (sf->join && !sf->established && sf->opener_known && !sf->refused) {
		sf->refused = true;
		note(a, EVENT_JOIN_REFUSED);
	}
}

static void note_skew(const struct scene *a, uint64_t skew_ns)
{
	struct ledger_wan *wan = &a->ledger->wans[a->entry->wan];

	if (skew_ns < SKEW_LEAST_NS || skew_ns > SKEW_MOST_NS || a->c->n_subflows < 2)
		return;
	note(a, EVENT_SKEW);
	if (skew_ns > wan->skew_ns)
		wan->skew_ns = skew_ns;
}

/* What each of these is said by is one flag of the segment. */
static void note_flags(const struct scene *a)
{
	const struct {
		bool said;
		enum event event;
	} flags[] = {
		{options_have(a->o, MP_FAIL), EVENT_MP_FAIL},
		{options_have(a->o, MP_FASTCLOSE), EVENT_FASTCLOSE},
		{a->result->infinite, EVENT_INFINITE_MAPPING},
		{a->result->fell_back && !(a->s->flags & TCP_SYN), EVENT_CAPABLE_STRIPPED_LATER},
		{a->result->checksum_good, EVENT_CHECKSUM_GOOD},
		{a->result->checksum_bad, EVENT_CHECKSUM_BAD},
		{a->o->cut, EVENT_HEADER_CUT},
		{a->o->cut_inside, EVENT_OPTION_CUT},
		{a->o->malformed, EVENT_OPTION_MALFORMED},
		{a->o->unknown > 0, EVENT_OPTION_UNKNOWN},
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (flags[i].said)
			note(a, flags[i].event);
}

void handshake_note(struct track *track, struct ledger *ledger, const struct ledger_entry *entry,
                    struct subflow *sf, struct connection *c, unsigned dir, const struct segment *s,
                    const struct options *o, const struct classification *result, uint64_t skew_ns)
{
	const struct scene a = {track, ledger, entry, sf, c, dir, s, o, result};

	if (entry->wan >= LEDGER_WANS_MAX)
		return;
	if (result->new_syn && !(s->flags & TCP_ACK))
		note_syn(&a);
	else if (result->new_syn)
		note_answer(&a);
	if (options_have(o, MP_JOIN))
		check_join(&a);
	if (result->established)
		note_established(&a);
	for (unsigned i = 0; options_have(o, MP_ADD_ADDR) && i < o->n_add; i++)
		check_add_addr(&a, &o->add[i]);
	if (options_have(o, MP_PRIO))
		note_prio(&a);
	if (s->flags & TCP_RST)
		note_reset(&a);
	note_skew(&a, skew_ns);
	if (result->ack_before_data_ns <= SKEW_ACK_MOST_NS)
		note_skew(&a, result->ack_before_data_ns);
	note_flags(&a);
}
