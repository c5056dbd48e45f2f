/* SPDX-License-Identifier: MIT
 *
 * sites.c - see sites.h.
 */
#include "sites.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "option.h"
#include "recent.h"

enum {
	MAX_FLOWS = 65536,
	MAX_CLAIMS = 16384, /* addresses that subflows had */
	IDS = 256,
	NO_WAN = 0xff,
	ETHERTYPE_ARP = 0x0806,
	ARP_SENDER = 14, /* IPv4 over Ethernet, RFC 826 */
	ARP_TARGET = 24,
	ARP_LENGTH = 28,
	SLOTS_PER_NET = 4,
};

struct site {
	char *name;  /* owned */
	char **wans; /* owned, as is each */
	uint32_t n_wans;
	bool by_id;
	uint8_t of_id[IDS]; /* WAN, or NO_WAN */
	struct sites_tally tally;
};

struct net {
	uint8_t family, bits, addr[16];
	uint32_t site, wan;
};

struct sites {
	struct site *sites; /* owned; n_sites, and one that is nobody */
	size_t n_sites;
	bool one;         /* rows of one site only */
	struct net *nets; /* owned */
	size_t n_nets;
	uint32_t *slots; /* owned; hash of nets: index + 1; a power of two */
	size_t n_slots;
	uint8_t widths[2][129]; /* prefix lengths there are of IPv4 and IPv6, longest first */
	unsigned n_widths[2];
	bool follows; /* some frames are told by more than their address */

	struct recent *flows;  /* owned; struct flow */
	struct recent *tokens; /* owned; struct token */
	struct recent *claims; /* owned; struct claim */
};

/* A TCP flow that no network tells. */
struct flow {
	uint32_t site, wan;
	uint32_t token;
	uint8_t id, untold; /* id: of the router's side */
	bool known;         /* the rest means something */
	bool has_token, has_id, opened;
	bool side_known, router_low; /* which end of the key is the router's */
	bool far_joins;              /* the join came from the far side: its answer has the ID */
};

struct token {
	uint32_t site;
	bool known;
};

/* Whose an address was. */
struct claim {
	uint64_t last_ns;
	uint32_t site, wan;
	bool known, several;
	bool weak;   /* only id:0 says so */
	bool server; /* connections are opened to it */
};

/* ---- what the operator says ---- */

