# SPDX-License-Identifier: MIT
#
# openwrt.mk - Makefile of the OpenWrt package: becomes net/mptcp-audit/Makefile of a feed.
#
# nDPI is left out: it would be larger than all the rest, and the ports of a VPS tell enough. libnettle, libzstd, libseccomp
# and libpcap are in the base feed, jansson, libinih and libsqlite3 in that of packages.
include $(TOPDIR)/rules.mk

PKG_NAME:=mptcp-audit
PKG_VERSION:=0.1.0
PKG_RELEASE:=1

PKG_SOURCE:=$(PKG_NAME)-$(PKG_VERSION).tar.gz

PKG_LICENSE:=MIT
PKG_LICENSE_FILES:=LICENSE
PKG_BUILD_PARALLEL:=1

include $(INCLUDE_DIR)/package.mk

define Package/mptcp-audit/Default
  SECTION:=net
  CATEGORY:=Network
  DEPENDS:=+libpcap +jansson +libnettle +zlib +libzstd +libinih +libseccomp
endef

define Package/mptcp-audit
  $(call Package/mptcp-audit/Default)
  DEPENDS+=+libsqlite3
  TITLE:=Is the backup WAN only kept alive?
endef

define Package/mptcp-audit/description
  Reads captures of all WANs of a Multipath TCP router and says, with evidence,
  whether the backup was only kept alive or ate the data plan, and what used it.
endef

define Package/mptcp-captured
  $(call Package/mptcp-audit/Default)
  TITLE:=Records the headers of each WAN for mptcp-audit
  USERID:=mptcp-captured:mptcp-captured
endef

define Package/mptcp-captured/description
  Records every WAN for weeks, headers only, into a ring of files in memory, and
  says in the files what they lack.
endef

define Package/mptcp-audit/conffiles
/etc/config/mptcp-audit
/etc/mptcp-audit.conf
endef

define Package/mptcp-captured/conffiles
/etc/config/mptcp-captured
endef

MAKE_FLAGS += BUILD=build NDPI= LTO= CFLAGS="$(TARGET_CFLAGS)" LDFLAGS="$(TARGET_LDFLAGS)" CC="$(TARGET_CC)"

define Build/Compile
	$(call Build/Compile/Default,build/mptcp-audit build/mptcp-captured)
endef

define Package/mptcp-audit/install
	$(INSTALL_DIR) $(1)/usr/bin $(1)/etc/config $(1)/etc/init.d
	$(INSTALL_BIN) $(PKG_BUILD_DIR)/build/mptcp-audit $(1)/usr/bin/
	$(INSTALL_CONF) $(PKG_BUILD_DIR)/report/mptcp-audit.uci $(1)/etc/config/mptcp-audit
	$(INSTALL_BIN) $(PKG_BUILD_DIR)/report/mptcp-audit-follow.init $(1)/etc/init.d/mptcp-audit-follow
	$(INSTALL_BIN) $(PKG_BUILD_DIR)/report/mptcp-audit-run.init $(1)/etc/init.d/mptcp-audit-run
	$(INSTALL_DIR) $(1)/lib/upgrade/keep.d
	echo /etc/mptcp-audit/ >$(1)/lib/upgrade/keep.d/mptcp-audit
	# reports and history lie in memory as the store does, and the router says itself which WANs it has
	sed -e 's|/var/lib/|/tmp/|; s|^#uci|uci|; s|^#history|history|; s|^#keep = .*|keep = 7d|' $(PKG_BUILD_DIR)/report/mptcp-audit.conf >$(1)/etc/mptcp-audit.conf
endef

define Package/mptcp-captured/install
	$(INSTALL_DIR) $(1)/usr/sbin $(1)/etc/config $(1)/etc/init.d
	$(INSTALL_BIN) $(PKG_BUILD_DIR)/build/mptcp-captured $(1)/usr/sbin/
	$(INSTALL_CONF) $(PKG_BUILD_DIR)/capture/mptcp-captured.uci $(1)/etc/config/mptcp-captured
	$(INSTALL_BIN) $(PKG_BUILD_DIR)/capture/mptcp-captured.init $(1)/etc/init.d/mptcp-captured
endef

$(eval $(call BuildPackage,mptcp-audit))
$(eval $(call BuildPackage,mptcp-captured))
