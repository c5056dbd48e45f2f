/* SPDX-License-Identifier: MIT
 *
 * causes.c - see causes.h.
 */
#include "causes.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "text.h"

#define NS UINT64_C(1000000000)

/* `standby`: no user data, what a backup costs while it waits. */
static const struct {
	const char *id;
	enum message message;
	bool standby;
} cause_table[] = {
	{"payload", MESSAGE_cause_payload, false},
	{"payload_healthy", MESSAGE_cause_payload_healthy, false},
	{"payload_degraded", MESSAGE_cause_payload_degraded, false},
	{"payload_after", MESSAGE_cause_payload_after, false},
	{"payload_outage", MESSAGE_cause_payload_outage, false},
	{"payload_unknown", MESSAGE_cause_payload_unknown, false},
	{"retransmission", MESSAGE_cause_retransmission, false},
	{"reinjection", MESSAGE_cause_reinjection, false},
	{"redundant", MESSAGE_cause_redundant, false},
	{"keepalive", MESSAGE_cause_keepalive, true},
	{"zero_window_probe", MESSAGE_cause_zero_window_probe, true},
	{"ack", MESSAGE_cause_ack, true},
	{"standby", MESSAGE_cause_standby, true},
	{"proxy_check", MESSAGE_cause_proxy_check, true},
	{"tracker_ping", MESSAGE_cause_tracker_ping, true},
	{"ping", MESSAGE_cause_ping, true},
	{"server_api", MESSAGE_cause_server_api, false},
	{"speed_test", MESSAGE_cause_speed_test, false},
	{"own_transfer", MESSAGE_cause_own_transfer, false},
	{"ssh", MESSAGE_cause_ssh, false},
	{"vpn", MESSAGE_cause_vpn, true},
	{"dns", MESSAGE_cause_dns, true},
	{"ntp", MESSAGE_cause_ntp, true},
	{"leak", MESSAGE_cause_leak, false},
	{"fallback_tcp", MESSAGE_cause_fallback_tcp, false},
	{"unread", MESSAGE_cause_unread, false},
	{"plain_tcp", MESSAGE_cause_plain_tcp, false},
	{"other", MESSAGE_cause_other, true},
};

static size_t table_row(const char *id)
{
	size_t length = strcspn(id, ":"), i = 0;
	const size_t n = sizeof(cause_table) / sizeof(*cause_table);

	while (i < n &&
	       (strlen(cause_table[i].id) != length || strncmp(cause_table[i].id, id, length) != 0))
		i++;
	return i;
}

const char *cause_say(const char *id, char *out, size_t size)
{
	size_t row = table_row(id);
	char label[160] = "";

	if (strchr(id, ':'))
		text_safe(label, sizeof(label), strchr(id, ':') + 1, 40);
	out[0] = '\0';
	if (row == sizeof(cause_table) / sizeof(*cause_table))
		snprintf(out, size, "%s", id);
	else
		message_say(out, size, cause_table[row].message, (const char *const[]){NULL});
	if (label[0]) {
		char words[60];

		snprintf(words, sizeof(words), "%s", out);
		SAY(out, size, label_colon, words, label);
	}
	return out;
}

bool causes_is_standby(const char *id)
{
	size_t row = table_row(id);

	return row < sizeof(cause_table) / sizeof(*cause_table) && cause_table[row].standby;
}

/* Services whose traffic has a name of its own. */
static const struct {
	const char *app, *id;
} app_causes[] = {
	{"icmp-tracker", "tracker_ping"},
	{"icmp-echo", "ping"},
	{"iperf3", "speed_test"},
	{"omr-api", "server_api"},
	{"ssh", "ssh"},
	{"dns", "dns"},
	{"ntp", "ntp"},
};

bool causes_is_vpn(const char *app)
{
	static const char *const names[] = {"openvpn", "wireguard", "glorytun",  "mlvpn",
	                                    "ubond",   "dsvpn",     "mqvpn",     "softether",
	                                    "gre",     "ipsec-esp", "ipsec-ike", "ipsec-nat-t",
	                                    "l2tp",    "ip-in-ip",  "ip6-in-ip"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(names[i], app) == 0)
			return true;
	return false;
}

