/* SPDX-License-Identifier: MIT
 *
 * savefile.c - the pcap and pcapng formats. See savefile.h.
 */
#include "savefile.h"

#include "names.h"

#define NS_PER_S 1000000000ull

enum time_form { TIME_MULTIPLY, TIME_DIVIDE, TIME_BINARY };

enum block_type {
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 2, /* obsolete, still in old files */
	BLOCK_SIMPLE = 3,
	BLOCK_STATISTICS = 5,
	BLOCK_ENHANCED = 6,
	BLOCK_SECTION = 0x0a0d0d0a,
};
#define BYTE_ORDER_MAGIC 0x1a2b3c4du

enum option_code {
	OPTION_END = 0,
	OPTION_COMMENT = 1,
	IF_NAME = 2,
	IF_IPV4 = 4,
	IF_IPV6 = 5,
	IF_TSRESOL = 9,
	IF_FILTER = 11,
	IF_TSOFFSET = 14,
	EPB_FLAGS = 2,
	EPB_DROPCOUNT = 4,
	ISB_STARTTIME = 2,
	ISB_ENDTIME = 3,
	ISB_IFDROP = 5,
	ISB_OSDROP = 7,
};

/* The forms of a pcap, by the first four bytes. */
static const struct pcap_form {
	uint32_t magic;
	uint32_t tick_ns;
	uint8_t file_header, record_header;
} pcap_forms[] = {
	{0xa1b2c3d4, 1000, 24, 16}, {0xa1b23c4d, 1, 24, 16},
	{0xa1b2cd34, 1000, 24, 24}, /* Alexey Kuznetzov's, of old Red Hat libpcaps */
	{0x1c0001ab, 1000, 28, 16}, /* Ixia, software; the length of all records follows the header
                                     */
	{0x1c0001ac, 1, 28, 16},    /* Ixia, hardware */
};

