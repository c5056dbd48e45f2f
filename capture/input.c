/* SPDX-License-Identifier: MIT
 *
 * input.c - see input.h.
 */
#include "input.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "file_flaw.h"
#include "names.h"

#define LINKS_MAX   256 /* interface indices that one SLL2 file may name */
#define LINKS_SLOTS 512
/* Bounded, so that sums of them stay sums whatever a file claims. */
#define LEFT_MAX (UINT32_MAX * (uint64_t)1024)

struct input_ties {
	struct input_frame group[INPUT_TIES];
	unsigned n, at;
	uint64_t least; /* offset of the group's first data in the file */
	struct input_frame next;
	bool has_next;
};

/* Interface index -> WAN, for SLL2. */
struct input_links {
	unsigned n;
	struct {
		bool used;
		uint32_t index, wan;
	} slots[LINKS_SLOTS];
};

bool input_reads_link(uint16_t linktype)
{
	switch (linktype) {
	case LINK_NULL:
	case LINK_ETHERNET:
	case LINK_PPP:
	case LINK_PPP_ETHER:
	case LINK_RAW:
	case LINK_LOOP:
	case LINK_SLL:
	case LINK_IPV4:
	case LINK_IPV6:
	case LINK_SLL2:
		return true;
	}
	return false;
}

/* ---- flaws and the end of a file ---- */

void input_flaw(struct input *input, enum frame_file_state state, enum file_flaw flaw)
{
	file_flaw_note(input->row, state, flaw, input->position, input->window.packing[0] != '\0');
}

static void note_end(struct input *input)
{
	static const struct {
		enum frame_file_state state;
		enum file_flaw flaw;
	} ends[] = {
		[WINDOW_SHRANK] = {FILE_CUT, FILE_FLAW_SHRANK},
		[WINDOW_CUT] = {FILE_CUT, FILE_FLAW_PACKING_CUT},
		[WINDOW_CORRUPT] = {FILE_DAMAGED, FILE_FLAW_PACKING_DAMAGED},
		[WINDOW_ERROR] = {FILE_UNREADABLE, FILE_FLAW_READ_ERROR},
		[WINDOW_NO_MEMORY] = {FILE_UNREADABLE, FILE_FLAW_NO_MEMORY},
	};
	const struct window *window = &input->window;
	bool cut = window->end == WINDOW_CUT || window->end == WINDOW_WHOLE;

	if (input->row->growing && cut) /* what is there is read; more may come */
		return;
	if (window->end != WINDOW_WHOLE && window->end != WINDOW_OPEN) {
		input_flaw(input, ends[window->end].state, ends[window->end].flaw);
	} else if (window->start + window->length > input->position) {
		input_flaw(input, FILE_CUT, FILE_FLAW_CUT_RECORD);
	} else if (input->number < input->promised) {
		input_flaw(input, FILE_CUT, FILE_FLAW_FEWER_FRAMES);
	} else if (input->number == 0 && !input->recording.told) {
		input_flaw(input, FILE_EMPTY, FILE_FLAW_NO_FRAME);
	}
}

/* ---- times ---- */

static int64_t shift_of(const struct input *input, const struct roster *roster, uint32_t wan)
{
	return roster->extras[wan].shift_ns + input->clock_shift_ns;
}

int64_t input_shift(const struct input *input, const struct input_env *env)
{
	uint32_t wan = input->row->wan;

	return wan == SAVEFILE_NO_WAN ? 0 : shift_of(input, env->roster, wan);
}

/* ---- which WAN ---- */

/* Once for each file and WAN, but for files in which WANs take turns. */
static void note_thinned(struct input *input, const struct input_env *env, uint32_t wan)
{
	if (input->peeking || input->thinned_wan == wan)
		return;
	input->thinned_wan = wan;
	env->roster->wans[wan].thinned_files++;
}

static uint32_t named_wan(struct input *input, const struct input_env *env, const char *name,
                          const struct savefile_interface *interface)
{
	bool found = name != input->base;
	uint32_t wan = roster_wan(env->roster, name, found);
	struct frame_wan *row = &env->roster->wans[wan];

	row->bounds |= !input->aside;
	roster_own(env->roster, wan, interface->own, interface->n_own);
	row->filtered |= interface->filtered;
	if (interface->thinned)
		note_thinned(input, env, wan);
	return wan;
}

