/* SPDX-License-Identifier: MIT
 *
 * label.c - see label.h.
 */
#include "label.h"

#include <string.h>

#include "text.h"

const char *label_role(char out[LABEL_SIZE], const char *role)
{
	static const enum message roles[] = {MESSAGE_role_master, MESSAGE_role_on,
	                                     MESSAGE_role_backup, MESSAGE_role_off};

	for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++)
		if (strcmp(role, message_template(roles[i], LANGUAGE_EN)) == 0)
			return message_say(out, LABEL_SIZE, roles[i], (const char *const[]){NULL});
	return text_safe(out, LABEL_SIZE, role, 20);
}

enum message label_kind(enum kind kind)
{
	static const enum message kinds[KIND_COUNT] = {
		[KIND_PAYLOAD] = MESSAGE_kind_payload,
		[KIND_RETRANSMISSION] = MESSAGE_kind_retransmission,
		[KIND_REINJECTION] = MESSAGE_kind_reinjection,
		[KIND_REDUNDANT] = MESSAGE_kind_redundant,
		[KIND_KEEPALIVE] = MESSAGE_kind_keepalive,
		[KIND_KEEPALIVE_ACK] = MESSAGE_kind_keepalive_ack,
		[KIND_ZERO_WINDOW_PROBE] = MESSAGE_kind_zero_window_probe,
		[KIND_ACK] = MESSAGE_kind_ack,
		[KIND_HANDSHAKE] = MESSAGE_kind_handshake,
		[KIND_SIGNAL] = MESSAGE_kind_signal,
		[KIND_TEARDOWN] = MESSAGE_kind_teardown,
		[KIND_RESET] = MESSAGE_kind_reset,
		[KIND_OTHER] = MESSAGE_kind_other,
		[KIND_DUPLICATE] = MESSAGE_kind_duplicate,
		[KIND_UNREAD] = MESSAGE_kind_unread,
	};

	return kinds[kind];
}
