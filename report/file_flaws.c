/* SPDX-License-Identifier: MIT
 *
 * file_flaws.c - see file_flaws.h.
 */
#include "file_flaws.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "message.h"
#include "text.h"

static const struct {
	const char *flaw; /* of file_flaw_names (capture/frame.h) */
	enum message is, advice;
} flaws[] = {
	{"shrank", MESSAGE_file_is_shrank, MESSAGE_file_advice_shrank},
	{"packing_cut", MESSAGE_file_is_packing_cut, MESSAGE_file_advice_packing_cut},
	{"packing_damaged", MESSAGE_file_is_packing_damaged, MESSAGE_file_advice_packing_damaged},
	{"read_error", MESSAGE_file_is_read_error, MESSAGE_file_advice_read_error},
	{"no_memory", MESSAGE_file_is_no_memory, MESSAGE_file_advice_no_memory},
	{"wans_untold", MESSAGE_file_is_wans_untold, MESSAGE_file_advice_wans_untold},
	{"cut_record", MESSAGE_file_is_cut_record, MESSAGE_file_advice_cut_record},
	{"fewer_frames", MESSAGE_file_is_fewer_frames, MESSAGE_file_advice_fewer_frames},
	{"no_frame", MESSAGE_file_is_no_frame, MESSAGE_file_advice_no_frame},
	{"second_file", MESSAGE_file_is_second_file, MESSAGE_file_advice_second_file},
	{"gone", MESSAGE_file_is_gone, MESSAGE_file_advice_gone},
	{"frame_length", MESSAGE_file_is_frame_length, MESSAGE_file_advice_frame_length},
	{"interface_short", MESSAGE_file_is_interface_short, MESSAGE_file_advice_frame_length},
	{"interfaces_many", MESSAGE_file_is_interfaces_many, MESSAGE_file_advice_frame_length},
	{"packet_short", MESSAGE_file_is_packet_short, MESSAGE_file_advice_frame_length},
	{"interface_unknown", MESSAGE_file_is_interface_unknown, MESSAGE_file_advice_frame_length},
	{"statistics_short", MESSAGE_file_is_statistics_short, MESSAGE_file_advice_frame_length},
	{"section_short", MESSAGE_file_is_section_short, MESSAGE_file_advice_frame_length},
	{"section_version", MESSAGE_file_is_section_version, MESSAGE_file_advice_frame_length},
	{"section_order", MESSAGE_file_is_section_order, MESSAGE_file_advice_frame_length},
	{"block_length", MESSAGE_file_is_block_length, MESSAGE_file_advice_frame_length},
	{"block_lengths", MESSAGE_file_is_block_lengths, MESSAGE_file_advice_frame_length},
};

const char *file_flaw_say(char out[FILE_FLAW_TEXT], const struct ledger_file *file)
{
	const char *const none[] = {NULL};
	char is[80], advice[80], number[24], at[80];

	for (size_t i = 0; i < sizeof(flaws) / sizeof(*flaws); i++) {
		if (strcmp(flaws[i].flaw, file->flaw) != 0)
			continue;
		message_say(is, sizeof(is), flaws[i].is, none);
		message_say(advice, sizeof(advice), flaws[i].advice, none);
		snprintf(number, sizeof(number), "%" PRIu64, file->flaw_at);
		if (strcmp(file->flaw, "gone") == 0)
			return SAY(out, FILE_FLAW_TEXT, file_flaw_of, is, advice);
		if (file->flaw_unpacked)
			SAY_IN(at, file_unpacked, number);
		return SAY(out, FILE_FLAW_TEXT, file_flaw_at, is, file->flaw_unpacked ? at : number,
		           advice);
	}
	return text_safe(out, FILE_FLAW_TEXT, file->message, 200);
}