/* What a subflow's frame was for, by its kind; payload of a backup is told by phase instead. */
static const char *const subflow_causes[KIND_COUNT] = {
	[KIND_PAYLOAD] = "payload",
	[KIND_RETRANSMISSION] = "retransmission",
	[KIND_REINJECTION] = "reinjection",
	[KIND_REDUNDANT] = "redundant",
	[KIND_KEEPALIVE] = "keepalive",
	[KIND_KEEPALIVE_ACK] = "keepalive",
	[KIND_ZERO_WINDOW_PROBE] = "zero_window_probe",
	[KIND_ACK] = "ack",
	[KIND_HANDSHAKE] = "standby",
	[KIND_SIGNAL] = "standby",
	[KIND_TEARDOWN] = "standby",
	[KIND_RESET] = "standby",
	[KIND_OTHER] = "other",
	[KIND_UNREAD] = "unread",
};

/* Of traffic that is no MPTCP, by its app. */
static void app_id(char id[CAUSE_ID], const char *app, uint8_t traffic)
{
	for (size_t i = 0; i < sizeof(app_causes) / sizeof(*app_causes); i++)
		if (strcmp(app_causes[i].app, app) == 0) {
			snprintf(id, CAUSE_ID, "%s", app_causes[i].id);
			return;
		}
	snprintf(id, CAUSE_ID, "%s:%s",
	         causes_is_vpn(app)         ? "vpn"
	         : traffic == TRAFFIC_PLAIN ? "plain_tcp"
	                                    : "other",
	         app[0] ? app : "unknown");
}

const char *causes_app(const struct report *report, uint16_t app)
{
	return app < report->ledger->n_apps ? report->ledger->apps[app] : "";
}

static void cell_id(char id[CAUSE_ID], const struct report *report, const struct ledger_cell *cell,
                    bool backup)
{
	const char *app = causes_app(report, cell->app);

	if (cell->kind == KIND_UNREAD)
		snprintf(id, CAUSE_ID, "unread");
	else if (cell->kind < KIND_CARRYING && strcmp(app, "iperf3") == 0)
		snprintf(id, CAUSE_ID, "speed_test");
	else if (cell->traffic == TRAFFIC_MPTCP && cell->kind == KIND_PAYLOAD && backup)
		snprintf(id, CAUSE_ID, "payload_%s",
		         phase_names[report_phase(report->ledger, report->primaries,
		                                  cell->circumstance)]);
	else if (cell->traffic == TRAFFIC_MPTCP)
		snprintf(id, CAUSE_ID, "%s", subflow_causes[cell->kind]);
	else if (cell->traffic == TRAFFIC_FALLBACK)
		snprintf(id, CAUSE_ID, "fallback_tcp");
	else
		app_id(id, app, cell->traffic);
}

/* ---- the table ---- */

static struct cause *cause_at(struct account *account, const char *id)
{
	size_t i = 0;

	while (i < account->n_causes && strcmp(account->causes[i].id, id) != 0)
		i++;
	if (i == account->n_causes) {
		memset(&account->causes[i], 0, sizeof(account->causes[i]));
		snprintf(account->causes[i].id, CAUSE_ID, "%s", id);
		account->n_causes++;
	}
	return &account->causes[i];
}

static void show(struct cause *cause, const struct evidence *evidence)
{
	for (uint32_t e = 0; e < evidence->count && e < EVIDENCE_FRAMES; e++) {
		const struct evidence_frame *frame = &evidence->frames[e];
		size_t at = cause->first.count;

		while (at > 0 && cause->first.frames[at - 1].ts_ns > frame->ts_ns)
			at--;
		if (at == EVIDENCE_FRAMES)
			continue;
		if (cause->first.count < EVIDENCE_FRAMES)
			cause->first.count++;
		for (size_t i = cause->first.count - 1; i > at; i--)
			cause->first.frames[i] = cause->first.frames[i - 1];
		cause->first.frames[at] = *frame;
	}
}

static void stretch(struct cause *cause, uint64_t first_ns, uint64_t last_ns)
{
	if (first_ns && (!cause->first_ns || first_ns < cause->first_ns))
		cause->first_ns = first_ns;
	if (last_ns > cause->last_ns)
		cause->last_ns = last_ns;
}

void causes_count(struct account *account, const struct report *report,
                  const struct ledger_cell *cell, bool backup)
{
	char id[CAUSE_ID];
	struct cause *cause;

	cell_id(id, report, cell, backup);
	cause = cause_at(account, id);
	cause->frames += cell->sum.frames;
	cause->ip_bytes += cell->sum.ip_bytes;
	if (cell->first.count)
		stretch(cause, cell->first.frames[0].ts_ns, cell->last_ns);
	show(cause, &cell->first);
}

