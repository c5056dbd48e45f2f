/* SPDX-License-Identifier: MIT */
#include "records.h"

#include <errno.h>
#include <stdlib.h>

#define ROOM_FIRST 4

int records_open(struct records *r, int fd)
{
	struct savefile_interface *interfaces;
	int error, header;

	*r = (struct records){0};
	error = window_open(&r->window, fd);
	if (error)
		return error;
	interfaces = calloc(ROOM_FIRST, sizeof(*interfaces));
	if (!interfaces)
		return -ENOMEM;
	do
		header = savefile_begin(&r->savefile, r->window.bytes, r->window.length, interfaces,
		                        ROOM_FIRST);
	while (header == -2 && window_more(&r->window, 0, r->window.length + 1));
	r->savefile.interfaces = interfaces;
	r->size = header < 0 ? 0 : (uint64_t)header;
	return header < 0 ? -EBADMSG : 0;
}

void records_close(struct records *r)
{
	window_close(&r->window);
	free(r->savefile.interfaces);
	*r = (struct records){.window.fd = -1};
}

size_t records_header(const struct records *r, const uint8_t **bytes)
{
	*bytes = r->window.bytes;
	return r->position == 0 ? (size_t)r->size : 0;
}

static bool make_room(struct savefile *savefile)
{
	uint32_t cap = savefile->cap_interfaces * 2;
	struct savefile_interface *larger = realloc(savefile->interfaces, cap * sizeof(*larger));

	if (!larger)
		return false;
	savefile->interfaces = larger;
	savefile->cap_interfaces = cap;
	return true;
}

/* The window has no more: was that the end? */
static int end_of(struct records *r)
{
	const struct window *window = &r->window;

	switch (window->end) {
	case WINDOW_ERROR:
		return -window->error;
	case WINDOW_NO_MEMORY:
		return -ENOMEM;
	case WINDOW_CORRUPT:
		r->flaw = "damaged";
		return 0;
	case WINDOW_SHRANK:
	case WINDOW_CUT:
		r->flaw = "cut";
		return 0;
	default:
		if (window->start + window->length > r->position)
			r->flaw = "cut";
		return 0;
	}
}

int records_next(struct records *r, enum savefile_item *item, const uint8_t **bytes,
                 struct savefile_record *record)
{
	r->position += r->size;
	r->size = 0;
	for (;;) {
		*bytes = window_at(&r->window, r->position);
		size_t length = (size_t)(r->window.start + r->window.length - r->position);

		*item = savefile_next(&r->savefile, *bytes, length, record);
		switch (*item) {
		case SAVEFILE_MORE:
			if (!window_more(&r->window, r->position, (size_t)record->size))
				return end_of(r);
			break;
		case SAVEFILE_ROOM:
			if (!make_room(&r->savefile))
				return -ENOMEM;
			break;
		case SAVEFILE_DAMAGED:
		case SAVEFILE_GLUED:
			r->flaw = *item == SAVEFILE_GLUED ? "glued" : "damaged";
			return 0;
		default:
			r->size = record->size;
			return 1;
		}
	}
}
