#!/usr/bin/env bash
# Formats are checked, everything is built once (Release), every test project runs; the last line is "N passed, N failed".
# Needs the .NET 10 SDK; Node.js, Redis, PostgreSQL and Prometheus come from Debian where they are missing, the JavaScript clients from npm. Ends with 1 when a test failed or was skipped, when a suite ran no test, when a secret of the tests stands in what was written, or when code is not formatted.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1 MSBUILDDISABLENODEREUSE=1 MSBUILDTERMINALLOGGER=off NO_COLOR=1
# The tests bring their own variables; the machine's must not reach the child processes that they start.
unset ENVIRONMENT ASPNETCORE_URLS ASPNETCORE_ENVIRONMENT DOTNET_ENVIRONMENT REDIS_URL DATABASE_URL || true

readonly suite_limit=900   # seconds; a suite that hangs is killed and counts as failed
passed=0 failed=0 broken=0

# What suites and gateways write is kept until it has been searched for the tests' secrets.
TEST_OUTPUT=$(mktemp -d)
export TEST_OUTPUT
mkdir "$TEST_OUTPUT/output"
trap 'rm -rf "$TEST_OUTPUT"' EXIT

# Debian packages that tests need, by the command that shows that they are there: need COMMAND PACKAGE
need() {
  command -v "$1" >/dev/null && return
  echo "== installing $2"
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2" >/dev/null
}

check_format() {
  echo "== format"
  if ! dotnet format LlmGateway.sln --verify-no-changes --no-restore --severity warn; then
    echo "code is not formatted: run dotnet format"
    broken=1
  fi
}

# Runs one suite and adds its counts, read from the runner's own report.
run_suite() {
  local project=$1 name report
  name=$(basename "$project" .csproj)
  report=$(mktemp)
  echo "== $name"
  local dll
  dll="$(dirname "$project")/bin/Release/net10.0/$name.dll"
  if [ ! -f "$dll" ]; then
    echo "$name: was not built"
    broken=1
    return
  fi
  timeout --kill-after=10 "$suite_limit" dotnet "$dll" -noColor -noLogo -xml "$report" </dev/null 2>&1 | tee "$TEST_OUTPUT/output/$name.log" || true
  cp "$report" "$TEST_OUTPUT/output/$name.xml"
  count() { sed -nE "s/.*<assembly [^>]*[[:space:]]$1=\"([0-9]+)\".*/\1/p" "$report" | head -n 1; }
  local total ok bad skipped errors
  total=$(count total) ok=$(count passed) bad=$(count failed) skipped=$(count skipped) errors=$(count errors)
  rm -f "$report"
  if [ -z "$total" ]; then
    echo "$name: ended without a report (crash, or more than $suite_limit s)"
    failed=$((failed + 1))
    return
  fi
  echo "$name: $ok passed, $bad failed, $skipped skipped, $errors errors"
  passed=$((passed + ok)) failed=$((failed + bad + errors))
  if [ "$((ok + bad))" -eq 0 ]; then echo "$name: ran no test"; broken=1; fi
  if [ "$skipped" -ne 0 ]; then echo "$name: skips tests"; broken=1; fi
}

# The official JavaScript clients, and frameworks over them, against the built gateway; counted like a suite.
run_clients() {
  local report ok bad cancelled
  echo "== clients"
  need node nodejs
  need npm npm
  if ! npm ci --prefix tests/clients --no-audit --no-fund --silent; then
    echo "clients: npm ci failed"
    failed=$((failed + 1))
    return
  fi
  report=$(mktemp)
  GATEWAY_DLL="$PWD/src/LlmGateway/bin/Release/net10.0/LlmGateway.dll" \
    timeout --kill-after=10 "$suite_limit" node --test --test-reporter=tap tests/clients/*.test.mjs </dev/null 2>&1 >"$report" | tee "$TEST_OUTPUT/output/clients.err" >&2 || true
  cp "$report" "$TEST_OUTPUT/output/clients.log"
  tally() { sed -nE "s/^# $1 ([0-9]+)$/\1/p" "$report" | tail -n 1; }
  ok=$(tally pass) bad=$(tally fail) cancelled=$(tally cancelled)
  bad=$((${bad:-0} + ${cancelled:-0}))
  if [ -z "$ok" ] || [ "$bad" -ne 0 ]; then cat "$report"; fi
  if [ -z "$ok" ]; then ok=0 bad=1; fi
  if [ "$((ok + bad))" -eq 0 ]; then echo "clients: ran no test"; broken=1; fi
  if [ "$(tally skipped)$(tally todo)" != 00 ]; then echo "clients: skips tests"; broken=1; fi
  rm -f "$report"
  echo "clients: $ok passed, $bad failed"
  passed=$((passed + ok)) failed=$((failed + bad))
}

command -v dotnet >/dev/null || { echo "the .NET 10 SDK is needed: https://dot.net"; exit 1; }

mapfile -t suites < <(find tests -mindepth 2 -maxdepth 2 -name '*Tests.csproj' | sort)
echo "== build"
dotnet build LlmGateway.sln -c Release -v q
for suite in "${suites[@]}"; do
  # A test project that the solution does not list is built, and tested, even so.
  grep -qF "$(basename "$suite")" LlmGateway.sln || dotnet build "$suite" -c Release -v q
done
check_format
need redis-server redis-server
need prometheus prometheus
# PostgreSQL's own programs are not on the path; its package brings the user that root must lend them.
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || need initdb postgresql
for suite in "${suites[@]}"; do
  run_suite "$suite"
done
run_clients
if [ "${#suites[@]}" -eq 0 ]; then echo "no suites"; broken=1; fi
echo "== secrets in all that was written"
tests/canaries.sh "$TEST_OUTPUT" || broken=1

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$broken" -eq 0 ]
