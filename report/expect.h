/* SPDX-License-Identifier: MIT
 *
 * expect.h - what a site says of itself: its WANs, its servers, its networks, its plan, its time.
 *
 * Plain data of bounded size; empty words and zeros mean "not told". Every value keeps its source
 * and, in words, the place it came from. uci.h and policy.h fill it, the strongest source wins;
 * rules read it. Nothing here reads a capture or a file.
 */
#ifndef REPORT_EXPECT_H
#define REPORT_EXPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Weakest first. FROM_CAPTURE: the operator told the recorder, which wrote it into its files. */
enum role_source { FROM_ASSUMED, FROM_CAPTURE, FROM_UCI, FROM_CONFIG, FROM_FLAG, FROM_COUNT };
extern const char *const role_source_names[FROM_COUNT];

/* As OpenMPTCProuter calls them. NONE: nothing says what this WAN is for. */
enum role { ROLE_NONE, ROLE_MASTER, ROLE_ON, ROLE_BACKUP, ROLE_OFF, ROLE_COUNT };
extern const char *const role_names[ROLE_COUNT];

/* The two ways people run this. ECONOMY: a backup is only kept alive, and no byte is wanted twice.
 * RELIABILITY: copies on the masters are wanted, and their price is told; backups still idle. */
enum profile { PROFILE_ECONOMY, PROFILE_RELIABILITY, PROFILE_COUNT };
extern const char *const profile_names[PROFILE_COUNT];

#define EXPECT_WORD 64

/* Who said a value: "network.wan2.multipath", "site.ini:12", "--profile". */
struct told {
	enum role_source source;
	char from[EXPECT_WORD * 2]; /* "" = not told */
};

/* ---- addresses ---- */

struct network {
	uint8_t family; /* 4, 6, or 0 = none */
	uint8_t length; /* of the prefix, in bits */
	uint8_t bytes[16];
};
#define NETWORK_TEXT 56

/* "192.0.2.1", "192.0.2.0/24", "2001:db8::/32". */
bool network_parse(struct network *network, const char *text);
/* `endpoint` as ledgers write it: "192.0.2.1", "192.0.2.1:443", "[2001:db8::1]:443". */
bool network_holds(const struct network *network, const char *endpoint);
/* "02-AA-00-00-00-01" as "02:aa:00:00:00:01"; false, and out as it was: no hardware address. */
bool network_mac(char out[18], const char *text);
/* A whole address is written without its length. Returns out. */
const char *network_text(char out[NETWORK_TEXT], const struct network *network);

/* ---- the data plan of a WAN ---- */

struct expect_plan {
	struct told told;              /* told.from "" = no plan is known */
	uint64_t quota_bytes;          /* of a billing period, both directions; 0 = not told */
	uint64_t up_bytes, down_bytes; /* quota of one direction; 0 = not told */
	uint64_t granularity_bytes;    /* the carrier rounds up to multiples of it; 0 = exact */
	unsigned billing_day;          /* 1..31, a period begins on it; 0 = not told */
	bool binary;                   /* the carrier's GB is a GiB */
	double price;                  /* of a period */
	double price_per_gb;           /* of each further GB (or GiB) */
	char currency[8];
};

/* ---- a WAN ---- */

#define EXPECT_NAMES    8
#define EXPECT_NETWORKS 8
struct expect_wan {
	char name[EXPECT_WORD]; /* "wan2" */
	/* other names that a capture may know it by: its devices, or globs of them */
	char devices[EXPECT_NAMES][EXPECT_WORD];
	unsigned n_devices;
	enum role_source devices_from;
	char mac[18];                        /* "02:00:00:00:00:02" */
	struct network own[EXPECT_NETWORKS]; /* addresses of its own */
	unsigned n_own;
	struct network gateway;
	char protocol[16]; /* "static", "dhcp", "pppoe", "modemmanager", ... */

	struct told name_told, role_told;
	enum role role;               /* NONE: not told */
	char role_word[EXPECT_WORD];  /* as it was written: "handover" counts as on */
	char tunnels[2][EXPECT_WORD]; /* VPN interfaces that carry MPTCP instead of it */
	unsigned n_tunnels;
	struct expect_plan plan;
};

/* ---- a server (VPS) ---- */

#define EXPECT_PORTS 16
struct expect_server {
	struct told told;
	char name[EXPECT_WORD];
	struct network addresses[EXPECT_NETWORKS];
	unsigned n_addresses;
	uint16_t api_port;            /* 65500 unless told */
	uint16_t ports[EXPECT_PORTS]; /* further ports of its services, as told */
	unsigned n_ports;
	char kernel[EXPECT_WORD];  /* "6.18" */
	char version[EXPECT_WORD]; /* of OpenMPTCProuter on it */
	bool off;                  /* configured, but disabled */
};

/* ---- the site ---- */

struct expect_word {
	struct told told;
	char text[EXPECT_WORD];
};

#define EXPECT_WANS    64
#define EXPECT_SERVERS 16
#define EXPECT_NOTES   32
#define EXPECT_NOTE 400
struct expect {
	struct expect_wan wans[EXPECT_WANS];
	unsigned n_wans;
	struct expect_server servers[EXPECT_SERVERS];
	unsigned n_servers;
	struct network lans[EXPECT_NETWORKS];
	unsigned n_lans;
	struct told lans_told;
	struct expect_plan plan; /* of each backup that has none of its own */

	struct expect_word zone;             /* POSIX TZ: "CET-1CEST,M3.5.0,M10.5.0/3"; "" = UTC */
	struct expect_word zone_name;        /* "Europe/Berlin" */
	struct expect_word scheduler;        /* of the router: "default", "mptcp_bpf_red.o", ... */
	struct expect_word kernel;           /* of the router: "6.12" */
	struct expect_word proxy, vpn, mode; /* openmptcprouter.settings: proxy, vpn, master */
	struct expect_word mptcp;            /* "enable", "disable" */
	enum profile profile;
	struct told profile_told;

	/* what was read and could not be used, a message each; the rest is counted */
	char notes[EXPECT_NOTES][EXPECT_NOTE];
	unsigned n_notes, more_notes;
};

void expect_init(struct expect *expect);

/* The WAN of that name, added when it is new; NULL when there are EXPECT_WANS others. */
struct expect_wan *expect_wan(struct expect *expect, const char *name);
struct expect_server *expect_server(struct expect *expect, const char *name);

/* Whose address the far end of a connection is; NULL: no server's, or none is known. */
const struct expect_server *expect_server_at(const struct expect *expect, const char *endpoint);
bool expect_is_lan(const struct expect *expect, const char *endpoint);

/* The plan of a WAN: its own, or for a backup the site's; NULL = none known. `wan` may be NULL. */
const struct expect_plan *expect_plan_of(const struct expect *expect, const struct expect_wan *wan,
                                         enum role role);

/* Copy a word when its source is at least as strong as what is there. */
void expect_say(struct expect_word *word, const char *text, const struct told *told);

/* `note` is a message. */
void expect_note(struct expect *expect, const char *note);

#endif
