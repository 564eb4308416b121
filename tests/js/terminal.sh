#!/bin/sh
# A program in a terminal that signs a person in by the device grant, with curl and sed alone:
#   terminal.sh ISSUER CLIENT_ID
# It says where to go and which code to type, waits, and greets the person by name.
set -eu
issuer=$1 client=$2

# The text of one member of a flat JSON object.
member() { sed -n "s/.*\"$1\":\"\\([^\"]*\\)\".*/\\1/p"; }
number() { sed -n "s/.*\"$1\":\\([0-9]*\\).*/\\1/p"; }

found=$(curl -sf "$issuer/.well-known/openid-configuration")
begun=$(curl -sf "$(echo "$found" | member device_authorization_endpoint)" \
    -d "client_id=$client" -d 'scope=openid profile')
device_code=$(echo "$begun" | member device_code)
interval=$(echo "$begun" | number interval)
echo "Open $(echo "$begun" | member verification_uri) and type $(echo "$begun" | member user_code)"

while :; do
    answer=$(curl -s "$(echo "$found" | member token_endpoint)" -d "client_id=$client" \
        -d grant_type=urn:ietf:params:oauth:grant-type:device_code -d "device_code=$device_code")
    case $(echo "$answer" | member error) in
    authorization_pending) ;;
    slow_down) interval=$((interval + 5)) ;;
    '') break ;;
    *)
        echo "Refused: $(echo "$answer" | member error)"
        exit 1
        ;;
    esac
    sleep "$interval"
done
token=$(echo "$answer" | member access_token)
info=$(curl -sf "$(echo "$found" | member userinfo_endpoint)" -H "Authorization: Bearer $token")
echo "Hello $(echo "$info" | member preferred_username)"
