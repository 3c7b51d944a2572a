#!/bin/sh
# Brings the realm, its groups and its clients to what the files in this folder say. Safe to run again.
#
#   target             server=..., authority=..., realm=..., admin=...
#   admin/N            secret of the service account `admin`, the current one first, then those before it
#   master.json        what we set on the realm `master`
#   realm.json         the realm
#   actions/ALIAS.json required actions
#   groups/NAME.json   groups
#   clients/ID.json    clients, without their secrets, which are in secrets/ID
#
# Only what the official image has is used: a shell, coreutils and kcadm.sh. Secrets pass through the environment and
# standard input, never through arguments.
set -eu
here=$(dirname "$0")
cd "${1:-$here}"
. ./target
kcadm=${KCADM:-/opt/keycloak/bin/kcadm.sh}
# Each call is a short-lived Java program: without the optimising compiler it takes a third of the time.
export KC_OPTS="${KC_OPTS:--XX:TieredStopAtLevel=1}"
session=$(mktemp)
list=$(mktemp)
trust=$(mktemp -u)
trap 'rm -f "$session" "$list" "$trust"' EXIT
# kcadm reads no PEM file. What is in this store is no secret; Java insists on a password of six characters.
keytool -importcert -noprompt -alias authority -file "$authority" -keystore "$trust" -storetype PKCS12 \
    -storepass public >/dev/null 2>&1 || { echo "no certificate authority in $authority" >&2 && exit 1; }
KC_OPTS="$KC_OPTS -Djavax.net.ssl.trustStore=$trust -Djavax.net.ssl.trustStorePassword=public"

kcadm() {
    command=$1
    shift
    "$kcadm" "$command" --config "$session" "$@"
}

sign_in() {
    for file in admin/*; do
        if KC_CLI_CLIENT_SECRET=$(cat "$file") "$kcadm" config credentials --config "$session" --server "$server" \
            --realm master --client "$admin"; then
            return 0
        fi
    done
    echo "no secret of the service account $admin is accepted; kc.sh bootstrap-admin service makes a new one" >&2
    return 1
}

with_secret() { # CLIENT-FILE SECRET-FILE: the client as JSON with its secret
    json=$(cat "$1")
    printf '{"secret": "%s", %s' "$(cat "$2")" "${json#?}"
}

client_id() { # CLIENT: its id in the realm, or nothing
    while IFS=, read -r id name _; do
        if [ "$name" = "$1" ]; then
            echo "$id"
        fi
    done <"$list"
}

sign_in
if [ "$file" != admin/0 ]; then
    id=$(kcadm get clients -r master -q "clientId=$admin" --fields id --format csv --noquotes)
    with_secret master-client.json admin/0 | kcadm update "clients/$id" -r master -f -
    echo "rotated the secret of the service account $admin"
    sign_in
fi

kcadm update realms/master -f master.json
if kcadm get "realms/$realm" --fields realm >/dev/null 2>&1; then
    kcadm update "realms/$realm" -f realm.json
else
    kcadm create realms -f realm.json
fi
for file in actions/*.json; do
    alias=${file#actions/}
    kcadm update "authentication/required-actions/${alias%.json}" -r "$realm" -f "$file"
done
for file in groups/*.json; do
    name=${file#groups/}
    found=$(kcadm get groups -r "$realm" -q "search=${name%.json}" -q exact=true --fields id --format csv --noquotes)
    if [ -z "$found" ]; then
        kcadm create groups -r "$realm" -f "$file"
    fi
done

kcadm get clients -r "$realm" --fields id,clientId,description --format csv --noquotes >"$list"
for file in clients/*.json; do
    [ -e "$file" ] || continue # a realm without clients
    name=${file#clients/}
    name=${name%.json}
    id=$(client_id "$name")
    if [ -n "$id" ]; then
        with_secret "$file" "secrets/$name" | kcadm update "clients/$id" -r "$realm" -f -
    else
        with_secret "$file" "secrets/$name" | kcadm create clients -r "$realm" -f -
    fi
done
while IFS=, read -r id name description; do
    case $description in
        ggi:*) [ -e "clients/$name.json" ] || kcadm delete "clients/$id" -r "$realm" ;;
    esac
done <"$list"
echo "realm $realm is as described"
