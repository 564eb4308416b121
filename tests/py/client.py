"""authlib against the built server: code + PKCE, refresh, userinfo, revocation, sign-out."""

import json
import time
from urllib.parse import parse_qs, urlencode, urlsplit

import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from person import Person, heading
from server import Server

CALLBACK = "http://127.0.0.1:7655/callback"
SCOPE = "openid profile email offline_access chat"


def discover(issuer):
    found = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=30).json()
    assert found["issuer"] == issuer
    return found


def a_public_messenger(server):
    at = discover(server.issuer)
    client = OAuth2Session(
        "demo-messenger",
        scope=SCOPE,
        redirect_uri=CALLBACK,
        code_challenge_method="S256",
        token_endpoint_auth_method="none",
        revocation_endpoint_auth_method="none",
    )
    verifier, nonce = generate_token(48), generate_token(20)
    url, state = client.create_authorization_url(
        at["authorization_endpoint"], code_verifier=verifier, nonce=nonce, prompt="create"
    )
    person = Person(server.issuer)
    away = person.sign_up(person.go(url), "temuulen")
    answer = parse_qs(urlsplit(away).query)
    assert answer["iss"] == [server.issuer] and answer["state"] == [state]
    token = client.fetch_token(
        at["token_endpoint"], authorization_response=away, state=state, code_verifier=verifier
    )
    keys = KeySet.import_key_set(requests.get(at["jwks_uri"], timeout=30).json())
    claims = jwt.decode(token["id_token"], keys, algorithms=["RS256"]).claims
    jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": server.issuer},
        aud={"essential": True, "value": "demo-messenger"},
        nonce={"essential": True, "value": nonce},
    ).validate(claims)
    assert claims["preferred_username"] == "temuulen"
    hint = token["id_token"]
    # The issuer's own audience opens userinfo.
    old = token["refresh_token"]
    token = client.refresh_token(at["token_endpoint"], refresh_token=old, resource=server.issuer)
    assert token["refresh_token"] != old
    info = client.get(at["userinfo_endpoint"]).json()
    assert info["sub"] == claims["sub"] and info["email"] == "temuulen@mail.example"
    out = {
        "id_token_hint": hint,
        "post_logout_redirect_uri": "http://127.0.0.1/signed-out",
        "state": "bye",
    }
    gone = person.go(f"{at['end_session_endpoint']}?{urlencode(out)}")
    assert isinstance(gone, str) and parse_qs(urlsplit(gone).query)["state"] == ["bye"], gone
    assert heading(person.go("/account")) == "Sign in"
    gone = client.revoke_token(
        at["revocation_endpoint"], token["refresh_token"], token_type_hint="refresh_token"
    )
    assert gone.status_code == 200
    refused = requests.post(
        at["token_endpoint"],
        data={
            "grant_type": "refresh_token",
            "refresh_token": token["refresh_token"],
            "client_id": "demo-messenger",
        },
        timeout=30,
    )
    assert refused.status_code == 400 and refused.json()["error"] == "invalid_grant"


def a_confidential_app(server):
    at = discover(server.issuer)
    scopes = [word for name in ("openid", "profile", "email") for word in ("--scope", name)]
    made = json.loads(
        server.command(
            "client", "add", "forum", "--redirect", "https://forum.example/callback", *scopes, "--json"
        )
    )
    client = OAuth2Session(
        made["client_id"],
        made["client_secret"],
        scope="openid profile email",
        redirect_uri="https://forum.example/callback",
        code_challenge_method="S256",
    )
    verifier = generate_token(48)
    url, state = client.create_authorization_url(at["authorization_endpoint"], code_verifier=verifier)
    person = Person(server.issuer)
    page = person.sign_in(person.go(url), "temuulen")
    assert "use your account" in heading(page), heading(page)
    away = person.submit(page, decision="allow")
    token = client.fetch_token(
        at["token_endpoint"], authorization_response=away, state=state, code_verifier=verifier
    )
    assert client.get(at["userinfo_endpoint"]).json()["preferred_username"] == "temuulen"
    assert "refresh_token" not in token, "none was asked for"


def a_signed_request_pushed_and_a_signed_answer(server):
    at = discover(server.issuer)
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"})
    file = server.folder / "jwks.json"
    file.write_text(json.dumps({"keys": [key.as_dict(private=False, kid=key.thumbprint())]}))
    back = "https://forum.example/signed"
    words = ["--auth", "basic", "--jwks", str(file), "--par", "required", "--request-object", "required"]
    made = json.loads(server.command("client", "add", "signer", "--redirect", back, *words, "--json"))
    own = (made["client_id"], made["client_secret"])
    verifier, state, now = generate_token(48), generate_token(20), int(time.time())
    wish = {
        "iss": own[0],
        "aud": at["issuer"],
        "exp": now + 60,
        "client_id": own[0],
        "redirect_uri": back,
        "response_type": "code",
        "response_mode": "jwt",
        "scope": "openid",
        "state": state,
        "code_challenge": create_s256_code_challenge(verifier),
        "code_challenge_method": "S256",
    }
    header = {"alg": "ES256", "typ": "oauth-authz-req+jwt", "kid": key.thumbprint()}
    to = at["pushed_authorization_request_endpoint"]
    sent = requests.post(to, data={"request": jwt.encode(header, wish, key)}, auth=own, timeout=30)
    assert sent.status_code == 201, sent.text
    # Signed by another key; not signed.
    other = jwt.encode({"alg": "ES256"}, wish, ECKey.generate_key("P-256"))
    refused = requests.post(to, data={"request": other}, auth=own, timeout=30)
    assert refused.json()["error"] == "invalid_request_object"
    refused = requests.post(to, data=wish, auth=own, timeout=30)
    assert refused.json()["error"] == "invalid_request"
    person = Person(server.issuer)
    query = urlencode({"client_id": own[0], "request_uri": sent.json()["request_uri"]})
    page = person.sign_in(person.go(f"{at['authorization_endpoint']}?{query}"), "temuulen")
    answer = parse_qs(urlsplit(person.submit(page, decision="allow")).query)
    assert list(answer) == ["response"], answer
    keys = KeySet.import_key_set(requests.get(at["jwks_uri"], timeout=30).json())
    claims = jwt.decode(answer["response"][0], keys, algorithms=["RS256"]).claims
    jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": server.issuer},
        aud={"essential": True, "value": own[0]},
        exp={"essential": True},
        state={"essential": True, "value": state},
    ).validate(claims)
    client = OAuth2Session(*own, redirect_uri=back)
    token = client.fetch_token(at["token_endpoint"], code=claims["code"], code_verifier=verifier)
    assert token["scope"] == "openid"


def run():
    with Server(PASSWORD__MEMORY_KIB=8) as server:
        for test in (
            a_public_messenger,
            a_confidential_app,
            a_signed_request_pushed_and_a_signed_answer,
        ):
            yield f"authlib: {test.__name__.replace('_', ' ')}", lambda test=test: test(server)