/* Is every interface of this file so far the WAN that its recorder calls `name`? */
static bool one_wan(const struct input *input, const char *name)
{
	for (uint32_t i = 0; i < input->savefile.n_interfaces; i++) {
		const char *other =
			recording_name(&input->recording, &input->savefile.interfaces[i]);
		if (!other || strcmp(other, name) != 0)
			return false;
	}
	return true;
}

/* What an interface of this file is called. Several in one file need names that differ. */
static const char *interface_name(const struct input *input, uint32_t index, char *text,
                                  size_t size)
{
	const struct savefile_interface *interface = &input->savefile.interfaces[index];
	bool any = interface->linktype == LINK_SLL2 && strcmp(interface->name, "any") == 0;
	const char *name = any ? "" : interface->name;
	const char *told = recording_name(&input->recording, interface);

	/* A device that came back is described once more: still the same WAN. */
	if (told && (!input->named || one_wan(input, told)))
		return input->named ? input->base : told;
	name = told ? told : name;
	if (input->savefile.n_interfaces == 1)
		return name[0] && !input->named ? name : input->base;
	if (name[0] && !input->named)
		return name;
	if (name[0])
		snprintf(text, size, "%s#%s", input->base, name);
	else
		snprintf(text, size, "%s#%" PRIu32, input->base, index);
	return text;
}

/* Give each interface that has none its WAN: also those without frames, an idle WAN is one too. */
static void settle_interfaces(struct input *input, const struct input_env *env)
{
	char text[512];
	struct savefile *savefile = &input->savefile;

	for (uint32_t i = input->settled; i < savefile->n_interfaces; i++) {
		struct savefile_interface *interface = &savefile->interfaces[i];
		if (interface->snaplen > input->row->snaplen)
			input->row->snaplen = interface->snaplen;
		if (interface->linktype == LINK_SLL2)
			input->several = true; /* a WAN per interface index, known frame by frame */
		if (interface->linktype == LINK_SLL2)
			continue;
		const char *name = interface_name(input, i, text, sizeof(text));
		interface->wan = named_wan(input, env, name, interface);
		if (interface->told &&
		    !recording_settle(&input->recording, env->roster, interface, !input->peeking))
			env->roster->out_of_memory = true;
		if (input->row->wan == SAVEFILE_NO_WAN)
			input->row->wan = interface->wan;
		input->several |= interface->wan != input->row->wan;
	}
	input->settled = savefile->n_interfaces;
}

/* At the end every file belongs to some WAN, also one that never named any. */
static void settle_end(struct input *input, const struct input_env *env)
{
	settle_interfaces(input, env);
	if (input->recording.told && !input->peeking && input->row->wan != SAVEFILE_NO_WAN)
		recording_end(&input->recording, env->roster, input->clock_shift_ns, input->row);
	if (input->row->wan != SAVEFILE_NO_WAN)
		return;
	input->row->wan = roster_wan(env->roster, input->base, false);
	env->roster->wans[input->row->wan].bounds |= !input->aside;
}

static uint32_t link_wan_new(struct input *input, const struct input_env *env, uint32_t interface,
                             uint32_t index)
{
	char base[512], text[544];
	const char *name = interface_name(input, interface, base, sizeof(base));

	if (input->links->n > LINKS_MAX)
		snprintf(text, sizeof(text), "%s#%s", name, ROSTER_OVERFLOW);
	else
		snprintf(text, sizeof(text), "%s#%" PRIu32, name, index);
	return named_wan(input, env, text, &input->savefile.interfaces[interface]);
}