size_t causes_more(const struct ledger_wan *wan)
{
	return 8 + (wan->peers ? wan->peers->n_rows : 0); /* a host each, and the rhythms */
}

/* Frames leave one cause for another. False: there are not so many in it, and nothing changed. */
static bool move(struct account *account, const char *from_id, const char *to_id, uint64_t frames,
                 uint64_t ip_bytes)
{
	struct cause *from = NULL, *to;

	for (size_t i = 0; i < account->n_causes; i++)
		if (strcmp(account->causes[i].id, from_id) == 0)
			from = &account->causes[i];
	if (!from || from->frames < frames || from->ip_bytes < ip_bytes)
		return false;
	to = cause_at(account, to_id);
	from->frames -= frames;
	from->ip_bytes -= ip_bytes;
	to->frames += frames;
	to->ip_bytes += ip_bytes;
	return true;
}

static void drop_empty(struct account *account)
{
	size_t kept = 0;

	for (size_t i = 0; i < account->n_causes; i++)
		if (account->causes[i].frames || account->causes[i].ip_bytes)
			account->causes[kept++] = account->causes[i];
	account->n_causes = kept;
}

static int cause_order(const void *a, const void *b)
{
	const struct cause *x = a, *y = b;

	if (x->ip_bytes != y->ip_bytes)
		return x->ip_bytes < y->ip_bytes ? 1 : -1;
	return strcmp(x->id, y->id);
}

/* ---- hosts ---- */

struct tally causes_peer_sum(const struct ledger_peer *peer)
{
	struct tally sum = {0, 0, 0, 0};

	for (int d = 0; d < DIR_COUNT; d++) {
		sum.frames += peer->sum[d].frames;
		sum.l2_bytes += peer->sum[d].l2_bytes;
		sum.ip_bytes += peer->sum[d].ip_bytes;
		sum.payload_bytes += peer->sum[d].payload_bytes;
	}
	return sum;
}

const char *causes_peer_text(char out[PEER_TEXT], const struct ledger_peers *peers,
                             const struct ledger_peer_key *key)
{
	unsigned bits = ledger_peer_bits(peers->width, key->family);
	unsigned whole = key->family == 6 ? 128 : 32;

	if (!key->family) {
		snprintf(out, PEER_TEXT, "no address");
		return out;
	}
	inet_ntop(key->family == 6 ? AF_INET6 : AF_INET, key->addr, out, PEER_TEXT);
	if (bits < whole)
		snprintf(out + strlen(out), PEER_TEXT - strlen(out), "/%u", bits);
	return out;
}

bool causes_is_vps(const struct report *report, const struct ledger_peer_key *key)
{
	for (unsigned i = 0; i < report->n_vps; i++)
		if (report->vps[i].family == key->family &&
		    memcmp(report->vps[i].addr, key->addr, sizeof(key->addr)) == 0)
			return true;
	return false;
}

static void add_vps(struct report *report, const struct ledger_peer_key *key)
{
	if (report->n_vps < REPORT_VPS_MAX && !causes_is_vps(report, key))
		report->vps[report->n_vps++] = *key;
}

bool causes_is_stranger(const struct report *report, const struct report_wan *wan,
                        const struct ledger_peer_key *key)
{
	const struct network *gateway = wan->expected ? &wan->expected->gateway : NULL;

	if ((key->traffic != TRAFFIC_PLAIN && key->traffic != TRAFFIC_OTHER) || !key->family ||
	    report->n_vps == 0 || causes_is_vps(report, key) ||
	    strcmp(causes_app(report, key->app), "icmp-tracker") == 0)
		return false;
	return !gateway || gateway->family != key->family ||
	       memcmp(gateway->bytes, key->addr, key->family == 4 ? 4 : 16) != 0;
}

