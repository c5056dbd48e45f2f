/* SPDX-License-Identifier: MIT
 *
 * filter.c - the one file that includes pcap.h. See filter.h.
 */
#include "filter.h"

#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILTER_LINKS 16 /* link types in one audit; further ones pass */

struct filter {
	char *text;
	unsigned n;
	struct filter_program {
		struct bpf_program program;
		uint16_t linktype;
		bool compiled;
		char message[PCAP_ERRBUF_SIZE]; /* why not */
	} programs[FILTER_LINKS];
};

struct filter *filter_new(const char *text)
{
	struct filter *filter = calloc(1, sizeof(*filter));

	if (filter)
		filter->text = strdup(text);
	if (filter && !filter->text) {
		free(filter);
		return NULL;
	}
	return filter;
}

void filter_free(struct filter *filter)
{
	if (!filter)
		return;
	for (unsigned i = 0; i < filter->n; i++)
		if (filter->programs[i].compiled)
			pcap_freecode(&filter->programs[i].program);
	free(filter->text);
	free(filter);
}

/* libpcap compiles for a DLT of this system; of those we meet only raw IP has another number in
 * files. */
static int host_link(uint16_t linktype)
{
	return linktype == LINK_RAW ? DLT_RAW : linktype;
}

static void compile(struct filter *filter, struct filter_program *row)
{
	pcap_t *dead = pcap_open_dead(host_link(row->linktype), 262144);

	if (!dead) {
		snprintf(row->message, sizeof(row->message), "out of memory");
		return;
	}
	row->compiled =
		pcap_compile(dead, &row->program, filter->text, 1, PCAP_NETMASK_UNKNOWN) == 0;
	if (!row->compiled)
		snprintf(row->message, sizeof(row->message), "%s", pcap_geterr(dead));
	pcap_close(dead);
}

/* NULL when there are more link types than we keep programs for. */
static struct filter_program *program_of(struct filter *filter, uint16_t linktype)
{
	for (unsigned i = 0; i < filter->n; i++)
		if (filter->programs[i].linktype == linktype)
			return &filter->programs[i];
	if (filter->n == FILTER_LINKS)
		return NULL;
	struct filter_program *row = &filter->programs[filter->n++];
	row->linktype = linktype;
	compile(filter, row);
	return row;
}

bool filter_prepare(struct filter *filter, uint16_t linktype, char *message, size_t size)
{
	const struct filter_program *row = program_of(filter, linktype);

	if (!row || row->compiled)
		return true;
	snprintf(message, size, "%s", row->message);
	return false;
}

bool filter_passes(struct filter *filter, const struct frame *frame)
{
	const struct filter_program *row = program_of(filter, frame->linktype);

	if (!row || !row->compiled)
		return true;
	struct pcap_pkthdr header = {.caplen = frame->caplen, .len = frame->wire_len};
	return pcap_offline_filter(&row->program, &header, frame->data) != 0;
}
