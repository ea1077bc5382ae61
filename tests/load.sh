#!/usr/bin/env bash
# Gateway against bare YARP on loopback: processor time per request and event, throughput, added latency, 500 paced streams.
# Usage: tests/load.sh [--scenario limits] [--rounds N] [--seconds N]    limits: the gateway with key, limits and budget against itself without. Takes about three minutes; needs Linux and the .NET 10 SDK. Judge by the ratios.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 MSBUILDDISABLENODEREUSE=1 MSBUILDTERMINALLOGGER=off

work=$(mktemp -d)
client=
cleanup() {
  # The client stops the processes that it started.
  if [ -n "$client" ] && kill -0 "$client" 2>/dev/null; then kill -TERM "$client"; wait "$client" || true; fi
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

echo "building" >&2
dotnet publish src/LlmGateway -c Release -o "$work/publish/gateway" -v q >&2
dotnet publish tests/load/BareYarp -c Release -o "$work/publish/yarp" -v q >&2
dotnet publish tests/load/LoadClient -c Release -o "$work/publish/client" -v q >&2

dotnet "$work/publish/client/LoadClient.dll" run --gateway "$work/publish/gateway" --yarp "$work/publish/yarp" --folder "$work/run" "$@" &
client=$!
status=0
wait "$client" || status=$?
client=
if [ "$status" -ne 0 ]; then tail -n 20 "$work"/run/*/output.log >&2 || true; fi
exit "$status"
