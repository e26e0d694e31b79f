# Build, install, try and test Wharf.

PROFILE ?= release
PREFIX ?= /usr
DESTDIR ?=
CARGO ?= $(or $(shell command -v cargo),$(wildcard $(HOME)/.cargo/bin/cargo),cargo)

TARGET_DIR := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
PROFILE_DIR := $(TARGET_DIR)/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))
# What is there once is to be fast; what every container and host has in memory is to be small.
FAST_DIR := $(PROFILE_DIR)$(if $(filter release,$(PROFILE)),-fast)
SYSTEMD_DIR := $(DESTDIR)$(PREFIX)/lib/systemd
SHARE_DIR := $(DESTDIR)$(PREFIX)/share
MANUAL_DIR := $(TARGET_DIR)/manual

.PHONY: bench build deb deb-source demo deny install install-manual lint manual package-tools rpm test test-full test-quick test-tools tools

# wharf-build apart: see `buildkit` in Cargo.toml. For development, where memory does not matter, all in one.
build: export WHARF_LIBEXEC = $(PREFIX)/libexec/wharf
build: manual
ifeq ($(PROFILE),dev)
	$(CARGO) build --locked
else
	$(CARGO) build --locked --profile $(notdir $(FAST_DIR)) --no-default-features --bin wharf --bin wharf-generator
	$(CARGO) build --locked --profile $(PROFILE) --no-default-features --bin wharf-run --bin wharfd
	$(CARGO) build --locked --profile $(PROFILE) --bin wharf-build
endif

# Man pages, the web manual (html/index.html) and shell completions, in target/manual. The same for every profile.
manual $(MANUAL_DIR):
	$(CARGO) run --locked --quiet --package wharf-manual -- $(MANUAL_DIR)

install: install-manual
	install -D -m 755 $(FAST_DIR)/wharf $(DESTDIR)$(PREFIX)/bin/wharf
	install -D -m 755 $(PROFILE_DIR)/wharf-run $(DESTDIR)$(PREFIX)/libexec/wharf/wharf-run
	install -D -m 755 $(PROFILE_DIR)/wharf-build $(DESTDIR)$(PREFIX)/libexec/wharf/wharf-build
	install -D -m 755 $(FAST_DIR)/wharf-generator $(SYSTEMD_DIR)/system-generators/wharf-generator
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/libexec/wharf packaging/stop-stacks
	install -D -m 755 $(PROFILE_DIR)/wharfd $(DESTDIR)$(PREFIX)/libexec/wharf/wharfd
	install -D -m 644 -t $(SYSTEMD_DIR)/system units/wharfd-metrics.socket units/wharf-rollback@.service units/wharf-update@.* units/wharf-update-check@.*
	for manager in system user; do \
		install -D -m 644 -t $(SYSTEMD_DIR)/$$manager units/wharf.slice && \
		install -D -m 644 -t $(SYSTEMD_DIR)/$$manager/wharf-.slice.d units/wharf-.slice.d/10-wharf.conf || exit 1; \
	done
	for unit in wharfd.service wharf-cleanup@.service; do \
		sed 's|/usr/libexec|$(PREFIX)/libexec|' units/$$unit | install -D -m 644 /dev/stdin $(SYSTEMD_DIR)/system/$$unit || exit 1; \
	done
	install -D -m 644 -t $(SYSTEMD_DIR)/system-preset packaging/systemd/80-wharf.preset
	install -D -m 644 -t $(SYSTEMD_DIR)/catalog packaging/catalog/wharf.catalog
	install -D -m 644 -t $(SHARE_DIR)/dbus-1/system.d packaging/dbus/io.wharf.Supervisor1.conf
	install -D -m 644 -t $(SHARE_DIR)/dbus-1/system-services packaging/dbus/io.wharf.Supervisor1.service
	install -D -m 644 -t $(SHARE_DIR)/dbus-1/interfaces packaging/dbus/io.wharf.Supervisor1.xml
	install -D -m 644 -t $(SHARE_DIR)/polkit-1/actions packaging/polkit/io.wharf.policy
	install -d $(DESTDIR)/etc/wharf

