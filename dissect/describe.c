/* SPDX-License-Identifier: MIT */
#include "describe.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"

/* ---- a frame ---- */

static const struct {
	uint8_t proto;
	const char *name;
} protos[] = {
	{1, "icmp"}, {2, "igmp"}, {6, "tcp"},    {17, "udp"},   {47, "gre"},
	{50, "esp"}, {51, "ah"},  {58, "icmp6"}, {132, "sctp"},
};

static const char *proto_name(const struct segment *s)
{
	if (s->result == DECODE_UNKNOWN_LINK)
		return "link";
	if (s->family == 0)
		return s->ethertype == 0x0806 ? "arp" : s->ppp_proto ? "ppp" : "link";
	for (size_t i = 0; i < sizeof(protos) / sizeof(protos[0]); i++)
		if (protos[i].proto == s->proto)
			return protos[i].name;
	return "ip";
}

static void endpoint(char text[54], uint8_t family, const uint8_t *addr, bool has_port,
                     uint16_t port)
{
	char host[INET6_ADDRSTRLEN];

	inet_ntop(family == 4 ? AF_INET : AF_INET6, addr, host, sizeof(host));
	if (!has_port)
		snprintf(text, 54, "%s", host);
	else
		snprintf(text, 54, family == 4 ? "%s:%u" : "[%s]:%u", host, port);
}

void describe_frame(struct sighting *t, const struct frame *f, const struct segment *s,
                    const struct ledger_entry *e, uint64_t order, bool texts)
{
	(void)f;
	*t = (struct sighting){
		.entry = *e,
		.order = order,
		.proto = proto_name(s),
		.app = "",
	};
	if (s->result == DECODE_TCP) {
		t->tcp = true;
		t->payload_len = s->payload_len;
		t->tcp_flags = s->flags;
		t->seq = s->seq;
		t->ack = s->ack;
		t->window = s->window;
	}
	if (!texts || s->family == 0)
		return;
	bool ports = t->tcp || (s->proto == 17 && (s->sport || s->dport));
	endpoint(t->src, s->family, s->src, ports, s->sport);
	endpoint(t->dst, s->family, s->dst, ports, s->dport);
}

void describe_subflow(struct sighting *t, const struct subflow *sf, const struct connection *c,
                      const struct classification *result)
{
	if (c)
		snprintf(t->connection, sizeof(t->connection), "%016" PRIx64, c->id);
	t->subflow = sf->number;
	t->has_dsn = result->has_dsn;
	t->dsn = result->dsn;
}

void describe_settled(struct sighting *t, const struct ledger_entry *e,
                      const struct classification *late)
{
	t->entry = *e;
	t->has_dsn = late->has_dsn;
	t->dsn = late->dsn;
}

/* ---- options ---- */

struct words {
	char *at;
	size_t left;
};

static void say(struct words *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct words *w, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int n = vsnprintf(w->at, w->left, format, args);
	va_end(args);
	if (n < 0)
		return;
	size_t used = (size_t)n < w->left ? (size_t)n : w->left ? w->left - 1 : 0;
	w->at += used;
	w->left -= used;
}

static void say_hex(struct words *w, const uint8_t *bytes, size_t n)
{
	say(w, "0x");
	for (size_t i = 0; i < n; i++)
		say(w, "%02x", bytes[i]);
}

static void say_capable(struct words *w, const struct options *o)
{
	const struct mp_capable *m = &o->capable;

	say(w, "capable v%u flags 0x%02x", m->version, m->flags);
	for (unsigned i = 0; i < m->keys; i++) {
		say(w, " key ");
		say_hex(w, m->key[i], 8);
	}
	if (m->has_len)
		say(w, " data_len %u", m->len);
	if (m->has_csum)
		say(w, " csum 0x%x", m->csum);
}

static void say_join(struct words *w, const struct options *o)
{
	const struct mp_join *j = &o->join;

	say(w, "join");
	if (j->len != 24)
		say(w, "%s id %u", j->backup ? " backup" : "", j->id);
	if (j->len == 12)
		say(w, " token 0x%x nonce 0x%x", j->token, j->nonce);
	if (j->hmac) {
		say(w, " hmac ");
		say_hex(w, j->hmac, j->len == 16 ? 8 : 20);
	}
	if (j->len == 16)
		say(w, " nonce 0x%x", j->nonce);
}

static void say_dss(struct words *w, const struct options *o)
{
	const struct dss *d = &o->dss;

	say(w, "dss%s", d->flags & DSS_FIN ? " fin" : "");
	if (d->has & DSS_HAS_ACK)
		say(w, " ack %" PRIu64, d->ack);
	if (d->has & DSS_HAS_DSN)
		say(w, " seq %" PRIu64, d->dsn);
	if (d->has & DSS_HAS_SSN)
		say(w, " subseq %u", d->ssn);
	if (d->has & DSS_HAS_LEN)
		say(w, " len %u", d->len);
	if (d->has & DSS_HAS_CSUM)
		say(w, " csum 0x%x", d->csum);
}

static void say_add_addr(struct words *w, const struct options *o)
{
	for (unsigned i = 0; i < o->n_add; i++) {
		const struct add_addr *a = &o->add[i];
		char text[54];
		endpoint(text, a->family, a->addr, a->has_port, a->port);
		say(w, "%sadd-addr%s id %u %s", i ? ", " : "", a->echo ? " echo" : "", a->id, text);
		if (a->hmac) {
			say(w, " hmac ");
			say_hex(w, a->hmac, 8);
		}
	}
}

static void say_remove_addr(struct words *w, const struct options *o)
{
	say(w, "rem-addr id");
	for (unsigned i = 0; i < o->n_removed; i++)
		say(w, " %u", o->removed[i]);
}

static void say_prio(struct words *w, const struct options *o)
{
	say(w, "prio %s", o->prio_backup ? "backup" : "normal");
	if (o->prio_has_id)
		say(w, " id %u", o->prio_id);
}

static void say_fail(struct words *w, const struct options *o)
{
	say(w, "fail seq %" PRIu64, o->fail_dsn);
}

static void say_fastclose(struct words *w, const struct options *o)
{
	say(w, "fast-close key ");
	say_hex(w, o->fastclose_key, 8);
}

static void say_tcprst(struct words *w, const struct options *o)
{
	say(w, "tcprst flags 0x%x reason 0x%02x", o->rst_flags, o->rst_reason);
}

static void (*const sayers[MP_SUBTYPES])(struct words *, const struct options *) = {
	[MP_CAPABLE] = say_capable,
	[MP_JOIN] = say_join,
	[MP_DSS] = say_dss,
	[MP_ADD_ADDR] = say_add_addr,
	[MP_REMOVE_ADDR] = say_remove_addr,
	[MP_PRIO] = say_prio,
	[MP_FAIL] = say_fail,
	[MP_FASTCLOSE] = say_fastclose,
	[MP_TCPRST] = say_tcprst,
};

void describe_options(const struct segment *s, char *text, size_t size)
{
	struct options o;
	struct words w = {text, size};
	bool first = true;

	text[0] = '\0';
	options_read(&o, s);
	for (unsigned i = 0; i < MP_SUBTYPES; i++) {
		if (!options_have(&o, (enum mptcp_subtype)i))
			continue;
		if (!first)
			say(&w, ", ");
		sayers[i](&w, &o);
		first = false;
	}
	if (o.unknown)
		say(&w, "%sunknown subtype", first ? "" : ", ");
	if (o.malformed)
		say(&w, "%smalformed", first && !o.unknown ? "" : ", ");
	if (o.cut_inside)
		say(&w, " ...");
}
