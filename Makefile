# Build, install, try and test Wharf.

PROFILE ?= release
PREFIX ?= /usr
DESTDIR ?=
CARGO ?= cargo

TARGET_DIR := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
PROFILE_DIR := $(TARGET_DIR)/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))
SYSTEMD_DIR := $(DESTDIR)$(PREFIX)/lib/systemd

.PHONY: build install demo test

build:
	WHARF_LIBEXEC=$(PREFIX)/libexec/wharf $(CARGO) build --locked --profile $(PROFILE)

install:
	install -D -m 755 $(PROFILE_DIR)/wharf $(DESTDIR)$(PREFIX)/bin/wharf
	install -D -m 755 $(PROFILE_DIR)/wharf-run $(DESTDIR)$(PREFIX)/libexec/wharf/wharf-run
	install -D -m 755 $(PROFILE_DIR)/wharf-generator $(SYSTEMD_DIR)/system-generators/wharf-generator
	install -D -m 644 -t $(SYSTEMD_DIR)/system units/wharf.slice
	install -d $(DESTDIR)/etc/wharf