install-manual: | $(MANUAL_DIR)
	for section in 1 5 7 8; do \
		install -D -m 644 -t $(SHARE_DIR)/man/man$$section $(MANUAL_DIR)/man/*.$$section || exit 1; \
	done
	install -D -m 644 -t $(SHARE_DIR)/doc/wharf/html $(MANUAL_DIR)/html/*.html $(MANUAL_DIR)/html/*.css
	install -D -m 644 -t $(SHARE_DIR)/doc/wharf/html/benchmarks $(MANUAL_DIR)/html/benchmarks/*
	cp -R examples $(SHARE_DIR)/doc/wharf
	install -D -m 644 -t $(SHARE_DIR)/bash-completion/completions $(MANUAL_DIR)/completions/wharf
	install -D -m 644 -t $(SHARE_DIR)/zsh/site-functions $(MANUAL_DIR)/completions/_wharf
	install -D -m 644 -t $(SHARE_DIR)/fish/vendor_completions.d $(MANUAL_DIR)/completions/wharf.fish

# Packages of what was built, in $(TARGET_DIR)/packages. `make package-tools` installs what they need on Debian.
deb rpm: build
	PROFILE=$(PROFILE) packaging/build $@

# The source package for Debian, with all crates.
deb-source:
	CARGO=$(CARGO) packaging/build $@

# A throw-away host, the to-do list on it, and what an administrator sees.
demo: tools build
	examples/demo

# Everything that needs no host: under a minute once built.
HOSTLESS := architecture docker_run golden hostile import install keys man manual stack
test-quick: test-tools
	$(CARGO) test --locked --lib --bins $(HOSTLESS:%=--test %) -- --skip systemd_verifies_every_expected_unit

# Hosts wait more than they work: on two cores, four threads take three quarters of the time of two.
test: export RUST_TEST_THREADS ?= 4
test: package-tools
	tests/host/host prepare
	@status=0; $(MAKE) lint || status=1; $(CARGO) test --locked --no-fail-fast || status=1; exit $$status

# The same, with many more cases for each property, a gigabyte of output, fifty kills of an update, a virtual machine, the Debian package as it is released, the
# rules for dependencies, and a minute of each fuzz target.
test-full: export PROPTEST_CASES ?= 5120
test-full: export WHARF_TEST_FLOOD ?= 1024
test-full: export WHARF_TEST_KILLS ?= 50
test-full: export WHARF_TEST_PACKAGE ?= 1
test-full: export WHARF_TEST_VM ?= 1
test-full: test
	command -v cargo-deny >/dev/null || $(CARGO) install --locked --debug cargo-deny
	$(CARGO) deny --workspace check bans licenses sources
	fuzz/run 60

# Measures Wharf beside what it is compared with, and writes packaging/manual/benchmarks.md. On a machine that has nothing else to do.
bench: tools build
	benches/run

lint: test-tools
	$(CARGO) fmt --all --check
	$(CARGO) clippy --all-targets --locked -- -D warnings
	$(CARGO) clippy --no-default-features --locked -- -D warnings
	$(CARGO) clippy --package wharf-manual --locked -- -D warnings
	$(CARGO) clippy --package wharf-fuzz --no-default-features --locked -- -D warnings
	@! command -v cargo-deny >/dev/null || $(CARGO) deny --workspace --log-level error check bans licenses sources

# Licenses, known vulnerabilities and sources of all dependencies. Needs cargo-deny: cargo install --locked cargo-deny.
deny:
	$(CARGO) deny --workspace check

# What is missing on Debian is installed: a cargo that is new enough, a linker; what checks; what makes packages.
tools:
	@CARGO=$(CARGO) packaging/tools build

test-tools: tools
	@CARGO=$(CARGO) packaging/tools test

package-tools: test-tools
	@CARGO=$(CARGO) packaging/tools packages
