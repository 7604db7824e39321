# actstream: activity streams as a feature of PostgreSQL
#
#   make && make install        build and install, with the pg_config in PATH
#   make installcheck           regression, isolation and TAP tests against
#                               the running server (of the same pg_config)
#   make demo [KEEP=1]          set up everything, show it on real data
#   make check                  set up everything, run every test
#   make check-versions         the same with each major of PostgreSQL
#   make check-deep             every test under watch, random queries, kills
#   make bench [N=1000000]      set up everything, compare methods of reading
#   make check-recency          set up everything, torture the recency map
#   make check-history          set up everything, check what clients are told
#                               while backends are killed
#
# All but the first two install what is missing and work in a temporary directory of
# their own, so they come before, and do without, PGXS.

PG_CONFIG ?= pg_config

SELF_CONTAINED = check check-versions check-deep check-recency check-history demo bench

ifneq (,$(filter $(SELF_CONTAINED),$(MAKECMDGOALS)))

.PHONY: $(SELF_CONTAINED)
$(SELF_CONTAINED):
	@tools/$@

else

# The version stands in the control file alone.
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" actstream.control)

EXTENSION = actstream
MODULE_big = actstream
OBJS = $(patsubst %.c,%.o,$(wildcard src/*.c src/*/*.c))
PG_CPPFLAGS = -I$(srcdir)/src
# The script of the version is put together from these, in this order.  They are in a
# folder of their own, for pg_regress takes a file sql/NAME.sql for the test NAME.
SQL_PARTS = schema ref tables object action recency follow stream display feed track integrity
DATA = $(wildcard sql/actstream--*--*.sql)
DATA_built = sql/actstream--$(EXTVERSION).sql
PGFILEDESC = "actstream - activity streams"
# Other libraries of the server see what PostgreSQL has to find, and no more.
PG_CFLAGS = -fvisibility=hidden

REGRESS = $(basename $(notdir $(wildcard test/sql/*.sql)))
REGRESS_OPTS = --inputdir=test
ISOLATION = $(basename $(notdir $(wildcard test/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test --outputdir=. --load-extension=actstream \
	--launcher=test/lib/one_wording
TAP_TESTS = 1
PROVE_TESTS = test/t/*.pl

EXTRA_CLEAN = $(DATA_built) output_iso tmp_check

PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)

ifneq (,$(wildcard $(PGXS)))

include $(PGXS)

$(DATA_built): $(SQL_PARTS:%=sql/parts/%.sql)
	cat $^ >$@

# Every source sees compat.h; a change of any header rebuilds all: it is small.
$(OBJS): $(wildcard src/*/*.h)

else

.PHONY: all install installcheck uninstall clean
all install installcheck uninstall clean:
	@echo "actstream: $(PG_CONFIG) has no PGXS, so nothing can be built with it." >&2
	@echo "  On Debian: apt-get install postgresql-server-dev-all, or name another" >&2
	@echo "  pg_config with PG_CONFIG=...; \"make check\" and \"make demo\" install" >&2
	@echo "  what they need by themselves." >&2
	@exit 2

endif
endif
