/* SPDX-License-Identifier: MIT
 *
 * split.c - see split.h.
 */
#include "split.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filter.h"

struct split {
	size_t n;
	struct split_row {
		struct filter *filter; /* owned */
		uint32_t wan;
	} rows[];
};

/* ADDRESS, or ADDRESS/LEN with no bit behind LEN: as libpcap's "net" wants it. */
static bool is_network(const char *text, char *net, size_t size)
{
	uint8_t bytes[16];
	char address[INET6_ADDRSTRLEN], *end;
	size_t length = strcspn(text, "/");
	bool six = strchr(text, ':') != NULL;
	unsigned bits = six ? 128 : 32;
	unsigned long kept = bits;

	if (length >= sizeof(address))
		return false;
	memcpy(address, text, length);
	address[length] = '\0';
	if (inet_pton(six ? AF_INET6 : AF_INET, address, bytes) != 1)
		return false;
	if (text[length] == '/') {
		kept = strtoul(text + length + 1, &end, 10);
		if (text[length + 1] < '0' || text[length + 1] > '9' || *end || kept > bits)
			return false;
	}
	for (unsigned bit = (unsigned)kept; bit < bits; bit++)
		bytes[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
	inet_ntop(six ? AF_INET6 : AF_INET, bytes, address, sizeof(address));
	snprintf(net, size, "net %s/%lu", address, kept);
	return true;
}

struct split *split_new(const struct source_split *rows, size_t n, char *message, size_t size)
{
	struct split *split = calloc(1, sizeof(*split) + n * sizeof(split->rows[0]));
	char net[INET6_ADDRSTRLEN + 16];

	if (!split) {
		snprintf(message, size, "out of memory");
		return NULL;
	}
	for (size_t i = 0; i < n; i++) {
		if (!is_network(rows[i].network, net, sizeof(net))) {
			snprintf(message, size,
			         "\"%.60s\" is no network: write an address, or an address and "
			         "the length of its prefix, such as 192.0.2.0/24",
			         rows[i].network);
			split_free(split);
			return NULL;
		}
		split->rows[i].filter = filter_new(net);
		split->n++;
		if (!split->rows[i].filter) {
			snprintf(message, size, "out of memory");
			split_free(split);
			return NULL;
		}
	}
	return split;
}

void split_free(struct split *split)
{
	for (size_t i = 0; split && i < split->n; i++)
		filter_free(split->rows[i].filter);
	free(split);
}

int split_find(struct split *split, const struct frame *frame)
{
	char message[4];

	for (size_t i = 0; i < split->n; i++)
		/* A filter lets pass what it cannot judge: here that is nobody's. */
		if (filter_prepare(split->rows[i].filter, frame->linktype, message,
		                   sizeof(message)) &&
		    filter_passes(split->rows[i].filter, frame))
			return (int)i;
	return -1;
}

void split_set_wan(struct split *split, size_t row, uint32_t wan)
{
	split->rows[row].wan = wan;
}

uint32_t split_wan(const struct split *split, int row)
{
	return split->rows[row].wan;
}