/* IP bytes of subflows with one address, or with all. */
static uint64_t subflow_bytes(const struct report *report, const struct ledger_peer_key *of)
{
	uint64_t sum = 0;

	for (size_t w = 0; w < report->n_wans; w++) {
		const struct ledger_peers *peers = report->wans[w].ledger->peers;

		for (size_t i = 0; peers && i < peers->n_rows; i++) {
			const struct ledger_peer *row = &peers->rows[i];

			if (row->key.traffic == TRAFFIC_MPTCP &&
			    (!of || (row->key.family == of->family &&
			             memcmp(row->key.addr, of->addr, sizeof(of->addr)) == 0)))
				sum += causes_peer_sum(row).ip_bytes;
		}
	}
	return sum;
}

/* A server with less than this part of all MPTCP may be anybody's. */
#define VPS_SHARE    10
#define VPS_SERVICES 16 /* that its bytes may be spread over: what is far below needs no sum */

static bool is_common(const struct report *report, const struct ledger_peer *row, uint64_t all)
{
	double own = (double)causes_peer_sum(row).ip_bytes;

	return row->key.traffic == TRAFFIC_MPTCP && all > 0 &&
	       own * VPS_SHARE * VPS_SERVICES * (double)report->n_wans >= (double)all &&
	       (double)subflow_bytes(report, &row->key) * VPS_SHARE >= (double)all;
}

void causes_find_vps(struct report *report)
{
	const struct expect *expect = &report->policy->expect;
	uint64_t all = subflow_bytes(report, NULL);

	for (size_t w = 0; w < report->n_wans; w++) {
		const struct ledger_peers *peers = report->wans[w].ledger->peers;

		/* addresses that were cut to a prefix cannot be compared */
		for (size_t i = 0; peers && peers->width == 0 && i < peers->n_rows; i++) {
			const struct ledger_peer *row = &peers->rows[i];
			char text[PEER_TEXT];

			causes_peer_text(text, peers, &row->key);
			if (expect->n_servers ? expect_server_at(expect, text) != NULL
			                      : is_common(report, row, all))
				add_vps(report, &row->key);
		}
	}
	report->vps_told = expect->n_servers > 0;
}

/* What goes past the VPS gets the name of its host. */
static void name_hosts(const struct report *report, const struct report_wan *wan,
                       struct account *account)
{
	const struct ledger_peers *peers = wan->ledger->peers;

	for (size_t i = 0; peers && i < peers->n_rows; i++) {
		const struct ledger_peer *row = &peers->rows[i];
		const char *app = causes_app(report, row->key.app);
		struct tally sum = causes_peer_sum(row);
		char from[CAUSE_ID], to[CAUSE_ID], host[PEER_TEXT];

		if (!causes_is_stranger(report, wan, &row->key))
			continue;
		app_id(from, app, row->key.traffic);
		if (!strchr(from, ':')) /* it has a name of its own already */
			continue;
		snprintf(to, sizeof(to), "leak:%s %.20s", causes_peer_text(host, peers, &row->key),
		         app[0] ? app : "unknown");
		if (!move(account, from, to, sum.frames, sum.ip_bytes))
			continue;
		stretch(cause_at(account, to), row->first_ns, row->last_ns);
		show(cause_at(account, to), &row->first);
	}
}

/* An ssh session that was there before the capture began, is there at its end, and mostly sends: it
 * carries the capture away. */
static void name_own_transfer(const struct report *report, const struct report_wan *wan,
                              struct account *account)
{
	const struct ledger_peers *peers = wan->ledger->peers;
	uint64_t first, last, margin;

	if (!peers || !report_extent(wan, &first, &last))
		return;
	margin = (last - first) / 50 + 2 * NS;
	for (size_t i = 0; i < peers->n_rows; i++) {
		const struct ledger_peer *row = &peers->rows[i];
		struct tally sum = causes_peer_sum(row);

		if (row->key.traffic != TRAFFIC_PLAIN ||
		    strcmp(causes_app(report, row->key.app), "ssh") != 0 || row->opened ||
		    row->first_ns > first + margin || row->last_ns + margin < last ||
		    row->sum[DIR_UP].payload_bytes * 10 < sum.payload_bytes * 9 ||
		    !move(account, "ssh", "own_transfer", sum.frames, sum.ip_bytes))
			continue;
		stretch(cause_at(account, "own_transfer"), row->first_ns, row->last_ns);
		show(cause_at(account, "own_transfer"), &row->first);
	}
}

/* ---- rhythm ---- */