/* The WAN of an SLL2 frame: its interface index, in the third word of the header. */
static uint32_t link_wan(struct input *input, const struct input_env *env, uint32_t interface,
                         const struct frame *frame)
{
	uint32_t index = 0;
	struct input_links *links = input->links;

	if (frame->caplen >= 8)
		index = (uint32_t)frame->data[4] << 24 | (uint32_t)frame->data[5] << 16 |
		        (uint32_t)frame->data[6] << 8 | frame->data[7];
	if (!links)
		links = input->links = calloc(1, sizeof(*links));
	if (!links) {
		env->roster->out_of_memory = true;
		return 0;
	}
	uint32_t slot = (index * 2654435761u) >> 23;
	while (links->slots[slot].used && links->slots[slot].index != index)
		slot = (slot + 1) % LINKS_SLOTS;
	if (links->slots[slot].used)
		return links->slots[slot].wan;
	if (links->n > LINKS_MAX)
		return link_wan_new(input, env, interface, index);
	links->n++;
	links->slots[slot].index = index;
	links->slots[slot].wan = link_wan_new(input, env, interface, index);
	links->slots[slot].used = true;
	return links->slots[slot].wan;
}

/* The packet type of SLL and SLL2: 0 to us, 1 broadcast, 2 multicast, 3 to others, 4 sent by us. */
static uint8_t cooked_mark(const struct frame *frame)
{
	static const uint8_t marks[5] = {MARK_IN, MARK_IN, MARK_IN, MARK_NONE, MARK_OUT};
	unsigned type = 5;

	if (frame->linktype == LINK_SLL && frame->caplen >= 2)
		type = (unsigned)frame->data[0] << 8 | frame->data[1];
	else if (frame->linktype == LINK_SLL2 && frame->caplen >= 11)
		type = frame->data[10];
	return type < 5 ? marks[type] : MARK_NONE;
}

/* ---- frames ---- */

static void count_frame(struct input *input, const struct frame *frame)
{
	struct frame_file *row = input->row;

	row->frames++;
	row->wire_bytes += frame->wire_len;
	row->backwards += frame->backwards;
	row->unknown_link += !input_reads_link(frame->linktype);
	if (row->frames == 1) {
		input->first_ns = row->first_ns = row->last_ns = frame->ts_ns;
		return;
	}
	if (frame->ts_ns < row->first_ns)
		row->first_ns = frame->ts_ns;
	if (frame->ts_ns > row->last_ns)
		row->last_ns = frame->ts_ns;
}

/* Turn a record into a frame of its WAN. False when the filter hides it. */
static bool take_frame(struct input *input, const struct input_env *env,
                       const struct savefile_record *record, struct frame *frame)
{
	struct savefile_interface *interface = &input->savefile.interfaces[record->interface];
	uint64_t ts_ns = record->ts_ns;

	if (interface->told)
		ts_ns = recording_shifted(ts_ns, recording_moved(&input->recording, interface));
	*frame = (struct frame){
		.number = ++input->number,
		.data = record->data,
		.caplen = record->caplen,
		.wire_len = record->wire_len,
		.file = input->index,
		.linktype = interface->linktype,
		.mark = record->mark,
		.segment_size = record->segment_size,
		.backwards = ts_ns < input->raw_ns,
	};
	input->raw_ns = ts_ns;
	if (record->interface >= input->settled)
		settle_interfaces(input, env);
	frame->wan = interface->linktype == LINK_SLL2
	                     ? link_wan(input, env, record->interface, frame)
	                     : interface->wan;
	if (input->row->wan == SAVEFILE_NO_WAN)
		input->row->wan = frame->wan;
	if (frame->mark == MARK_NONE &&
	    (frame->linktype == LINK_SLL || frame->linktype == LINK_SLL2))
		frame->mark = cooked_mark(frame);
	frame->ts_ns = recording_shifted(ts_ns, shift_of(input, env->roster, frame->wan));
	if (interface->told && !input->peeking)
		recording_frame(&input->recording, interface, record->ts_ns, ts_ns,
		                record->wire_len);
	if (record->drops && !input->peeking)
		roster_lost_between(env->roster, frame->wan, record->drops);
	count_frame(input, frame);
	return !env->filter || filter_passes(env->filter, frame);
}

/* What our recorder tells is counted per WAN of the file. While peeking only the beginning of a
 * file matters. */
static void take_recorded(struct input *input, const struct input_env *env,
                          struct savefile_record *record, uint32_t wan)
{
	struct recording *recording = &input->recording;