static uint32_t plain_u32(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

static uint16_t take_u16(const struct savefile *savefile, const uint8_t *bytes)
{
	uint16_t value;

	memcpy(&value, bytes, sizeof(value));
	return savefile->swapped ? __builtin_bswap16(value) : value;
}

static uint64_t take_u64(const struct savefile *savefile, const uint8_t *bytes)
{
	uint64_t value;

	memcpy(&value, bytes, sizeof(value));
	return savefile->swapped ? __builtin_bswap64(value) : value;
}

/* Two halves, high first, each in the file's byte order: how pcapng writes times. */
static uint64_t take_time(const struct savefile *savefile, const uint8_t *bytes)
{
	return (uint64_t)savefile_u32(savefile, bytes) << 32 | savefile_u32(savefile, bytes + 4);
}

static const struct pcap_form *pcap_form(uint32_t magic, bool *swapped)
{
	size_t n = sizeof(pcap_forms) / sizeof(pcap_forms[0]);

	for (size_t i = 0; i < n; i++) {
		*swapped = magic != pcap_forms[i].magic;
		if (!*swapped || magic == __builtin_bswap32(pcap_forms[i].magic))
			return &pcap_forms[i];
	}
	return NULL;
}

/* Does a whole file begin here? Asked only where a record makes no sense. */
static bool file_begins(const uint8_t *bytes, size_t length)
{
	bool swapped;

	if (length < 16)
		return false;
	if (plain_u32(bytes) == BLOCK_SECTION)
		return plain_u32(bytes + 8) == BYTE_ORDER_MAGIC ||
		       plain_u32(bytes + 8) == __builtin_bswap32(BYTE_ORDER_MAGIC);
	return pcap_form(plain_u32(bytes), &swapped) != NULL;
}

/* DLT_RAW has its own number on some systems, and old files hold that one. */
static uint16_t common_link(uint32_t link)
{
	link &= 0xffff; /* above are the length of the frame check sequence and reserved bits */
	return (uint16_t)(link == 12 || link == 14 ? LINK_RAW : link);
}

static void interface_reset(struct savefile_interface *interface)
{
	memset(interface, 0, sizeof(*interface));
	interface->wan = SAVEFILE_NO_WAN;
	interface->time_form = TIME_MULTIPLY;
	interface->factor = 1000;
}

static int begin_pcap(struct savefile *savefile, const uint8_t *bytes, size_t length,
                      const struct pcap_form *form)
{
	struct savefile_interface *interface = &savefile->interfaces[0];

	if (length < form->file_header)
		return -2;
	uint16_t major = take_u16(savefile, bytes + 4), minor = take_u16(savefile, bytes + 6);
	if (major != 2 && major != 543)
		return -1;
	savefile->tick_ns = form->tick_ns;
	savefile->record_header = form->record_header;
	savefile->crossed_lengths = major == 543 || minor < 4;
	savefile->n_interfaces = 1;
	interface_reset(interface);
	interface->snaplen = savefile_u32(savefile, bytes + 16);
	interface->linktype = common_link(savefile_u32(savefile, bytes + 20));
	return form->file_header;
}

int savefile_begin(struct savefile *savefile, const uint8_t *bytes, size_t length,
                   struct savefile_interface *interfaces, uint32_t room)
{
	*savefile = (struct savefile){.interfaces = interfaces, .cap_interfaces = room};
	if (length < 4)
		return -2;
	const struct pcap_form *form = pcap_form(plain_u32(bytes), &savefile->swapped);
	if (form)
		return begin_pcap(savefile, bytes, length, form);
	if (plain_u32(bytes) != BLOCK_SECTION)
		return -1;
	if (length < 12)
		return -2;
	savefile->ng = true;
	savefile->swapped = plain_u32(bytes + 8) != BYTE_ORDER_MAGIC;
	return savefile_u32(savefile, bytes + 8) == BYTE_ORDER_MAGIC ? 0 : -1;
}

static enum savefile_item damaged(struct savefile_record *record, enum file_flaw fault)
{
	record->fault = fault;
	return SAVEFILE_DAMAGED;
}

static enum savefile_item more(struct savefile_record *record, uint64_t size)
{
	record->size = size;
	return SAVEFILE_MORE;
}

/* ---- pcap ---- */

static enum savefile_item next_pcap(struct savefile *savefile, const uint8_t *bytes, size_t length,
                                    struct savefile_record *record)
{
	uint32_t header = savefile->record_header;

	if (length < header)
		return more(record, header);
	uint32_t caplen = savefile_u32(savefile, bytes + 8),
		 wire = savefile_u32(savefile, bytes + 12);
	if (savefile->crossed_lengths && caplen > wire) {
		uint32_t swap = caplen;
		caplen = wire;
		wire = swap;
	}
	/* A file header read as a record has no captured length, or an absurd one. */
	if ((caplen == 0 || caplen > SAVEFILE_FRAME_MAX) && file_begins(bytes, length))
		return SAVEFILE_GLUED;
	if (caplen > SAVEFILE_FRAME_MAX)
		return damaged(record, FILE_FLAW_FRAME_LENGTH);
	if (length - header < caplen)
		return more(record, (uint64_t)header + caplen);

	record->ts_ns = savefile_u32(savefile, bytes) * NS_PER_S +
	                (uint64_t)savefile_u32(savefile, bytes + 4) * savefile->tick_ns;
	record->data = bytes + header;
	record->caplen = caplen;
	record->wire_len = wire;
	record->size = (uint64_t)header + caplen;
	if (header == 24 && (bytes[22] == 4 || bytes[22] == 0))
		record->mark = bytes[22] == 4 ? MARK_OUT : MARK_IN;
	return SAVEFILE_FRAME;
}

/* ---- pcapng ---- */

bool savefile_option(const struct savefile *savefile, const uint8_t **at, const uint8_t *end,
                     struct savefile_option *option)
{
	if (end - *at < 4)
		return false;
	option->code = take_u16(savefile, *at);
	option->length = take_u16(savefile, *at + 2);
	option->value = *at + 4;
	if (option->code == OPTION_END || end - option->value < option->length)
		return false;
	size_t padded = (option->length + 3u) & ~3u;
	size_t left = (size_t)(end - option->value);
	*at = option->value + (padded < left ? padded : left);
	return true;
}

/* Names come from strangers: what is no clean UTF-8 becomes '?'. */
static void take_name(char *name, const uint8_t *text, size_t length)
{
	size_t used = 0;

	for (size_t at = 0; at < length && text[at];) {
		size_t size = names_character(text + at, length - at);
		if (used + (size ? size : 1) >= SAVEFILE_NAME)
			break;
		if (size)
			memcpy(name + used, text + at, size);
		else
			name[used] = '?';
		used += size ? size : 1;
		at += size ? size : 1;
	}
	name[used] = '\0';
}

static void take_resolution(struct savefile_interface *interface, uint8_t resolution)
{
	unsigned power = resolution & 0x7f;

	interface->factor = 1;
	if (resolution & 0x80) {
		interface->time_form = TIME_BINARY;
		interface->shift = (uint8_t)power;
		return;
	}
	interface->time_form = power <= 9 ? TIME_MULTIPLY : TIME_DIVIDE;
	for (unsigned n = power <= 9 ? 9 - power : power - 9; n; n--) {
		if (interface->factor > UINT64_MAX / 10) {
			interface->factor = UINT64_MAX;
			return;
		}
		interface->factor *= 10;
	}
}

static void take_address(struct savefile_interface *interface, uint8_t family, const uint8_t *bytes)
{
	if (interface->n_own == FRAME_WAN_ADDRS)
		return;
	struct ipaddr *own = &interface->own[interface->n_own++];
	own->family = family;
	memcpy(own->bytes, bytes, family == 4 ? 4 : 16);
}

static void take_interface_option(const struct savefile *savefile,
                                  struct savefile_interface *interface,
                                  const struct savefile_option *option)
{
	switch (option->code) {
	case IF_NAME:
		take_name(interface->name, option->value, option->length);
		break;
	case IF_IPV4:
		if (option->length == 8)
			take_address(interface, 4, option->value);
		break;
	case IF_IPV6:
		if (option->length == 17)
			take_address(interface, 6, option->value);
		break;
	case IF_TSRESOL:
		if (option->length == 1)
			take_resolution(interface, option->value[0]);
		break;
	case IF_FILTER: /* a byte for the language, then the filter */
		interface->filtered = option->length > 1;
		break;
	case IF_TSOFFSET:
		if (option->length == 8)
			interface->offset_s = (int64_t)take_u64(savefile, option->value);
		break;
	}
}

static enum savefile_item take_interface(struct savefile *savefile, const uint8_t *bytes,
                                         uint32_t size, struct savefile_record *record)
{
	if (size < 20)
		return damaged(record, FILE_FLAW_INTERFACE_SHORT);
	if (savefile->n_interfaces >= SAVEFILE_INTERFACES_MAX)
		return damaged(record, FILE_FLAW_INTERFACES_MANY);
	if (savefile->n_interfaces == savefile->cap_interfaces)
		return SAVEFILE_ROOM;
	record->interface = savefile->n_interfaces++;
	struct savefile_interface *interface = &savefile->interfaces[record->interface];
	interface_reset(interface);
	interface->linktype = common_link(take_u16(savefile, bytes + 8));
	interface->snaplen = savefile_u32(savefile, bytes + 12);

	const uint8_t *at = record->options = bytes + 16;
	struct savefile_option option;
	record->options_end = bytes + size - 4;
	while (savefile_option(savefile, &at, record->options_end, &option))
		take_interface_option(savefile, interface, &option);
	return SAVEFILE_INTERFACE;
}

static uint64_t interface_ns(const struct savefile_interface *interface, uint64_t ticks)
{
	unsigned __int128 ns;

	switch ((enum time_form)interface->time_form) {
	case TIME_DIVIDE:
		ns = ticks / interface->factor;
		break;
	case TIME_BINARY:
		ns = interface->shift < 64 ? (unsigned __int128)ticks * NS_PER_S >> interface->shift
		                           : 0;
		break;
	default:
		ns = (unsigned __int128)ticks * interface->factor;
	}
	/* |offset| * 10^9 < 2^94 and ns < 2^94: no overflow */
	__int128 sum = (__int128)ns + (__int128)interface->offset_s * (__int128)NS_PER_S;
	if (sum < 0)
		return 0;
	return sum > (__int128)SAVEFILE_TIME_MAX ? SAVEFILE_TIME_MAX : (uint64_t)sum;
}

uint64_t savefile_ticks(const struct savefile_interface *interface, uint64_t ns)
{
	__int128 own = (__int128)ns - (__int128)interface->offset_s * (__int128)NS_PER_S;
	unsigned __int128 at = own < 0 ? 0 : (unsigned __int128)own;

	switch ((enum time_form)interface->time_form) {
	case TIME_DIVIDE:
		at *= interface->factor;
		break;
	case TIME_BINARY:
		at = interface->shift < 64 ? (at << interface->shift) / NS_PER_S : 0;
		break;
	default:
		at = interface->factor ? at / interface->factor : 0;
	}
	return at > UINT64_MAX ? UINT64_MAX : (uint64_t)at;
}

/* "segment_size=N", as our recorder says of super-frames; 0 for any other comment. */
static uint16_t segment_size(const struct savefile_option *option)
{
	static const char key[] = "segment_size=";
	const size_t n = sizeof(key) - 1;
	uint32_t size = 0;

	if (option->length <= n || option->length > n + 5 || memcmp(option->value, key, n) != 0)
		return 0;
	for (size_t i = n; i < option->length; i++) {
		if (option->value[i] < '0' || option->value[i] > '9')
			return 0;
		size = size * 10 + option->value[i] - '0';
	}
	return size > UINT16_MAX ? 0 : (uint16_t)size;
}

static void take_packet_options(const struct savefile *savefile, const uint8_t *at,
                                const uint8_t *end, struct savefile_record *record)
{
	static const uint8_t marks[4] = {MARK_NONE, MARK_IN, MARK_OUT, MARK_NONE};
	struct savefile_option option;

	while (savefile_option(savefile, &at, end, &option)) {
		if (option.code == EPB_FLAGS && option.length == 4) {
			record->mark = marks[savefile_u32(savefile, option.value) & 3];
		} else if (option.code == EPB_DROPCOUNT && option.length == 8) {
			uint64_t drops = take_u64(savefile, option.value);
			record->drops = drops > UINT32_MAX ? UINT32_MAX : (uint32_t)drops;
		} else if (option.code == OPTION_COMMENT) {
			uint16_t said = segment_size(&option);
			record->segment_size = said ? said : record->segment_size;
		}
	}
}

/* Enhanced and obsolete packet blocks differ only in their third word. */
static enum savefile_item take_packet(struct savefile *savefile, const uint8_t *bytes,
                                      uint32_t size, bool obsolete, struct savefile_record *record)
{
	if (size < 32)
		return damaged(record, FILE_FLAW_PACKET_SHORT);
	record->caplen = savefile_u32(savefile, bytes + 20);
	if (record->caplen > SAVEFILE_FRAME_MAX || record->caplen > size - 32)
		return damaged(record, FILE_FLAW_FRAME_LENGTH);
	record->interface = savefile_u32(savefile, bytes + 8);
	if (obsolete) {
		uint16_t drops = take_u16(savefile, bytes + 10);
		record->interface = take_u16(savefile, bytes + 8);
		record->drops = drops == 0xffff ? 0 : drops;
	}
	if (record->interface >= savefile->n_interfaces)
		return damaged(record, FILE_FLAW_INTERFACE_UNKNOWN);
	const struct savefile_interface *interface = &savefile->interfaces[record->interface];
	record->ts_ns = interface_ns(interface, take_time(savefile, bytes + 12));
	record->wire_len = savefile_u32(savefile, bytes + 24);
	record->data = bytes + 28;
	savefile->last_ns = record->ts_ns;
	uint32_t padded = (record->caplen + 3) & ~3u;
	if (size - 32 > padded)
		take_packet_options(savefile, bytes + 28 + padded, bytes + size - 4, record);
	return SAVEFILE_FRAME;
}

/* Has no time and no captured length: the time before it is the best there is. */
static enum savefile_item take_simple(struct savefile *savefile, const uint8_t *bytes,
                                      uint32_t size, struct savefile_record *record)
{
	if (size < 16)
		return damaged(record, FILE_FLAW_PACKET_SHORT);
	if (savefile->n_interfaces == 0)
		return damaged(record, FILE_FLAW_INTERFACE_UNKNOWN);
	uint32_t snaplen = savefile->interfaces[0].snaplen;
	record->wire_len = savefile_u32(savefile, bytes + 8);
	record->caplen = record->wire_len;
	if (snaplen && record->caplen > snaplen)
		record->caplen = snaplen;
	if (record->caplen > SAVEFILE_FRAME_MAX || record->caplen > size - 16)
		return damaged(record, FILE_FLAW_FRAME_LENGTH);
	record->ts_ns = savefile->last_ns;
	record->data = bytes + 12;
	return SAVEFILE_FRAME;
}

static void take_statistics_option(const struct savefile *savefile,
                                   const struct savefile_option *option,
                                   struct savefile_record *record)
{
	const struct savefile_interface *interface = &savefile->interfaces[record->interface];

	switch (option->code) {
	case ISB_STARTTIME:
		record->session = take_time(savefile, option->value);
		record->start_ns = interface_ns(interface, record->session);
		break;
	case ISB_ENDTIME:
		record->end_ns = interface_ns(interface, take_time(savefile, option->value));
		break;
	case ISB_IFDROP:
		record->dropped_own = take_u64(savefile, option->value);
		record->drops_known = true;
		break;
	case ISB_OSDROP:
		record->dropped_kernel = take_u64(savefile, option->value);
		record->drops_known = true;
		break;
	}
}

static enum savefile_item take_statistics(const struct savefile *savefile, const uint8_t *bytes,
                                          uint32_t size, struct savefile_record *record)
{
	struct savefile_option option;

	if (size < 24)
		return damaged(record, FILE_FLAW_STATISTICS_SHORT);
	record->interface = savefile_u32(savefile, bytes + 8);
	if (record->interface >= savefile->n_interfaces)
		return SAVEFILE_SKIP;
	record->drops_known = false;
	record->session = record->dropped_kernel = record->dropped_own = 0;
	record->start_ns = record->end_ns = 0;
	record->at_ns = interface_ns(&savefile->interfaces[record->interface],
	                             take_time(savefile, bytes + 12));
	const uint8_t *at = record->options = bytes + 20;
	record->options_end = bytes + size - 4;
	while (savefile_option(savefile, &at, record->options_end, &option))
		if (option.length == 8)
			take_statistics_option(savefile, &option, record);
	return SAVEFILE_STATISTICS;
}

bool savefile_comment(const struct savefile *savefile, struct savefile_record *record,
                      const char **text, size_t *length)
{
	struct savefile_option option;

	while (savefile_option(savefile, &record->options, record->options_end, &option)) {
		if (option.code != OPTION_COMMENT)
			continue;
		*text = (const char *)option.value;
		*length = option.length;
		return true;
	}
	return false;
}

static enum savefile_item take_section(struct savefile *savefile, const uint8_t *bytes,
                                       uint32_t size, struct savefile_record *record)
{
	if (size < 28)
		return damaged(record, FILE_FLAW_SECTION_SHORT);
	if (take_u16(savefile, bytes + 12) != 1)
		return damaged(record, FILE_FLAW_SECTION_VERSION);
	savefile->n_interfaces = 0;
	return SAVEFILE_SKIP;
}

static enum savefile_item take_block(struct savefile *savefile, const uint8_t *bytes, uint32_t type,
                                     uint32_t size, struct savefile_record *record)
{
	switch (type) {
	case BLOCK_ENHANCED:
	case BLOCK_PACKET:
		return take_packet(savefile, bytes, size, type == BLOCK_PACKET, record);
	case BLOCK_SIMPLE:
		return take_simple(savefile, bytes, size, record);
	case BLOCK_INTERFACE:
		return take_interface(savefile, bytes, size, record);
	case BLOCK_STATISTICS:
		return take_statistics(savefile, bytes, size, record);
	case BLOCK_SECTION:
		return take_section(savefile, bytes, size, record);
	default:
		return SAVEFILE_SKIP;
	}
}

/* A section header tells its own byte order, in its third word. */
static bool turn_section(struct savefile *savefile, const uint8_t *bytes)
{
	savefile->swapped = plain_u32(bytes + 8) != BYTE_ORDER_MAGIC;
	return savefile_u32(savefile, bytes + 8) == BYTE_ORDER_MAGIC;
}

static enum savefile_item next_block(struct savefile *savefile, const uint8_t *bytes, size_t length,
                                     struct savefile_record *record)
{
	if (length < 12)
		return more(record, 12);
	uint32_t type = savefile_u32(savefile, bytes);
	bool swapped;
	if (type == BLOCK_SECTION && !turn_section(savefile, bytes))
		return damaged(record, FILE_FLAW_SECTION_ORDER);
	if (pcap_form(plain_u32(bytes), &swapped))
		return SAVEFILE_GLUED;

	uint32_t size = savefile_u32(savefile, bytes + 4);
	if (size < 12 || size % 4 || size > SAVEFILE_BLOCK_MAX)
		return damaged(record, FILE_FLAW_BLOCK_LENGTH);
	record->size = size;
	if (length < size)
		return more(record, size);
	if (savefile_u32(savefile, bytes + size - 4) != size)
		return damaged(record, FILE_FLAW_BLOCK_LENGTHS);
	return take_block(savefile, bytes, type, size, record);
}

enum savefile_item savefile_next(struct savefile *savefile, const uint8_t *bytes, size_t length,
                                 struct savefile_record *record)
{
	/* what only statistics tell is theirs to clear: frames are many */
	memset(record, 0, offsetof(struct savefile_record, drops_known));
	return savefile->ng ? next_block(savefile, bytes, length, record)
	                    : next_pcap(savefile, bytes, length, record);
}
