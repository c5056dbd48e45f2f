/* SPDX-License-Identifier: MIT */
#include "inquiry.h"

#include <netinet/in.h>
#include <string.h>

#include "state.h"

enum question { QUESTION_NONE, QUESTION_PING, QUESTION_DNS, QUESTION_TCP, QUESTION_COUNT };

#define DNS_PORT 53

/* ICMP and ICMPv6: echo request and reply. */
static enum question echo(const struct segment *s, bool up)
{
	uint8_t type = s->transport_cap ? s->transport[0] : 0xff;

	if (s->family == 4 && s->proto == IPPROTO_ICMP && type == (up ? 8 : 0))
		return QUESTION_PING;
	if (s->family == 6 && s->proto == IPPROTO_ICMPV6 && type == (up ? 128 : 129))
		return QUESTION_PING;
	return QUESTION_NONE;
}

/* What the packet asks (up), or answers (down). */
static enum question question_of(const struct segment *s, bool up)
{
	if (s->fragment || !s->family)
		return QUESTION_NONE;
	if (s->proto == IPPROTO_UDP && (up ? s->dport : s->sport) == DNS_PORT)
		return QUESTION_DNS;
	if (s->proto == IPPROTO_TCP)
		return s->flags & TCP_SYN && !(s->flags & TCP_ACK) == up ? QUESTION_TCP
		                                                         : QUESTION_NONE;
	return echo(s, up);
}

static bool is_host(const struct inquiry_host *a, const struct inquiry_host *b)
{
	return a->family == b->family && a->question == b->question && a->port == b->port &&
	       memcmp(a->addr, b->addr, sizeof(a->addr)) == 0;
}

/* Its place, or that of the one asked longest ago. */
static struct inquiry_host *place_of(struct inquiry_host *hosts, const struct inquiry_host *who)
{
	struct inquiry_host *oldest = hosts;

	for (size_t i = 0; i < INQUIRY_HOSTS; i++) {
		if (is_host(&hosts[i], who))
			return &hosts[i];
		if (hosts[i].asked_ns < oldest->asked_ns)
			oldest = &hosts[i];
	}
	return oldest;
}

void inquiry_pass(struct inquiries *inquiries, const struct segment *s,
                  const struct ledger_entry *e)
{
	bool up = e->direction == DIR_UP;
	enum question question = question_of(s, up);
	struct inquiry_host who = {.family = s->family, .question = (uint8_t)question};

	if (question == QUESTION_NONE || e->wan >= LEDGER_WANS_MAX || e->direction == DIR_UNKNOWN ||
	    e->traffic == TRAFFIC_LOCAL)
		return;
	memcpy(who.addr, up ? s->dst : s->src, s->family == 4 ? 4 : 16);
	if (question == QUESTION_TCP)
		who.port = up ? s->dport : s->sport;
	struct inquiry_host *host = place_of(inquiries->hosts[e->wan], &who);
	bool known = is_host(host, &who);
	if (!up) {
		if (known)
			host->answered = true;
		return;
	}
	if (!known)
		*host = who;
	host->asked_ns = e->ts_ns;
	if (host->answered)
		health_ask(inquiries->hearing, e, (uint32_t)(host - inquiries->hosts[e->wan]));
}

/* ---- state ---- */

enum { MARK_INQUIRIES = 'I' };

void inquiries_save(const struct inquiries *inquiries, size_t n_wans, struct state_out *out,
                    uint64_t seen_ns)
{
	state_put_mark(out, MARK_INQUIRIES);
	for (size_t w = 0; w < n_wans; w++)
		for (size_t i = 0; i < INQUIRY_HOSTS; i++) {
			const struct inquiry_host *host = &inquiries->hosts[w][i];

			state_put(out, host->family);
			if (!host->family)
				continue;
			state_put_bytes(out, host->addr, host->family == 4 ? 4 : 16);
			state_put(out, host->question);
			state_put(out, host->port);
			state_put(out, host->answered);
			state_put_near(out, host->asked_ns, seen_ns);
		}
}

static void load_host(struct inquiry_host *host, struct state_in *in, uint64_t seen_ns)
{
	*host = (struct inquiry_host){.family = (uint8_t)state_take(in, 6)};
	if (!host->family)
		return;
	if (host->family != 4 && host->family != 6)
		state_refuse(in);
	state_take_bytes(in, host->addr, host->family == 4 ? 4 : 16);
	host->question = (uint8_t)state_take(in, QUESTION_COUNT - 1);
	host->port = (uint16_t)state_take(in, UINT16_MAX);
	host->answered = state_take(in, 1);
	host->asked_ns = state_take_near(in, seen_ns);
}

void inquiries_load(struct inquiries *inquiries, size_t n_wans, struct state_in *in,
                    uint64_t seen_ns)
{
	state_take_mark(in, MARK_INQUIRIES);
	for (size_t w = 0; w < n_wans && !in->damaged; w++)
		for (size_t i = 0; i < INQUIRY_HOSTS; i++)
			load_host(&inquiries->hosts[w][i], in, seen_ns);
}
