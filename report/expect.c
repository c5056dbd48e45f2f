/* SPDX-License-Identifier: MIT
 *
 * expect.c - see expect.h.
 */
#include "expect.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const role_names[ROLE_COUNT] = {"none", "master", "on", "backup", "off"};
const char *const role_source_names[FROM_COUNT] = {"assumed", "capture", "uci", "config", "flag"};
const char *const profile_names[PROFILE_COUNT] = {"economy", "reliability"};

/* The API of OpenMPTCProuter's server (domain: ports of the VPS). */
#define API_PORT 65500

void expect_init(struct expect *expect)
{
	memset(expect, 0, sizeof(*expect));
}

/* ---- addresses ---- */

static unsigned most_bits(uint8_t family)
{
	return family == 6 ? 128 : 32;
}

static bool address_parse(struct network *network, const char *text)
{
	network->family = strchr(text, ':') ? 6 : 4;
	network->length = (uint8_t)most_bits(network->family);
	return inet_pton(network->family == 6 ? AF_INET6 : AF_INET, text, network->bytes) == 1;
}

bool network_parse(struct network *network, const char *text)
{
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	char address[INET6_ADDRSTRLEN], *end;
	unsigned long length;

	memset(network, 0, sizeof(*network));
	if (n >= sizeof(address))
		return false;
	memcpy(address, text, n);
	address[n] = '\0';
	if (!address_parse(network, address))
		goto refused;
	if (!slash)
		return true;
	if (!isdigit((unsigned char)slash[1]))
		goto refused;
	length = strtoul(slash + 1, &end, 10);
	if (*end || length > most_bits(network->family))
		goto refused;
	network->length = (uint8_t)length;
	return true;
refused:
	memset(network, 0, sizeof(*network));
	return false;
}

/* The address of "192.0.2.1:443" and of "[2001:db8::1]:443". */
static bool endpoint_address(struct network *address, const char *endpoint)
{
	bool bracket = endpoint[0] == '[';
	const char *from = endpoint + bracket, *colon = strchr(from, ':'), *end;
	char text[INET6_ADDRSTRLEN];

	if (bracket)
		end = strchr(from, ']');
	else
		end = colon && !strchr(colon + 1, ':') ? colon : from + strlen(from);
	if (!end || (size_t)(end - from) >= sizeof(text))
		return false;
	memcpy(text, from, (size_t)(end - from));
	text[end - from] = '\0';
	return address_parse(address, text);
}

bool network_holds(const struct network *network, const char *endpoint)
{
	unsigned whole = network->length / 8, rest = network->length % 8;
	struct network address = {0};

	if (!network->family || !endpoint_address(&address, endpoint) ||
	    address.family != network->family || memcmp(address.bytes, network->bytes, whole) != 0)
		return false;
	return rest == 0 || ((address.bytes[whole] ^ network->bytes[whole]) >> (8 - rest)) == 0;
}

const char *network_text(char out[NETWORK_TEXT], const struct network *network)
{
	size_t n;

	out[0] = '\0';
	if (!network->family || !inet_ntop(network->family == 6 ? AF_INET6 : AF_INET,
	                                   network->bytes, out, NETWORK_TEXT))
		return out;
	n = strlen(out);
	if (network->length < most_bits(network->family))
		snprintf(out + n, NETWORK_TEXT - n, "/%u", network->length);
	return out;
}

bool network_mac(char out[18], const char *text)
{
	size_t n = 0;

	if (strlen(text) != 17)
		return false;
	for (; n < 17; n++)
		if (n % 3 == 2 ? text[n] != ':' && text[n] != '-'
		               : !isxdigit((unsigned char)text[n]))
			return false;
	for (n = 0; n < 17; n++)
		out[n] = n % 3 == 2 ? ':' : (char)tolower((unsigned char)text[n]);
	out[17] = '\0';
	return true;
}

/* ---- find or add ---- */

struct expect_wan *expect_wan(struct expect *expect, const char *name)
{
	struct expect_wan *wan;

	for (unsigned i = 0; i < expect->n_wans; i++)
		if (strcmp(expect->wans[i].name, name) == 0)
			return &expect->wans[i];
	if (expect->n_wans == EXPECT_WANS || strlen(name) >= EXPECT_WORD)
		return NULL;
	wan = &expect->wans[expect->n_wans++];
	snprintf(wan->name, sizeof(wan->name), "%s", name);
	return wan;
}

struct expect_server *expect_server(struct expect *expect, const char *name)
{
	struct expect_server *server;

	for (unsigned i = 0; i < expect->n_servers; i++)
		if (strcmp(expect->servers[i].name, name) == 0)
			return &expect->servers[i];
	if (expect->n_servers == EXPECT_SERVERS || strlen(name) >= EXPECT_WORD)
		return NULL;
	server = &expect->servers[expect->n_servers++];
	snprintf(server->name, sizeof(server->name), "%s", name);
	server->api_port = API_PORT;
	return server;
}

/* ---- questions ---- */

const struct expect_server *expect_server_at(const struct expect *expect, const char *endpoint)
{
	for (unsigned i = 0; i < expect->n_servers; i++)
		for (unsigned k = 0; k < expect->servers[i].n_addresses; k++)
			if (network_holds(&expect->servers[i].addresses[k], endpoint))
				return &expect->servers[i];
	return NULL;
}

bool expect_is_lan(const struct expect *expect, const char *endpoint)
{
	for (unsigned i = 0; i < expect->n_lans; i++)
		if (network_holds(&expect->lans[i], endpoint))
			return true;
	return false;
}

const struct expect_plan *expect_plan_of(const struct expect *expect, const struct expect_wan *wan,
                                         enum role role)
{
	if (wan && wan->plan.told.from[0])
		return &wan->plan;
	return role == ROLE_BACKUP && expect->plan.told.from[0] ? &expect->plan : NULL;
}

void expect_say(struct expect_word *word, const char *text, const struct told *told)
{
	if (word->told.from[0] && told->source < word->told.source)
		return;
	snprintf(word->text, sizeof(word->text), "%s", text);
	word->told = *told;
}

void expect_note(struct expect *expect, const char *note)
{
	if (expect->n_notes == EXPECT_NOTES) {
		expect->more_notes++;
		return;
	}
	snprintf(expect->notes[expect->n_notes], EXPECT_NOTE, "%s", note);
	for (unsigned i = 0; i < expect->n_notes; i++)
		if (strcmp(expect->notes[i], expect->notes[expect->n_notes]) == 0)
			return;
	expect->n_notes++;
}
