/* SPDX-License-Identifier: MIT */
#include "option.h"

#include "bytes.h"

enum {
	KIND_EOL = 0,
	KIND_NOP = 1,
	KIND_MSS = 2,
	KIND_WINDOW_SCALE = 3,
	KIND_TIMESTAMPS = 8,
	KIND_MPTCP = 30,

	WINDOW_SCALE_MAX = 14, /* RFC 7323 section 2.3 */
};

/* A reader gets the option from its subtype byte on; `len` is the length the option claims, and `b`
 * holds what was captured of it. It returns false when the length does not fit the subtype. */
typedef bool reader(struct options *o, struct bytes b, uint8_t len);

static bool read_capable(struct options *o, struct bytes b, uint8_t len)
{
	struct mp_capable *c = &o->capable;

	if (len != 4 && len != 12 && len != 20 && len != 22 && len != 24)
		return false;
	if (!bytes_has(&b, 2))
		return true;
	*c = (struct mp_capable){.version = b.at[0] & 0x0f, .flags = b.at[1]};
	bytes_take(&b, 2);
	if (len >= 12 && bytes_has(&b, 8))
		c->key[c->keys++] = bytes_take(&b, 8);
	if (len >= 20 && bytes_has(&b, 8))
		c->key[c->keys++] = bytes_take(&b, 8);
	if (len >= 22 && bytes_has(&b, 2)) {
		c->has_len = true;
		c->len = bytes_u16(&b);
	}
	if (len == 24 && bytes_has(&b, 2)) {
		c->has_csum = true;
		c->csum = bytes_u16(&b);
	}
	o->subtypes |= 1 << MP_CAPABLE;
	return true;
}

static bool read_join(struct options *o, struct bytes b, uint8_t len)
{
	struct mp_join *j = &o->join;

	if (len != 12 && len != 16 && len != 24)
		return false;
	size_t needs = len == 12 ? 10u : len == 16 ? 14u : 22u;
	if (!bytes_has(&b, needs))
		return true;
	*j = (struct mp_join){.len = len, .backup = b.at[0] & 1, .id = b.at[1]};
	bytes_take(&b, 2);
	if (len == 12) {
		j->token = bytes_u32(&b);
		j->nonce = bytes_u32(&b);
	} else if (len == 16) {
		j->hmac = bytes_take(&b, 8);
		j->nonce = bytes_u32(&b);
	} else {
		j->hmac = bytes_take(&b, 20);
	}
	o->subtypes |= 1 << MP_JOIN;
	return true;
}

static uint8_t dss_length(uint8_t flags)
{
	uint8_t len = 4;

	if (flags & DSS_ACK)
		len = (uint8_t)(len + (flags & DSS_ACK64 ? 8 : 4));
	if (flags & DSS_MAP)
		len = (uint8_t)(len + (flags & DSS_MAP64 ? 8 : 4) + 6);
	return len;
}

/* A 32 or 64 bit number; false when it was cut. */
static bool read_number(struct bytes *b, bool wide, uint64_t *number)
{
	if (!bytes_has(b, wide ? 8 : 4))
		return false;
	*number = wide ? bytes_u64(b) : bytes_u32(b);
	return true;
}

static void read_mapping(struct dss *d, struct bytes *b, bool csum)
{
	if (!read_number(b, d->flags & DSS_MAP64, &d->dsn))
		return;
	d->has |= DSS_HAS_DSN;
	if (!bytes_has(b, 4))
		return;
	d->ssn = bytes_u32(b);
	d->has |= DSS_HAS_SSN;
	if (!bytes_has(b, 2))
		return;
	d->len = bytes_u16(b);
	d->has |= DSS_HAS_LEN;
	if (!csum || !bytes_has(b, 2))
		return;
	d->csum = bytes_u16(b);
	d->has |= DSS_HAS_CSUM;
}

static bool read_dss(struct options *o, struct bytes b, uint8_t len)
{
	struct dss *d = &o->dss;

	if (!bytes_has(&b, 2))
		return len >= 4;
	d->flags = b.at[1];
	d->has = 0;
	bytes_take(&b, 2);
	uint8_t expected = dss_length(d->flags);
	bool csum = (d->flags & DSS_MAP) && len == expected + 2;
	if (len != expected && !csum)
		return false;
	o->subtypes |= 1 << MP_DSS;
	if (d->flags & DSS_ACK) {
		if (!read_number(&b, d->flags & DSS_ACK64, &d->ack))
			return true;
		d->has |= DSS_HAS_ACK;
	}
	if (d->flags & DSS_MAP)
		read_mapping(d, &b, csum);
	return true;
}

/* v0: the low nibble is the IP version, 4 or 6. v1: its lowest bit is the echo flag, and the length
 * tells the family. Lengths overlap between the versions, so the nibble decides. */
static bool read_add_addr(struct options *o, struct bytes b, uint8_t len)
{
	if (!bytes_has(&b, 2))
		return len >= 8;
	uint8_t nibble = b.at[0] & 0x0f;
	bool v0 = nibble == 4 || nibble == 6;
	uint8_t hmac = !v0 && !(nibble & 1) ? 8 : 0;
	if (len < 8 + hmac)
		return false;
	uint8_t rest = (uint8_t)(len - 4 - hmac);
	struct add_addr a = {.echo = !v0 && (nibble & 1), .id = b.at[1]};
	a.family = rest == 4 || rest == 6 ? 4 : 6;
	uint8_t size = a.family == 4 ? 4 : 16;
	a.has_port = rest == size + 2;
	if ((rest != size && !a.has_port) || (v0 && nibble != a.family))
		return false;
	bytes_take(&b, 2);
	if (!bytes_has(&b, (size_t)rest + hmac))
		return true;
	a.addr = bytes_take(&b, size);
	if (a.has_port)
		a.port = bytes_u16(&b);
	if (hmac)
		a.hmac = bytes_take(&b, 8);
	if (o->n_add < OPTION_ADDRS)
		o->add[o->n_add++] = a;
	o->subtypes |= 1 << MP_ADD_ADDR;
	return true;
}

