# Every target is one script in scripts/; `make help` lists them.

N ?= 10
MAKEFLAGS += --no-print-directory

.DEFAULT_GOAL := help
.PHONY: help setup run demo demo-repeat features test lint bench soak package fmt notices icons clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

setup: ## install what is missing (Debian 12, 13, Ubuntu 24.04)
	@scripts/setup all

run: ## server, demo people and the app; a robot student rings after a few seconds
	@scripts/setup run
	@scripts/run

demo: ## the whole scenario with the real app, measured: demo-out/report.json
	@scripts/setup all
	@scripts/demo

demo-repeat: ## the same N times (N=10): demo-out/repeat.json
	@scripts/setup all
	@scripts/demo-repeat $(N)

test: ## the tests; demo, soak and bench are beside it
	@scripts/setup all
	@scripts/test

lint: ## formatting, lints, layering, licences, stale files
	@scripts/setup all
	@scripts/lint

bench: ## what is measured against others: bench-out/report.json
	@scripts/setup bench
	@scripts/bench

soak: ## people write while everything is killed and cut, for half an hour
	@scripts/setup all
	@scripts/soak

features: ## the real app in everyday use: search, files, courses, moderation
	@scripts/setup all
	@scripts/features

package: ## the .deb of the app and the server's binary
	@scripts/setup build
	@scripts/package

fmt: ## format Rust and the UI
	@scripts/fmt

notices: ## write THIRD-PARTY-NOTICES.md anew
	@scripts/notices

icons: ## render icons/*.png from the drawings
	@scripts/render-icons

clean: ## throw away what was built
	@scripts/clean
