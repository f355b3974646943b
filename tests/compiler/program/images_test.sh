#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# build, inspect and verify as people type them: what is printed and the exit codes that scripts rely on. Signatures come
# from minisign itself.
set -u
sluicec=$1
policy=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
failures=0

# expect CODE PATTERN COMMAND...: the exit code, and an extended regular expression that some line must match.
expect() {
    local code=$1 pattern=$2 output got
    shift 2
    output=$("$@" 2>&1)
    got=$?
    if [ "$got" -ne "$code" ] || ! grep -Eq -- "$pattern" <<<"$output"; then
        printf 'FAILED: %s\n  expected exit %s and /%s/\n  found exit %s and:\n%s\n' "$*" "$code" "$pattern" "$got" "$output"
        failures=$((failures + 1))
    fi
}

expect 0 '^edge\.img: [0-9]+ bytes, gateway "two-tenants"$' "$sluicec" build "$policy" -o edge.img
expect 0 '' "$sluicec" build "$policy" -o again.img --threads 1
cmp edge.img again.img || failures=$((failures + 1))

expect 0 '^gateway two-tenants ' "$sluicec" inspect edge.img
expect 0 '^tenant red ' "$sluicec" inspect edge.img
expect 0 '^  closure   [0-9a-f]{64}$' "$sluicec" inspect edge.img
expect 0 '^      "closure": "[0-9a-f]{64}",$' "$sluicec" inspect edge.img --json
expect 0 '^  "gateway": "two-tenants",$' "$sluicec" inspect edge.img --json

expect 0 '^edge\.img: OK$' "$sluicec" verify edge.img
expect 0 '^digest [0-9a-f]{64}$' "$sluicec" verify edge.img
expect 1 '^sluicec: absent\.img: cannot be read: No such file or directory$' "$sluicec" verify absent.img
expect 1 'cannot be read: it is not a regular file$' "$sluicec" inspect .
expect 2 'IMAGE is required' "$sluicec" verify

head -c 1000 edge.img >torn.img
expect 4 '^sluicec: torn\.img: the header announces [0-9]+ bytes behind it, the file has 936$' "$sluicec" verify torn.img
expect 4 'the header announces' "$sluicec" inspect torn.img
cp edge.img flipped.img
printf 'X' | dd of=flipped.img bs=1 seek=2000 conv=notrunc status=none
expect 4 'the digest in the header is [0-9a-f]{64}, that of the file [0-9a-f]{64}$' "$sluicec" verify flipped.img

if command -v minisign >/dev/null; then
    for name in mine other; do minisign -G -W -p $name.pub -s $name.key >/dev/null || failures=$((failures + 1)); done
    expect 4 '^sluicec: edge\.img: expected a signature by key [0-9A-F]{16} in "edge\.img\.minisig", found no such file$' \
        "$sluicec" verify edge.img --key mine.pub
    minisign -S -s mine.key -m edge.img -t 'build 7' >/dev/null
    # minisign leaves leading zeros of the id out.
    id=$(sed -n 's/.*public key //p' mine.pub)
    id=$(printf '%16s' "$id" | tr ' ' 0)
    expect 0 "^signed by $id, build 7$" "$sluicec" verify edge.img --key mine.pub
    expect 0 "^  \"key\": \"$id\",$" "$sluicec" verify edge.img --key mine.pub --json
    expect 4 "expected a signature by key [0-9A-F]{16}, found one by key $id$" "$sluicec" verify edge.img --key other.pub
    sed 's/build 7/build 8/' edge.img.minisig >again.img.minisig
    expect 4 "the trusted comment is not what key $id signed$" "$sluicec" verify again.img --key mine.pub
    "$sluicec" build "${policy%/*}/smallest" -o again.img >/dev/null
    cp edge.img.minisig again.img.minisig
    expect 4 "the image is not what key $id signed$" "$sluicec" verify again.img --key mine.pub
    expect 0 "^signed by $id, build 7$" "$sluicec" verify edge.img --key other.pub --key mine.pub
    expect 1 'expected a minisign public key' "$sluicec" verify edge.img --key edge.img.minisig
    expect 1 '^sluicec: absent\.pub: the key cannot be read$' "$sluicec" verify edge.img --key absent.pub

    # Signed by sluicec: minisign accepts it, and the comment says which image of how many this is.
    parent=$(printf '%064d' 7)
    expect 0 "^signed by $id, revision=7 digest=[0-9a-f]{64} parent=$parent$" \
        "$sluicec" build "$policy" -o ours.img --sign mine.key --revision 7 --parent "$parent"
    expect 0 "^Trusted comment: revision=7 digest=[0-9a-f]{64} parent=$parent$" minisign -V -p mine.pub -m ours.img
    expect 0 "^signed by $id, revision=7 " "$sluicec" verify ours.img --key mine.pub
    cmp edge.img ours.img || failures=$((failures + 1))
    cp ours.img.minisig first.minisig
    "$sluicec" build "$policy" -o ours.img --sign mine.key --revision 7 --parent "$parent" >/dev/null
    cmp first.minisig ours.img.minisig || failures=$((failures + 1))
    expect 0 '^signed by [0-9A-F]{16}, revision=1700000000 digest=' \
        env SOURCE_DATE_EPOCH=1700000000 "$sluicec" build "$policy" -o ours.img --sign mine.key
    expect 0 '^  "trusted_comment": "revision=8 ' "$sluicec" build "$policy" -o ours.img --sign mine.key --revision 8 --json
    expect 2 'a digest has 64 hexadecimal digits' "$sluicec" build "$policy" -o ours.img --sign mine.key --parent 7
    expect 2 '--revision requires --sign' "$sluicec" build "$policy" -o ours.img --revision 7
    rm -f ours.img
    expect 1 '^sluicec: absent\.key: the key cannot be read$' "$sluicec" build "$policy" -o ours.img --sign absent.key
    expect 1 '^sluicec: mine\.pub: expected a minisign secret key: ' "$sluicec" build "$policy" -o ours.img --sign mine.pub

    # A key with a password, which minisign reads from stdin where that is no terminal.
    printf 'secret\nsecret\n' | minisign -G -p locked.pub -s locked.key >/dev/null 2>&1 || failures=$((failures + 1))
    expect 0 ', revision=9 ' env SLUICE_KEY_PASSWORD=secret "$sluicec" build "$policy" -o locked.img --sign locked.key --revision 9
    expect 0 '^Signature and comment signature verified$' minisign -V -p locked.pub -m locked.img
    expect 1 '^sluicec: locked\.key: the password is wrong$' \
        env SLUICE_KEY_PASSWORD=wrong "$sluicec" build "$policy" -o ours.img --sign locked.key
    expect 1 '^sluicec: locked\.key: the key is encrypted and there is no password: set SLUICE_KEY_PASSWORD, or sign on a terminal$' \
        setsid -w "$sluicec" build "$policy" -o ours.img --sign locked.key
    [ ! -e ours.img ] || { echo 'FAILED: an image was written without its signature' && failures=$((failures + 1)); }
fi

[ "$failures" -eq 0 ] || exit 1
if ! command -v minisign >/dev/null; then
    echo "skipped: signatures need the program minisign"
    exit 77
fi