	if (!input->peeking)
		recording_statistics(recording, env->roster, &input->savefile, record,
		                     shift_of(input, env->roster, wan), input->row);
	else if (record->start_ns &&
	         (recording->began_ns == 0 || record->start_ns < recording->began_ns))
		recording->began_ns = record->start_ns;
}

static uint64_t add(uint64_t a, uint64_t b)
{
	b = b > LEFT_MAX ? LEFT_MAX : b;
	return a > LEFT_MAX - b ? LEFT_MAX : a + b;
}

/* What was left out of the interface, whoever captured it; several notes add up. */
static void take_thinned(struct input *input, const struct input_env *env,
                         const struct savefile_record *record, uint32_t wan)
{
	struct savefile_record options = *record;
	enum quality_name name;
	const char *text;
	size_t length;

	while (savefile_comment(&input->savefile, &options, &text, &length)) {
		uint64_t frames = 0, bytes = 0;

		if (!quality_parse(text, length, &name) || name != QUALITY_THINNED ||
		    wan == SAVEFILE_NO_WAN)
			continue;
		quality_get_number(text, length, "frames", &frames);
		quality_get_number(text, length, "bytes", &bytes);
		struct frame_wan *row = &env->roster->wans[wan];
		note_thinned(input, env, wan);
		row->thinned_frames = add(row->thinned_frames, frames);
		row->thinned_bytes = add(row->thinned_bytes, bytes);
	}
}

static void take_statistics(struct input *input, const struct input_env *env,
                            struct savefile_record *record)
{
	settle_interfaces(input, env);
	const struct savefile_interface *interface = &input->savefile.interfaces[record->interface];
	uint32_t wan = interface->wan;
	if (!input->peeking)
		take_thinned(input, env, record, wan == SAVEFILE_NO_WAN ? input->row->wan : wan);
	if (interface->told && wan != SAVEFILE_NO_WAN) {
		take_recorded(input, env, record, wan);
		return;
	}
	/* Losses of an SLL2 capture belong to all its WANs: nobody knows to which. */
	if (wan == SAVEFILE_NO_WAN)
		wan = input->row->wan;
	if (wan == SAVEFILE_NO_WAN || input->peeking || !record->drops_known)
		return;
	/* Files of a ring repeat the losses since the recording began: the same start is the same
	 * recording. */
	uint64_t lost = record->dropped_kernel + record->dropped_own;
	roster_lost(env->roster, wan, record->session ? record->session : input->index + 1ull,
	            lost < record->dropped_own ? UINT64_MAX : lost);
}

static bool make_room(struct input *input)
{
	struct savefile *savefile = &input->savefile;
	uint32_t cap = savefile->cap_interfaces * 2;
	struct savefile_interface *larger = realloc(savefile->interfaces, cap * sizeof(*larger));

	if (!larger) {
		input_flaw(input, FILE_UNREADABLE, FILE_FLAW_NO_MEMORY);
		return false;
	}
	savefile->interfaces = larger;
	savefile->cap_interfaces = cap;
	return true;
}

/* The first offset whose bytes must stay: what the caller borrows and what is queued. */
static uint64_t keep_from(const struct input *input)
{
	uint64_t from = input->held < input->position ? input->held : input->position;

	if (input->ties && input->ties->n && input->ties->least < from)
		from = input->ties->least;
	return from;
}

static bool more_bytes(struct input *input, uint64_t size)
{
	uint64_t from = keep_from(input);

	if (window_more(&input->window, from, (size_t)(input->position - from + size)))
		return true;
	note_end(input);
	return false;
}

static enum savefile_item next_record(struct input *input, struct savefile_record *record)
{
	struct savefile *savefile = &input->savefile;
	const uint8_t *bytes = window_at(&input->window, input->position);
	size_t length = (size_t)(input->window.start + input->window.length - input->position);

	if (savefile_is_plain(savefile) && savefile_plain(savefile, bytes, length, &record->ts_ns,
	                                                  &record->caplen, &record->wire_len)) {
		record->data = bytes + 16;
		record->size = 16ull + record->caplen;
		record->interface = record->drops = 0;
		record->mark = MARK_NONE;
		record->segment_size = 0;
		return SAVEFILE_FRAME;
	}
	return savefile_next(savefile, bytes, length, record);
}

