#!/usr/bin/env bash
# The long forms of tests that tests/run.sh holds short: soak with faults, a Redis that comes and goes, idle streams, overload and fuzz. Loopback only; ends with 1 when one failed.
# Usage: tests/soak.sh [--seconds N] [--streams N] [--cases N]    Default: 1200 s of soak, 9000 streams, 200000 cases; about 40 minutes in all.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 MSBUILDDISABLENODEREUSE=1 MSBUILDTERMINALLOGGER=off NO_COLOR=1
unset ENVIRONMENT ASPNETCORE_URLS ASPNETCORE_ENVIRONMENT DOTNET_ENVIRONMENT REDIS_URL DATABASE_URL || true

seconds=1200 streams=9000 cases=200000
while [ $# -gt 0 ]; do
  case $1 in
    --seconds) seconds=$2; shift 2 ;;
    --streams) streams=$2; shift 2 ;;
    --cases) cases=$2; shift 2 ;;
    *) sed -n '2,3p' "$0"; exit 64 ;;
  esac
done

# An idle stream holds two sockets of the gateway and two of the test.
needed=$((streams * 2 + 1000))
limit=$(ulimit -Hn)
if [ "$limit" != unlimited ] && [ "$limit" -lt "$needed" ]; then
  echo "$streams streams need $needed open files, the limit is $limit: raise it (ulimit -Hn) or pass --streams N"
  exit 1
fi
ulimit -n "$limit"

failed=0
# run NAME LIMIT ARGUMENTS…: one suite's tests, ended when they take too long; figures are printed as they come.
run() {
  local name=$1 longest=$2
  shift 2
  echo "== $*"
  timeout --kill-after=10 "$longest" dotnet "tests/$name/bin/Release/net10.0/$name.dll" -noColor -noLogo -showLiveOutput "$@" </dev/null || failed=1
}

dotnet build LlmGateway.sln -c Release -v q
FUZZ_CASES=$cases FUZZ_SEED=${FUZZ_SEED:-$RANDOM} run LlmGateway.Tests 3600 -class LlmGateway.Tests.Fuzz.FuzzTests
IDLE_STREAMS=$streams run LlmGateway.FunctionalTests 900 -class LlmGateway.FunctionalTests.IdleStreamTests
FLAP_SECONDS=60 run LlmGateway.FunctionalTests 300 -class LlmGateway.FunctionalTests.RedisOutageTests
OVERLOAD_SECONDS=60 run LlmGateway.FunctionalTests 300 -class LlmGateway.FunctionalTests.OverloadTests
SOAK_SECONDS=$seconds run LlmGateway.FunctionalTests $((seconds + 600)) -class LlmGateway.FunctionalTests.SoakTests

if [ "$failed" -ne 0 ]; then echo "something failed"; fi
exit "$failed"
