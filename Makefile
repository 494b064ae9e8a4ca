# rsagent and rsdirector. `make help` lists what there is.

PREFIX     ?= /usr/local
DESTDIR    ?=
sbindir    ?= $(PREFIX)/sbin
unitdir    ?= $(PREFIX)/lib/systemd/system
sysconfdir ?= /etc

# sudo's PATH rarely holds a toolchain: look where swift.org's tar file and swiftly put it, the caller's home included.
SUDO_HOME := $(if $(SUDO_USER),$(shell getent passwd "$(SUDO_USER)" 2>/dev/null | cut -d: -f6))
ifndef SWIFT
SWIFT := $(shell command -v swift 2>/dev/null)
endif
ifeq ($(SWIFT),)
SWIFT := $(lastword $(sort $(wildcard /usr/libexec/swift/*/bin/swift /opt/swift*/usr/bin/swift /usr/local/swift*/usr/bin/swift \
	$(SUDO_HOME)/.local/share/swiftly/toolchains/6.3*/usr/bin/swift)))
endif
export SWIFT

daemons := rsagent rsdirector
# Without the run-time libraries of a toolchain the servers do not have, and without symbols.
release := build -c release --static-swift-stdlib -Xlinker -s

.PHONY: help demo test test-install fuzz bench build install uninstall prerequisites format lint clean swift
.DEFAULT_GOAL := help

help:
	@echo 'make demo           install what is missing, build, and show it at work on network namespaces (root)'
	@echo 'make test           the same, and run every test; without root: those that can run'
	@echo 'make test-install   install a release build below .build and look at what came of it'
	@echo 'make fuzz           a million hostile inputs for each thing that reads what others wrote, ten million frames for one'
	@echo 'make bench          what the daemons cost and bear, on release binaries (root, two cores, eight minutes)'
	@echo 'make build          release binaries, static but for libc, libnl and libnftables'
	@echo 'make install        into PREFIX ($(PREFIX)), under DESTDIR if given; units into $(unitdir)'
	@echo 'make uninstall      take them away again; the configuration in $(sysconfdir) stays'
	@echo 'make prerequisites  only install what demo and test need: named first, and only what is missing'
	@echo 'make format, lint   swift format; lint also checks the scripts'
	@echo 'make clean          remove .build, with everything unpacked into it'

swift:
	@test -n '$(SWIFT)' || { echo 'No Swift toolchain found. Install Swift 6.3 (https://www.swift.org/install/linux)' \
		'or name it: make $(MAKECMDGOALS) SWIFT=/path/to/usr/bin/swift' >&2; exit 1; }

demo: swift
	@$(if $(filter 0,$(shell id -u)),,$(error make demo makes network namespaces, which needs root. Type: sudo make demo))scripts/demo

test: swift
	@scripts/test

test-install: swift
	@scripts/test-install

fuzz: swift
	@scripts/fuzz

bench: swift
	@Benchmarks/run

prerequisites:
	@scripts/prerequisites test

build: swift
	@scripts/prerequisites build
	@set -e; for daemon in $(daemons); do $(SWIFT) $(release) --product "$$daemon"; done

# The configuration is an example to start from: only where there is none. No service is enabled or started.
install: build
	install -d '$(DESTDIR)$(sbindir)' '$(DESTDIR)$(unitdir)'
	@set -e; for daemon in $(daemons); do \
		echo "installing $$daemon"; \
		install -m 755 ".build/release/$$daemon" '$(DESTDIR)$(sbindir)/'"$$daemon"; \
		sed 's|/usr/local/sbin/|$(sbindir)/|g' "systemd/$$daemon.service" >".build/$$daemon.service"; \
		install -m 644 ".build/$$daemon.service" '$(DESTDIR)$(unitdir)/'"$$daemon.service"; \
		rm ".build/$$daemon.service"; \
		file='$(DESTDIR)$(sysconfdir)/'"$$daemon/$$daemon.toml"; \
		if test -e "$$file"; then \
			echo "keeping $$file"; \
		else \
			install -d -m 755 "$$(dirname "$$file")"; \
			".build/release/$$daemon" config example >".build/$$daemon.toml"; \
			install -m 644 ".build/$$daemon.toml" "$$file"; \
			rm ".build/$$daemon.toml"; \
			echo "wrote an example to $$file"; \
		fi; \
	done
	@if test -z '$(DESTDIR)' && test -d /run/systemd/system; then systemctl daemon-reload; fi
	@echo 'Next: edit $(sysconfdir)/rsagent/rsagent.toml, then: rsagent config check; rsagent plan; systemctl enable --now rsagent'

# A running agent holds VIPs that only it knows how to put back.
uninstall:
	@set -e; for daemon in $(daemons); do \
		if test -z '$(DESTDIR)' && test -d /run/systemd/system && systemctl is-active --quiet "$$daemon"; then \
			echo "$$daemon is running. Type: systemctl disable --now $$daemon" >&2; exit 1; \
		fi; \
	done
	rm -f $(foreach daemon,$(daemons),'$(DESTDIR)$(sbindir)/$(daemon)' '$(DESTDIR)$(unitdir)/$(daemon).service')
	@if test -z '$(DESTDIR)' && test -d /run/systemd/system; then systemctl daemon-reload; fi

sources := $(wildcard Package.swift Sources Tests Benchmarks/Package.swift Benchmarks/Sources)
scripts := $(wildcard scripts/* Benchmarks/run Tests/KernelLab/run-in-guest .ci/run)

format: swift
	$(SWIFT) format format --in-place --recursive $(sources)

lint: swift
	$(SWIFT) format lint --strict --recursive $(sources)
	@if command -v shellcheck >/dev/null; then shellcheck --external-sources $(scripts); \
		else echo 'shellcheck is not there, the scripts were not checked: apt-get install shellcheck'; fi

clean:
	rm -rf .build Benchmarks/.build