/* Records that are no frame. False when the file ends here. */
static bool take_other(struct input *input, const struct input_env *env, enum savefile_item item,
                       struct savefile_record *record)
{
	switch (item) {
	case SAVEFILE_MORE:
		return more_bytes(input, record->size);
	case SAVEFILE_ROOM:
		return make_room(input);
	case SAVEFILE_INTERFACE:
		if (record->interface < input->settled)
			input->settled = record->interface; /* a new section counts from 0 */
		if (!recording_describe(&input->recording, &input->savefile, record))
			env->roster->out_of_memory = true;
		break;
	case SAVEFILE_STATISTICS:
		take_statistics(input, env, record);
		break;
	case SAVEFILE_DAMAGED:
		input_flaw(input, FILE_DAMAGED, record->fault);
		return false;
	case SAVEFILE_GLUED:
		input_flaw(input, FILE_CONCATENATED, FILE_FLAW_SECOND_FILE);
		return false;
	default:
		break;
	}
	input->position += record->size;
	return true;
}

static bool read_frame(struct input *input, const struct input_env *env, struct input_frame *out)
{
	struct savefile_record record;

	for (;;) {
		enum savefile_item item = next_record(input, &record);
		if (item == SAVEFILE_FRAME) {
			out->offset =
				input->window.start + (uint64_t)(record.data - input->window.bytes);
			input->position += record.size;
			if (take_frame(input, env, &record, &out->frame))
				return true;
		} else if (!take_other(input, env, item, &record)) {
			settle_end(input, env);
			return false;
		}
	}
}

/* ---- ties ---- */

static void sort_ties(const struct roster *roster, struct input_ties *ties)
{
	for (unsigned i = 1; i < ties->n; i++) {
		struct input_frame moving = ties->group[i];
		const char *name = roster->wans[moving.frame.wan].name;
		unsigned k = i;
		for (; k > 0; k--) {
			uint32_t other = ties->group[k - 1].frame.wan;
			if (other == moving.frame.wan ||
			    strcmp(roster->wans[other].name, name) <= 0)
				break;
			ties->group[k] = ties->group[k - 1];
		}
		ties->group[k] = moving;
	}
}

/* Take all frames of the next instant and put them in order. */
static bool gather_ties(struct input *input, const struct input_env *env)
{
	struct input_ties *ties = input->ties;

	ties->n = ties->at = 0;
	if (!ties->has_next)
		return false;
	ties->group[ties->n++] = ties->next;
	ties->least = ties->next.offset;
	ties->has_next = false;
	while (!ties->has_next && read_frame(input, env, &ties->next)) {
		if (ties->n < INPUT_TIES && ties->next.frame.ts_ns == ties->group[0].frame.ts_ns)
			ties->group[ties->n++] = ties->next;
		else
			ties->has_next = true;
	}
	sort_ties(env->roster, ties);
	input->head = ties->group[0];
	return true;
}

static bool advance_ties(struct input *input, const struct input_env *env)
{
	struct input_ties *ties = input->ties;

	if (ties->at + 1 < ties->n) {
		input->head = ties->group[++ties->at];
		return true;
	}
	return gather_ties(input, env);
}

/* The file turned out to hold several WANs: from its head on, ties are put in order. */
static bool begin_ties(struct input *input, const struct input_env *env)
{
	input->ties = calloc(1, sizeof(*input->ties));
	if (!input->ties) {
		env->roster->out_of_memory = true;
		return false;
	}
	input->ties->next = input->head;
	input->ties->has_next = true;
	/* the head is held by nobody yet: keep its bytes while its ties are looked for */
	uint64_t held = input->held;
	if (input->head.offset < held)
		input->held = input->head.offset;
	bool result = gather_ties(input, env);
	input->held = held;
	return result;
}

bool input_advance(struct input *input, const struct input_env *env)
{
	if (input->ties) {
		input->has_head = advance_ties(input, env);
		return input->has_head;
	}
	input->has_head = read_frame(input, env, &input->head);
	if (input->has_head && input->several)
		input->has_head = begin_ties(input, env);
	return input->has_head;
}
