#!/usr/bin/env bash
# Looks for the tests' secrets in everything that a run wrote: its suites' output and its gateways' logs.
# Usage: tests/canaries.sh FOLDER    FOLDER/shapes: what nothing may hold, one a line; FOLDER/output: what was written. Ends with 1 on a find, with 2 when there was nothing to look for or nothing to look at.
set -euo pipefail
folder=${1:?usage: tests/canaries.sh FOLDER}

if [ ! -s "$folder/shapes" ]; then echo "no secrets to look for"; exit 2; fi
if [ -z "$(find "$folder/output" -type f -size +0 -print -quit 2>/dev/null)" ]; then echo "no output to look at"; exit 2; fi

# The names of the files alone: what was found is not repeated.
code=0
found=$(LC_ALL=C grep -rlaF -f "$folder/shapes" "$folder/output") || code=$?
if [ "$code" -gt 1 ]; then exit 2; fi
if [ "$code" -eq 0 ]; then
  echo "secrets stand in:"
  echo "$found"
  exit 1
fi
echo "$(find "$folder/output" -type f | wc -l) outputs ($(du -sh "$folder/output" | cut -f1)), none of $(sort -u "$folder/shapes" | wc -l) forms of secrets in them"