bool causes_rhythm(const struct ledger_wan *wan, enum cadence cadence, unsigned from,
                   uint32_t *seconds, uint64_t *of_it, uint64_t *all)
{
	const uint64_t *counts = wan->peers ? wan->peers->cadence[cadence] : NULL;
	unsigned most = from;

	*all = 0;
	for (unsigned i = from; counts && i < CADENCE_CLASSES; i++) {
		*all += counts[i];
		if (counts[i] > counts[most])
			most = i;
	}
	if (*all == 0)
		return false;
	*seconds = cadence_seconds[most];
	*of_it = counts[most];
	return true;
}

uint64_t causes_idle_subflows(const struct report_wan *wan, uint32_t seconds)
{
	uint64_t first, last, most = 0;

	if (!report_extent(wan, &first, &last) || last - first < seconds * NS)
		return 0;
	for (int d = 0; d < DIR_COUNT; d++)
		if (wan->whole.kinds[d][KIND_KEEPALIVE].frames > most)
			most = wan->whole.kinds[d][KIND_KEEPALIVE].frames;
	return (uint64_t)((double)most * seconds / ((double)(last - first) / 1e9) + 0.5);
}

static void say_rhythm(const struct report_wan *wan, struct cause *cause)
{
	const struct ledger_event *e = wan->ledger->events;
	uint64_t of_it, all, subflows;
	uint32_t seconds;
	char every[TEXT_SHORT], count[TEXT_SHORT];

	if (strcmp(cause->id, "keepalive") == 0 &&
	    causes_rhythm(wan->ledger, CADENCE_KEEPALIVE, 0, &seconds, &of_it, &all) && seconds &&
	    of_it * 2 > all) {
		subflows = causes_idle_subflows(wan, seconds);
		text_count(every, seconds);
		if (subflows > 1)
			SAY_IN(cause->detail, every_seconds_each, every,
			       text_count(count, subflows));
		else
			SAY_IN(cause->detail, every_seconds, every);
	} else if (strcmp(cause->id, "tracker_ping") == 0 &&
	           causes_rhythm(wan->ledger, CADENCE_TRACKER, 1, &seconds, &of_it, &all) &&
	           seconds) {
		/* class 0 is the pause between the pings of one go */
		SAY_IN(cause->detail, every_seconds, text_count(every, seconds));
	} else if (strcmp(cause->id, "standby") == 0 &&
	           e[EVENT_JOIN_SYN].count + e[EVENT_CAPABLE_SYN].count > 1) {
		SAY_IN(cause->detail, of_them,
		       text_count(count, e[EVENT_JOIN_SYN].count + e[EVENT_CAPABLE_SYN].count));
	} else if (strcmp(cause->id, "proxy_check") == 0) {
		snprintf(every, sizeof(every), "%.0f", (double)wan->check.period_ns / 1e9);
		SAY_IN(cause->detail, every_seconds_connections, every,
		       text_count(count, wan->check.connections));
	}
}

static void say_rhythms(const struct report_wan *wan, struct account *account)
{
	for (size_t i = 0; i < account->n_causes; i++)
		say_rhythm(wan, &account->causes[i]);
}

/* ---- the proxy's health check ----
 *
 * omr-tracker-ss asks for one page every 10 s: short connections of one size, evenly spaced.
 */

#define CHECK_BYTES_MAX  16384
#define CHECK_LASTS_MAX  (5 * NS)
#define CHECK_LEAST      6
#define CHECK_SIZE_SLACK 64 /* bytes by which answers to one question differ: dates, cookies */
#define CHECK_PERIOD_MIN (4 * NS)
#define CHECK_PERIOD_MAX (120 * NS)

struct short_one {
	uint64_t bytes, first_ns;
	const struct ledger_connection *connection;
};

static int by_bytes(const void *a, const void *b)
{
	const struct short_one *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? -1 : 1;
	return (x->first_ns > y->first_ns) - (x->first_ns < y->first_ns);
}

static int by_time(const void *a, const void *b)
{
	const struct short_one *x = a, *y = b;

	return (x->first_ns > y->first_ns) - (x->first_ns < y->first_ns);
}

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static size_t find_short(const struct ledger *ledger, struct short_one *rows)
{
	size_t n = 0;

	for (size_t i = 0; i < ledger->n_connections; i++) {
		const struct ledger_connection *c = &ledger->connections[i];
		uint64_t bytes = c->unique_bytes[0] + c->unique_bytes[1];

		if (c->version >= 0 && !c->fallback && bytes > 0 && bytes <= CHECK_BYTES_MAX &&
		    c->last_ns - c->first_ns <= CHECK_LASTS_MAX)
			rows[n++] = (struct short_one){bytes, c->first_ns, c};
	}
	return n;
}