static bool read_remove_addr(struct options *o, struct bytes b, uint8_t len)
{
	if (len < 4)
		return false;
	if (!bytes_has(&b, 1))
		return true;
	bytes_take(&b, 1);
	o->n_removed = (uint8_t)bytes_left(&b);
	o->removed = b.at;
	o->subtypes |= 1 << MP_REMOVE_ADDR;
	return true;
}

static bool read_prio(struct options *o, struct bytes b, uint8_t len)
{
	if (len != 3 && len != 4)
		return false;
	if (!bytes_has(&b, (size_t)len - 2))
		return true;
	o->prio_backup = b.at[0] & 1;
	o->prio_has_id = len == 4;
	o->prio_id = len == 4 ? b.at[1] : 0;
	o->subtypes |= 1 << MP_PRIO;
	return true;
}

static bool read_fail(struct options *o, struct bytes b, uint8_t len)
{
	if (len != 12)
		return false;
	if (!bytes_has(&b, 10))
		return true;
	bytes_take(&b, 2);
	o->fail_dsn = bytes_u64(&b);
	o->subtypes |= 1 << MP_FAIL;
	return true;
}

static bool read_fastclose(struct options *o, struct bytes b, uint8_t len)
{
	if (len != 12)
		return false;
	if (!bytes_has(&b, 10))
		return true;
	bytes_take(&b, 2);
	o->fastclose_key = bytes_take(&b, 8);
	o->subtypes |= 1 << MP_FASTCLOSE;
	return true;
}

static bool read_tcprst(struct options *o, struct bytes b, uint8_t len)
{
	if (len != 4)
		return false;
	if (!bytes_has(&b, 2))
		return true;
	o->rst_flags = b.at[0] & 0x0f;
	o->rst_reason = b.at[1];
	o->subtypes |= 1 << MP_TCPRST;
	return true;
}

static reader *const readers[MP_SUBTYPES] = {
	[MP_CAPABLE] = read_capable,
	[MP_JOIN] = read_join,
	[MP_DSS] = read_dss,
	[MP_ADD_ADDR] = read_add_addr,
	[MP_REMOVE_ADDR] = read_remove_addr,
	[MP_PRIO] = read_prio,
	[MP_FAIL] = read_fail,
	[MP_FASTCLOSE] = read_fastclose,
	[MP_TCPRST] = read_tcprst,
};

static void read_mptcp(struct options *o, struct bytes body, uint8_t len)
{
	o->any_mptcp = true;
	if (!bytes_has(&body, 1))
		return;
	uint8_t subtype = body.at[0] >> 4;
	if (subtype == MP_DSS) { /* nearly every one; the call through the table would be felt */
		if (!read_dss(o, body, len))
			o->malformed = true;
	} else if (subtype >= MP_SUBTYPES) {
		o->unknown++;
	} else if (!readers[subtype](o, body, len)) {
		o->malformed = true;
	}
}

static void read_option(struct options *o, uint8_t kind, struct bytes body, uint8_t len)
{
	switch (kind) {
	case KIND_MPTCP:
		if (len < 3)
			o->malformed = true;
		else
			read_mptcp(o, body, len);
		break;
	case KIND_TIMESTAMPS:
		if (len == 10 && bytes_has(&body, 8)) {
			o->has_timestamps = true;
			o->tsval = be32(body.at);
			o->tsecr = be32(body.at + 4);
		}
		break;
	case KIND_WINDOW_SCALE:
		if (len == 3 && bytes_has(&body, 1)) {
			o->has_window_scale = true;
			o->window_scale =
				body.at[0] < WINDOW_SCALE_MAX ? body.at[0] : WINDOW_SCALE_MAX;
		}
		break;
	case KIND_MSS:
		if (len == 4 && bytes_has(&body, 2))
			o->mss = be16(body.at);
		break;
	default:
		break;
	}
}

void options_read(struct options *o, const struct segment *segment)
{
	struct bytes b = bytes_of(segment->options, segment->options_len);

	o->subtypes = 0;
	o->any_mptcp = o->malformed = o->cut_inside = false;
	o->has_timestamps = o->has_window_scale = false;
	o->unknown = o->n_add = o->n_removed = 0;
	o->mss = 0;
	o->cut = segment->options_cut;
	while (bytes_has(&b, 1)) {
		uint8_t kind = bytes_u8(&b);
		if (kind == KIND_NOP)
			continue;
		if (kind == KIND_EOL)
			return;
		if (!bytes_has(&b, 1)) {
			o->malformed = !segment->options_cut;
			return;
		}
		uint8_t len = bytes_u8(&b);
		if (len < 2) {
			o->malformed = true;
			return;
		}
		size_t body = (size_t)len - 2;
		if (!bytes_has(&b, body)) {
			if (!segment->options_cut) {
				o->malformed = true;
				return;
			}
			body = bytes_left(&b);
			o->cut_inside = true;
		}
		read_option(o, kind, bytes_of(b.at, body), len);
		bytes_take(&b, body);
	}
}