bool sites_read_sign(const char *text, struct sites_sign *sign)
{
	char address[INET6_ADDRSTRLEN], *end;
	size_t length = strcspn(text, "/");
	bool six = strchr(text, ':') != NULL;
	unsigned long kept = six ? 128 : 32;

	*sign = (struct sites_sign){.family = six ? 6 : 4};
	if (strncmp(text, "id:", 3) == 0) {
		kept = text[3] >= '0' && text[3] <= '9' ? strtoul(text + 3, &end, 10) : IDS;
		sign->is_id = true;
		sign->id = (uint8_t)kept;
		return kept < IDS && !*end;
	}
	if (length >= sizeof(address))
		return false;
	memcpy(address, text, length);
	address[length] = '\0';
	if (inet_pton(six ? AF_INET6 : AF_INET, address, sign->addr) != 1)
		return false;
	if (text[length] == '/') {
		unsigned long most = kept;

		kept = strtoul(text + length + 1, &end, 10);
		if (text[length + 1] < '0' || text[length + 1] > '9' || *end || kept > most)
			return false;
	}
	sign->bits = (uint8_t)kept;
	for (unsigned bit = sign->bits; bit < (six ? 128u : 32u); bit++)
		sign->addr[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
	return true;
}

static size_t net_hash(unsigned family, unsigned bits, const uint8_t addr[16])
{
	uint64_t words[2], h = (uint64_t)family << 8 | bits;

	memcpy(words, addr, sizeof(words));
	h = (h ^ words[0]) * UINT64_C(0x9e3779b97f4a7c15);
	h ^= h >> 29;
	h = (h ^ words[1]) * UINT64_C(0x9e3779b97f4a7c15);
	return (size_t)(h >> 20);
}

/* The net of exactly this prefix, or the free slot where it would go. */
static uint32_t *net_slot(const struct sites *s, unsigned family, unsigned bits,
                          const uint8_t addr[16])
{
	size_t at = net_hash(family, bits, addr) & (s->n_slots - 1);

	for (; s->slots[at]; at = (at + 1) & (s->n_slots - 1)) {
		const struct net *net = &s->nets[s->slots[at] - 1];
		if (net->family == family && net->bits == bits && memcmp(net->addr, addr, 16) == 0)
			break;
	}
	return &s->slots[at];
}

static void add_width(struct sites *s, unsigned six, uint8_t bits)
{
	unsigned at = 0;

	while (at < s->n_widths[six] && s->widths[six][at] > bits)
		at++;
	if (at < s->n_widths[six] && s->widths[six][at] == bits)
		return;
	memmove(&s->widths[six][at + 1], &s->widths[six][at], s->n_widths[six] - at);
	s->widths[six][at] = bits;
	s->n_widths[six]++;
}

static bool add_net(struct sites *s, const struct sites_sign *sign, uint32_t site, uint32_t wan,
                    const struct net **other)
{
	uint32_t *slot = net_slot(s, sign->family, sign->bits, sign->addr);
	struct net *net = &s->nets[s->n_nets];

	if (*slot) {
		*other = &s->nets[*slot - 1];
		return (*other)->site == site && (*other)->wan == wan;
	}
	*net = (struct net){.family = sign->family, .bits = sign->bits, .site = site, .wan = wan};
	memcpy(net->addr, sign->addr, sizeof(net->addr));
	*slot = (uint32_t)++s->n_nets;
	add_width(s, sign->family == 6, sign->bits);
	return true;
}

/* Rows of one site mostly stand together. NO_INDEX: it is new and there is no room. */
static struct site *site_of(struct sites *s, const char *name)
{
	for (size_t i = s->n_sites; i-- > 0;)
		if (strcmp(s->sites[i].name, name) == 0)
			return &s->sites[i];
	if (s->n_sites == SITES_MAX)
		return NULL;
	struct site *site = &s->sites[s->n_sites];
	site->name = strdup(name);
	memset(site->of_id, NO_WAN, sizeof(site->of_id));
	return site->name && ++s->n_sites ? site : NULL;
}

static int wan_of(struct site *site, const char *name)
{
	for (uint32_t i = 0; i < site->n_wans; i++)
		if (strcmp(site->wans[i], name) == 0)
			return (int)i;
	char **grown = site->n_wans == SITES_WANS_MAX
	                       ? NULL
	                       : realloc(site->wans, (site->n_wans + 1) * sizeof(*grown));
	if (!grown)
		return -1;
	site->wans = grown;
	grown[site->n_wans] = strdup(name);
	return grown[site->n_wans] ? (int)site->n_wans++ : -1;
}

static bool add_row(struct sites *s, const struct sites_row *row, char *message, size_t size)
{
	struct site *site = site_of(s, row->site);
	int wan = site ? wan_of(site, row->wan) : -1;
	const struct net *other = NULL;

	if (wan < 0) {
		snprintf(message, size,
		         "more than %d sites, or more than %d WANs of one, or out of memory",
		         SITES_MAX, SITES_WANS_MAX);
		return false;
	}
	if (row->sign.is_id) {
		uint8_t *place = &site->of_id[row->sign.id];

		site->by_id = true;
		if (*place != NO_WAN && *place != wan) {
			snprintf(message, size,
			         "address ID %u is told of two WANs%s%.40s: %.60s and %.60s",
			         row->sign.id, *site->name ? " of " : "", site->name,
			         site->wans[*place], row->wan);
			return false;
		}
		*place = (uint8_t)wan;
		return true;
	}
	if (add_net(s, &row->sign, (uint32_t)(site - s->sites), (uint32_t)wan, &other))
		return true;
	snprintf(message, size, "the same network is told of two WANs: %.60s %.60s and %.60s %.60s",
	         s->sites[other->site].name, s->sites[other->site].wans[other->wan], row->site,
	         row->wan);
	return false;
}

static bool make_tables(struct sites *s, size_t n, const struct sites_options *options)
{
	size_t most = options->max_flows ? options->max_flows : MAX_FLOWS;

	for (s->n_slots = 16; s->n_slots < n * SLOTS_PER_NET; s->n_slots *= 2)
		;
	s->sites = calloc((n < SITES_MAX ? n : SITES_MAX) + 1, sizeof(*s->sites));
	s->nets = calloc(n + 1, sizeof(*s->nets));
	s->slots = calloc(s->n_slots, sizeof(*s->slots));
	s->flows = recent_new(most, sizeof(struct flow), options->seed);
	s->tokens = recent_new(most, sizeof(struct token), options->seed);
	s->claims = recent_new(MAX_CLAIMS, sizeof(struct claim), options->seed);
	return s->sites && s->nets && s->slots && s->flows && s->tokens && s->claims;
}

struct sites *sites_new(const struct sites_row *rows, size_t n, const struct sites_options *options,
                        char *message, size_t size)
{
	struct sites *s = calloc(1, sizeof(*s));

	if (!s || !make_tables(s, n, options)) {
		snprintf(message, size, "out of memory");
		sites_free(s);
		return NULL;
	}
	for (size_t i = 0; i < n; i++) {
		if (!add_row(s, &rows[i], message, size)) {
			sites_free(s);
			return NULL;
		}
	}
	s->one = s->n_sites == 1 && !*s->sites[0].name;
	s->follows = !s->one || sites_any_id(s);
	return s;
}

void sites_free(struct sites *s)
{
	if (!s)
		return;
	for (size_t i = 0; s->sites && i < s->n_sites; i++) {
		for (size_t k = 0; k < s->sites[i].n_wans; k++)
			free(s->sites[i].wans[k]);
		free(s->sites[i].wans);
		free(s->sites[i].name);
	}
	free(s->sites);
	free(s->nets);
	free(s->slots);
	recent_free(s->flows);
	recent_free(s->tokens);
	recent_free(s->claims);
	free(s);
}

size_t sites_count(const struct sites *s)
{
	return s->n_sites;
}

const char *sites_name(const struct sites *s, size_t site)
{
	return s->sites[site].name;
}

size_t sites_wans(const struct sites *s, size_t site)
{
	return s->sites[site].n_wans;
}

const char *sites_wan(const struct sites *s, size_t site, size_t wan)
{
	return s->sites[site].wans[wan];
}

bool sites_by_id(const struct sites *s, size_t site)
{
	return s->sites[site].by_id;
}

bool sites_any_id(const struct sites *s)
{
	for (size_t i = 0; i < s->n_sites; i++)
		if (s->sites[i].by_id)
			return true;
	return false;
}

const struct sites_tally *sites_tally(const struct sites *s, size_t site)
{
	return &s->sites[site].tally;
}

void sites_begin(struct sites *s)
{
	for (size_t i = 0; i <= s->n_sites; i++)
		s->sites[i].tally = (struct sites_tally){0};
}

/* ---- 1. networks ---- */

static const struct net *find_net(const struct sites *s, unsigned family, const uint8_t *addr)
{
	unsigned six = family == 6;

	for (unsigned i = 0; i < s->n_widths[six]; i++) {
		unsigned bits = s->widths[six][i];
		uint8_t cut[16] = {0};

		memcpy(cut, addr, (bits + 7) / 8);
		if (bits % 8)
			cut[bits / 8] &= (uint8_t)(0xff00 >> bits % 8);
		uint32_t slot = *net_slot(s, family, bits, cut);
		if (slot)
			return &s->nets[slot - 1];
	}
	return NULL;
}

static bool is_arp(const struct segment *seg)
{
	return seg->family == 0 && seg->ethertype == ETHERTYPE_ARP && seg->link &&
	       seg->link_cap >= ARP_LENGTH;
}

static bool by_network(const struct sites *s, const struct segment *seg, struct sites_place *place)
{
	bool arp = is_arp(seg);
	unsigned family = arp ? 4 : seg->family;

	if (family == 0 || s->n_widths[family == 6] == 0)
		return false;
	const struct net *from = find_net(s, family, arp ? seg->link + ARP_SENDER : seg->src);
	const struct net *to = find_net(s, family, arp ? seg->link + ARP_TARGET : seg->dst);
	const struct net *net = !from || (to && to->bits > from->bits) ? to : from;
	if (!net)
		return false;
	place->site = net->site;
	place->wan = net->wan;
	place->mark = net == from ? MARK_OUT : MARK_IN;
	return true;
}

/* ---- 3. addresses that subflows had ---- */

static struct recent_key address_key(unsigned family, const uint8_t *addr)
{
	struct recent_key key = {.words = {[4] = family}};

	memcpy(key.words, addr, family == 4 ? 4 : 16);
	return key;
}

static const struct claim *find_claim(struct sites *s, unsigned family, const uint8_t *addr,
                                      uint64_t ts_ns)
{
	struct recent_key key = address_key(family, addr);
	const struct claim *claim = recent_find(s->claims, &key);

	return claim && claim->known && !claim->several && !claim->server &&
	                       ts_ns < claim->last_ns + SITES_FRESH_NS
	               ? claim
	               : NULL;
}

static bool is_server(struct sites *s, unsigned family, const uint8_t *addr)
{
	struct recent_key key = address_key(family, addr);
	const struct claim *claim = recent_find(s->claims, &key);

	return claim && claim->server;
}

static bool claim_server(struct sites *s, unsigned family, const uint8_t *addr)
{
	struct recent_key key = address_key(family, addr);
	struct claim *claim = recent_put(s->claims, &key);

	if (claim)
		claim->server = true;
	return claim;
}

/* A subflow of this WAN has this address. What is said by joins outdoes what only id:0 said. */
static bool claim_address(struct sites *s, unsigned family, const uint8_t *addr, uint64_t ts_ns,
                          const struct claim *says)
{
	struct recent_key key = address_key(family, addr);
	struct claim *claim = recent_put(s->claims, &key);

	if (!claim)
		return false;
	bool fresh = claim->known && ts_ns < claim->last_ns + SITES_FRESH_NS;
	bool same = claim->site == says->site && claim->wan == says->wan;
	if (fresh && !same && claim->site == says->site)
		s->sites[says->site].tally.contradicted++;
	if (!fresh || (claim->weak && !says->weak && claim->site == says->site)) {
		bool server = claim->server;
		*claim = *says;
		claim->server = server;
		claim->known = true;
	} else if (!same) {
		claim->several = true;
	} else {
		claim->weak &= says->weak;
	}
	claim->last_ns = ts_ns;
	return true;
}

/* ---- 2. subflows ---- */

static struct recent_key token_key(uint32_t token)
{
	return (struct recent_key){.words = {token}};
}

static bool tie_token(struct sites *s, uint32_t number, uint32_t site)
{
	struct recent_key key = token_key(number);
	struct token *token = recent_put(s->tokens, &key);

	if (!token)
		return false;
	token->site = site;
	token->known = true;
	return true;
}

/* The site of a connection; n_sites = not known. */
static uint32_t site_of_token(struct sites *s, uint32_t number)
{
	struct recent_key key = token_key(number);
	const struct token *token = recent_find(s->tokens, &key);

	return token && token->known ? token->site : (uint32_t)s->n_sites;
}

/* The connection that an answer with MP_CAPABLE opens: joins will name the answering side's key. */
static bool learn_keys(struct sites *s, const struct options *tcp, uint32_t site)
{
	const struct mp_capable *capable = &tcp->capable;

	if (capable->keys == 0 || !capable->key[0])
		return true;
	return tie_token(s, digest_token(capable->version, capable->key[0]), site);
}

/* A handshake whose site a network tells: what it says of its connection, and of IDs. */
static bool learn_known(struct sites *s, const struct segment *seg, const struct sites_place *place)
{
	struct options tcp;
	const struct site *site = &s->sites[place->site];
	bool answer = seg->flags & TCP_ACK;

	options_read(&tcp, seg);
	if (options_have(&tcp, MP_CAPABLE) && answer)
		return learn_keys(s, &tcp, place->site) && claim_server(s, seg->family, seg->src);
	if (!options_have(&tcp, MP_JOIN))
		return true;
	bool from_router = place->mark == MARK_OUT;
	uint8_t told = site->of_id[tcp.join.id];
	if (from_router && told != NO_WAN && told != place->wan)
		s->sites[place->site].tally.contradicted++;
	/* only a join of the router's side names a key of the server */
	if (answer || !from_router)
		return true;
	uint32_t known_as = site_of_token(s, tcp.join.token);
	if (known_as == s->n_sites)
		return tie_token(s, tcp.join.token, place->site);
	/* connections do not cross sites: a row is wrong, or its address moved on */
	s->sites[place->site].tally.contradicted += known_as != place->site;
	return true;
}

static struct recent_key flow_key(const struct segment *seg, bool *source_low)
{
	size_t n = seg->family == 4 ? 4 : 16;
	int order = memcmp(seg->src, seg->dst, n);
	struct recent_key key = {{0}};

	*source_low = order ? order < 0 : seg->sport < seg->dport;
	memcpy(&key.words[0], *source_low ? seg->src : seg->dst, n);
	memcpy(&key.words[2], *source_low ? seg->dst : seg->src, n);
	key.words[4] = (uint64_t)seg->family << 32 |
	               (uint32_t)(*source_low ? seg->sport : seg->dport) << 16 |
	               (*source_low ? seg->dport : seg->sport);
	return key;
}

static const uint8_t *router_of(const struct segment *seg, const struct flow *flow, bool source_low)
{
	return flow->router_low == source_low ? seg->src : seg->dst;
}

/* The WAN of a flow whose site is known, by what its handshake said. */
static void settle_flow(struct sites *s, struct flow *flow, unsigned family, const uint8_t *router,
                        uint64_t ts_ns)
{
	const struct site *site = &s->sites[flow->site];
	const struct claim *claim = find_claim(s, family, router, ts_ns);
	uint8_t of_id = flow->has_id ? site->of_id[flow->id] : NO_WAN;

	flow->wan = site->n_wans;
	if (of_id != NO_WAN)
		flow->wan = of_id;
	else if (claim && claim->site == flow->site)
		flow->wan = claim->wan;
	else if (flow->opened && site->of_id[0] != NO_WAN)
		flow->wan = site->of_id[0];
	if (flow->wan < site->n_wans && (flow->has_id || flow->opened))
		claim_address(s, family, router, ts_ns,
		              &(struct claim){.site = flow->site,
		                              .wan = flow->wan,
		                              .weak = of_id == NO_WAN});
}

/* Whose is a flow that begins, or that is met on its way? */
static void find_site(struct sites *s, struct flow *flow, unsigned family, const uint8_t *router,
                      uint64_t ts_ns)
{
	const struct claim *claim = find_claim(s, family, router, ts_ns);

	flow->site = (uint32_t)s->n_sites;
	flow->wan = 0;
	if (s->one)
		flow->site = 0;
	else if (flow->has_token)
		flow->site = site_of_token(s, flow->token);
	if (flow->site == s->n_sites && claim)
		flow->site = claim->site;
	if (flow->site < s->n_sites)
		settle_flow(s, flow, family, router, ts_ns);
}

/* A SYN: a new flow, whatever its addresses and ports were used for before. */
static void open_flow(struct sites *s, struct flow *flow, const struct segment *seg,
                      const struct options *tcp, bool source_low, const struct frame *frame)
{
	bool from_far = frame->mark == MARK_OUT || is_server(s, seg->family, seg->src);

	*flow = (struct flow){.known = true, .side_known = true};
	flow->router_low = source_low != from_far;
	flow->untold = UNTOLD_PLAIN;
	if (options_have(tcp, MP_CAPABLE) && !from_far) {
		flow->opened = true;
		flow->untold = UNTOLD_OPENING;
	} else if (options_have(tcp, MP_JOIN)) {
		flow->untold = UNTOLD_JOINED;
		flow->far_joins = from_far;
		flow->has_token = flow->has_id = !from_far;
		flow->token = tcp->join.token;
		flow->id = tcp->join.id;
	}
	find_site(s, flow, seg->family, router_of(seg, flow, source_low), frame->ts_ns);
}

/* The answer to a SYN: it may tell the key of the connection, or the router's address ID. */
static bool answer_flow(struct sites *s, struct flow *flow, const struct segment *seg,
                        const struct options *tcp, bool source_low, const struct frame *frame)
{
	if (flow->far_joins && options_have(tcp, MP_JOIN) && !flow->has_id) {
		flow->has_id = true;
		flow->id = tcp->join.id;
		if (flow->site < s->n_sites)
			settle_flow(s, flow, seg->family, router_of(seg, flow, source_low),
			            frame->ts_ns);
	}
	if (!flow->opened || !options_have(tcp, MP_CAPABLE) || tcp->capable.keys == 0)
		return true;
	flow->has_token = true;
	flow->token = digest_token(tcp->capable.version, tcp->capable.key[0]);
	return tie_token(s, flow->token, flow->site) && claim_server(s, seg->family, seg->src);
}

/* The start was not seen. An address that one WAN only had tells; so does the other end's. */
static void meet_flow(struct sites *s, struct flow *flow, const struct segment *seg,
                      bool source_low, uint64_t ts_ns)
{
	const struct claim *from = find_claim(s, seg->family, seg->src, ts_ns);
	const struct claim *to = from ? NULL : find_claim(s, seg->family, seg->dst, ts_ns);

	if (!flow->known) {
		*flow = (struct flow){.known = true,
		                      .untold = UNTOLD_PLAIN,
		                      .site = s->one ? 0 : (uint32_t)s->n_sites};
		flow->wan = s->sites[flow->site].n_wans;
	}
	if (!from && !to)
		return;
	flow->side_known = true;
	flow->router_low = from ? source_low : !source_low;
	flow->site = from ? from->site : to->site;
	flow->wan = from ? from->wan : to->wan;
}

/* A connection whose site was not known when this flow began may have one now. */
static void adopt_flow(struct sites *s, struct flow *flow, const struct segment *seg,
                       bool source_low, uint64_t ts_ns)
{
	flow->site = site_of_token(s, flow->token);
	if (flow->site < s->n_sites)
		settle_flow(s, flow, seg->family, router_of(seg, flow, source_low), ts_ns);
}

static bool carries_mptcp(const struct segment *seg)
{
	struct options tcp;

	options_read(&tcp, seg);
	return tcp.any_mptcp;
}

/* A handshake segment is read whole; others only as long as something is not known. */
static bool look_at_flow(struct sites *s, struct flow *flow, const struct segment *seg,
                         bool source_low, const struct frame *frame)
{
	bool untold = flow->wan == s->sites[flow->site].n_wans;
	struct options tcp;

	if (seg->flags & TCP_SYN) {
		options_read(&tcp, seg);
		if (!(seg->flags & TCP_ACK))
			open_flow(s, flow, seg, &tcp, source_low, frame);
		else if (flow->known)
			return answer_flow(s, flow, seg, &tcp, source_low, frame);
	} else if (flow->known && flow->has_token && flow->site == s->n_sites) {
		adopt_flow(s, flow, seg, source_low, frame->ts_ns);
	} else if (!flow->known || (untold && !flow->opened && !flow->has_id)) {
		meet_flow(s, flow, seg, source_low, frame->ts_ns);
		if (flow->untold == UNTOLD_PLAIN && carries_mptcp(seg))
			flow->untold = UNTOLD_MIDWAY;
	}
	return true;
}

static bool by_flow(struct sites *s, const struct segment *seg, const struct frame *frame,
                    struct sites_place *place)
{
	bool source_low, fine;
	struct recent_key key = flow_key(seg, &source_low);
	struct flow *flow = recent_put(s->flows, &key);

	if (!flow)
		return false;
	if (!flow->known)
		flow->site = (uint32_t)s->n_sites;
	fine = look_at_flow(s, flow, seg, source_low, frame);
	if (!flow->known)
		meet_flow(s, flow, seg, source_low, frame->ts_ns);
	place->site = flow->site;
	place->wan = flow->wan;
	place->untold = flow->untold;
	if (flow->side_known)
		place->mark = flow->router_low == source_low ? MARK_OUT : MARK_IN;
	return fine;
}

/* Not TCP: an address that one WAN only had. */
static void by_claim(struct sites *s, const struct segment *seg, uint64_t ts_ns,
                     struct sites_place *place)
{
	const struct claim *from = find_claim(s, seg->family, seg->src, ts_ns);
	const struct claim *claim = from ? from : find_claim(s, seg->family, seg->dst, ts_ns);

	if (!claim)
		return;
	place->site = claim->site;
	place->wan = claim->wan;
	place->mark = from ? MARK_OUT : MARK_IN;
}

bool sites_place(struct sites *s, const struct frame *frame, struct sites_place *place)
{
	/* a server sees a WAN from its far end: what came in went up */
	static const uint8_t turned[] = {
		[MARK_NONE] = MARK_NONE, [MARK_IN] = MARK_OUT, [MARK_OUT] = MARK_IN};
	struct segment seg;
	bool fine = true;

	*place = (struct sites_place){.site = (uint32_t)s->n_sites, .untold = UNTOLD_OTHER};
	place->mark = turned[frame->mark];
	if (s->one && s->follows) {
		place->site = 0;
		place->wan = s->sites[0].n_wans;
	}
	decode_frame(frame, &seg);
	if (by_network(s, &seg, place)) {
		place->untold = UNTOLD_NOT;
		if (s->follows && seg.result == DECODE_TCP && seg.flags & TCP_SYN)
			fine = learn_known(s, &seg, place);
		return fine;
	}
	if (s->follows && seg.result == DECODE_TCP)
		fine = by_flow(s, &seg, frame, place);
	else if (s->follows && seg.family)
		by_claim(s, &seg, frame->ts_ns, place);
	if (place->wan < s->sites[place->site].n_wans)
		place->untold = UNTOLD_NOT;
	s->sites[place->site].tally.untold[place->untold]++;
	return fine;
}