/* The period of rows in the order of time; 0 = they have none. A check that was missed makes a gap
 * of twice the period. */
static uint64_t period_of(const struct short_one *rows, size_t n, uint64_t *gaps)
{
	uint64_t period;
	size_t even = 0;

	for (size_t i = 1; i < n; i++)
		gaps[i - 1] = rows[i].first_ns - rows[i - 1].first_ns;
	qsort(gaps, n - 1, sizeof(*gaps), by_number);
	period = gaps[(n - 1) / 2];
	if (period < CHECK_PERIOD_MIN || period > CHECK_PERIOD_MAX)
		return 0;
	for (size_t i = 0; i + 1 < n; i++)
		even += (gaps[i] >= period * 3 / 4 && gaps[i] <= period * 5 / 4) ||
		        (gaps[i] >= period * 7 / 4 && gaps[i] <= period * 9 / 4);
	return even * 10 >= (n - 1) * 7 ? period : 0;
}

/* The largest group of one size that has a period: its rows lie in rows[*from .. *from + *n). */
static uint64_t find_check(struct short_one *rows, size_t n_rows, uint64_t *gaps, size_t *from,
                           size_t *n)
{
	uint64_t found = 0;

	qsort(rows, n_rows, sizeof(*rows), by_bytes);
	*n = 0;
	for (size_t start = 0, end; start < n_rows; start = end) {
		uint64_t period;

		for (end = start + 1;
		     end < n_rows && rows[end].bytes - rows[start].bytes <= CHECK_SIZE_SLACK; end++)
			;
		if (end - start < CHECK_LEAST || end - start <= *n)
			continue;
		qsort(rows + start, end - start, sizeof(*rows), by_time);
		period = period_of(rows + start, end - start, gaps);
		if (!period)
			continue;
		found = period;
		*from = start;
		*n = end - start;
	}
	return found;
}

/* Its frames on this WAN leave their causes; those that carry payload stay what they are. */
static void move_check(const struct ledger_connection *connection, uint32_t wan,
                       struct account *account, struct proxy_check *check)
{
	for (size_t s = 0; s < connection->n_subflows; s++) {
		const struct ledger_subflow *subflow = &connection->subflows[s];

		if (subflow->wan != wan)
			continue;
		for (unsigned k = KIND_CARRYING; k < KIND_COUNT; k++) {
			const struct tally *sum = &subflow->kinds[k];

			if (k == KIND_DUPLICATE || k == KIND_UNREAD || !sum->frames ||
			    !move(account, subflow_causes[k], "proxy_check", sum->frames,
			          sum->ip_bytes))
				continue;
			check->frames += sum->frames;
			check->ip_bytes += sum->ip_bytes;
		}
		stretch(cause_at(account, "proxy_check"), subflow->first_ns, subflow->last_ns);
	}
	check->connections++;
	memcpy(check->server, connection->server, sizeof(check->server));
}

static void name_proxy_check(const struct report *report, struct report_wan *wan,
                             struct account *account)
{
	const struct ledger *ledger = report->ledger;
	struct short_one *rows = calloc(ledger->n_connections + 1, sizeof(*rows));
	uint64_t *gaps = calloc(ledger->n_connections + 1, sizeof(*gaps));
	size_t n, from = 0, found = 0;

	if (rows && gaps) {
		n = find_short(ledger, rows);
		wan->check.period_ns = find_check(rows, n, gaps, &from, &found);
		for (size_t i = 0; wan->check.period_ns && i < found; i++)
			move_check(rows[from + i].connection, (uint32_t)(wan - report->wans),
			           account, &wan->check);
	}
	free(rows);
	free(gaps);
}

/* ---- the whole ---- */

void causes_finish(const struct report *report, struct report_wan *wan, struct account *account,
                   bool whole)
{
	if (whole) {
		name_hosts(report, wan, account);
		name_own_transfer(report, wan, account);
		if (wan->role.role == ROLE_BACKUP)
			name_proxy_check(report, wan, account);
		say_rhythms(wan, account);
	}
	drop_empty(account);
	qsort(account->causes, account->n_causes, sizeof(struct cause), cause_order);
}
