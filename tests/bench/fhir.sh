#!/usr/bin/env bash
# Speed of the R4 engine on FHIR files, beside HAPI's validator on the same files in the same run.
#
#   tests/bench/fhir.sh [--no-hapi] [FILE...]
#
# Without files: the ServiceRequest and Observation examples of the FHIR R4 specification, fetched as
# the npm package hl7.fhir.r4.examples into .cache (or, offline, the three files of tests/bench/fhir).
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."

hapi=yes
if [ "${1:-}" = --no-hapi ]; then
    hapi=
    shift
fi

# The official examples, or our own files when the package cannot be had.
examples() {
    local folder=.cache/r4-examples
    if [ ! -d $folder/package ] && command -v npm >/dev/null; then
        mkdir -p $folder
        (cd $folder && npm pack --silent hl7.fhir.r4.examples@4.0.1 >/dev/null &&
            tar xzf hl7.fhir.r4.examples-4.0.1.tgz) >&2 || rm -rf $folder/package
    fi
    if [ -d $folder/package ]; then
        ls $folder/package/ServiceRequest-*.json $folder/package/Observation-*.json
    else
        ls tests/bench/fhir/*.json
    fi
}

if [ $# = 0 ]; then
    mapfile -t files < <(examples)
else
    files=("$@")
fi
cmake --preset release >/dev/null 2>&1 || cmake -G Ninja -B build >/dev/null
cmake --build build --target fhir_bench >/dev/null
echo "refgate, ${#files[@]} files"
build/fhir_bench "${files[@]}" | tee .cache/fhir-bench.txt
echo "refgate, one message Bundle"
build/fhir_bench tests/bench/fhir/message-bundle.json
cmake --build build --target refgate >/dev/null
/usr/bin/python3 -B tests/bench/fhir_command.py build/refgate tests/bench/fhir/*.json

if [ -z "$hapi" ] || ! command -v mvn >/dev/null; then
    echo "not run: HAPI (needs java and mvn, and no --no-hapi)"
    exit 0
fi
(cd tests/bench/fhir-hapi &&
    mvn -q -B compile dependency:build-classpath -Dmdep.outputFile=target/classpath)
theirs=$(java -cp "tests/bench/fhir-hapi/target/classes:$(cat tests/bench/fhir-hapi/target/classpath)" \
    refgate.Bench "${files[@]}")
ours=$(awk '/all invariants/ { for (i = 1; i < NF; i++) if ($(i + 1) == "a") print $i }' \
    .cache/fhir-bench.txt)
echo "HAPI, warmed                           $theirs a CPU second"
awk -v ours="$ours" -v theirs="$theirs" 'BEGIN { printf "ratio %.0f\n", ours / theirs }'
